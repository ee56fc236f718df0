"""A small WSGI server that keeps connections alive.

werkzeug's development server, which moto uses, closes each connection after one request. AWS's SDKs keep
theirs, and a request over a kept connection costs half as much.
"""

from __future__ import annotations

import io
import socket
import sys
import tempfile
import traceback
from http.server import ThreadingHTTPServer
from typing import TYPE_CHECKING

from moto.moto_server.werkzeug_app import MotoRequestHandler
from werkzeug.serving import DechunkedInput

from localaws.exceptions import ConnectionDroppedError, PortBusyError
from localaws.settings import LOOPBACK

if TYPE_CHECKING:
    from collections.abc import Callable

    from _typeshed.wsgi import WSGIApplication, WSGIEnvironment

_SPOOL_BYTES = 8_000_000  # larger bodies wait on disk
_PIECE = 1_000_000
_IDLE_SECONDS = 120


class Server(ThreadingHTTPServer):
    """Serves a WSGI application on the loopback interface, one thread a connection.

    Args:
        port: TCP port, 0 for any free one.
        app: the application.

    Raises:
        PortBusyError: somebody listens there already.
    """

    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 256
    multithread = True
    multiprocess = False
    ssl_context = None
    passthrough_errors = False
    _server_version = "localaws"

    def __init__(self, port: int, app: WSGIApplication | None = None) -> None:
        self.app = app
        try:
            super().__init__((LOOPBACK, port), _Handler)
        except OSError as error:
            message = (
                f"Port {port} of {LOOPBACK} is taken: stop what listens there, or choose another with --port."
            )
            raise PortBusyError(message) from error

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://{LOOPBACK}:{self.server_address[1]}"

    def server_bind(self) -> None:
        """Binds without the reverse look-up of the base class."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])

    def handle_error(self, *_: object) -> None:
        """Clients come and go; anything else was reported where it happened."""
        if not isinstance(sys.exception(), (ConnectionError, TimeoutError)):
            traceback.print_exc()

    def log(self, kind: str, message: str, *args: object) -> None:
        """Where werkzeug's handler reports."""
        if kind == "error":
            print(message % args if args else message, file=sys.stderr)


class _Handler(MotoRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    timeout = _IDLE_SECONDS
    wbufsize = -1

    def handle_expect_100(self) -> bool:
        """Lets the client send its body, at once."""
        answer = super().handle_expect_100()
        self.wfile.flush()
        return answer

    def run_wsgi(self) -> None:
        environ = self.make_environ()
        environ["wsgi.input"] = _read_body(environ)
        environ["wsgi.input_terminated"] = True
        try:
            status, headers, pieces = _call(self.server.app, environ)
        except ConnectionDroppedError:
            self.close_connection = True
            return
        except Exception:  # noqa: BLE001  # the request gets its answer, the operator the trace
            traceback.print_exc()
            status, headers, pieces = (
                "500 Internal Server Error",
                [],
                [b"internal error of the embedded AWS\n"],
            )
        self._send(status, headers, pieces)

    def _send(self, status: str, headers: list[tuple[str, str]], pieces: list[bytes]) -> None:
        code, _, reason = status.partition(" ")
        self.send_response(int(code), reason)
        has_body = int(code) >= 200 and int(code) not in (204, 304)
        names = {name.lower() for name, _ in headers}
        for name, value in headers:
            if name.lower() not in ("connection", "date", "server"):
                self.send_header(name, value)
        if has_body and "content-length" not in names:
            self.send_header("Content-Length", str(sum(map(len, pieces))))
        self.end_headers()
        if has_body and self.command != "HEAD":
            for piece in pieces:
                self.wfile.write(piece)
            announced = next((int(value) for name, value in headers if name.lower() == "content-length"), 0)
            if announced > sum(map(len, pieces)):  # a fault: the client has to see where the body ends
                self.close_connection = True
        self.wfile.flush()

    def log_request(self, *_: object) -> None:
        """One line a request would drown what matters."""

    def log_error(self, *_: object) -> None:
        """A kept connection that nobody uses any more is no error."""


def _read_body(environ: WSGIEnvironment) -> io.BytesIO | tempfile.SpooledTemporaryFile[bytes]:
    """Takes the whole body off the connection, so that the next request begins where it should."""
    source = environ["wsgi.input"]
    chunked = isinstance(source, DechunkedInput)
    left = int(environ.get("CONTENT_LENGTH") or 0)
    if not chunked and left <= _SPOOL_BYTES:
        return io.BytesIO(source.read(left) if left else b"")
    body = tempfile.SpooledTemporaryFile(_SPOOL_BYTES)  # noqa: SIM115  # closed with the request's environment
    while piece := source.read(_PIECE if chunked else min(_PIECE, left)):
        body.write(piece)
        left -= len(piece)
    if chunked:
        environ["CONTENT_LENGTH"] = str(body.tell())
        environ.pop("HTTP_TRANSFER_ENCODING", None)
    body.seek(0)
    return body


def _call(app: WSGIApplication, environ: WSGIEnvironment) -> tuple[str, list[tuple[str, str]], list[bytes]]:
    started: list[tuple[str, list[tuple[str, str]]]] = []

    def start_response(
        status: str, headers: list[tuple[str, str]], _: object = None
    ) -> Callable[[bytes], None]:
        started.append((status, headers))
        return lambda _data: None

    result = app(environ, start_response)
    try:
        pieces = list(result)
    finally:
        if close := getattr(result, "close", None):
            close()
    return *started[-1], pieces
