"""The Lambda Runtime API, one endpoint for each worker.

Protocol: https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html (version 2018-06-01). A worker asks
    for its next invocation (`GET …/invocation/next`, answered when there is one), and posts what came of it
    (`…/response`, `…/error`, or `…/init/error` when its code could not be loaded).
"""

from __future__ import annotations

import contextlib
import socket
import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, Literal

from localaws.settings import LOOPBACK

if TYPE_CHECKING:
    from collections.abc import Callable

PREFIX = "/2018-06-01/runtime"


@dataclass(frozen=True, slots=True)
class Invocation:
    """One execution handed to a worker.

    Attributes:
        payload: the event, JSON.
        arn: the ARN that was invoked, alias included.
        deadline: when the function times out, seconds since the epoch.
        trace: X-Ray header, as `_X_AMZN_TRACE_ID` shows it.
        client_context: the caller's context, JSON, or empty.
    """

    request_id: str
    payload: bytes
    arn: str
    deadline: float
    trace: str = ""
    client_context: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a worker posted.

    Attributes:
        kind: `response`, `error` (the handler raised) or `init-error` (the code could not be loaded).
        payload: the body it posted, JSON.
    """

    kind: Literal["response", "error", "init-error"]
    payload: bytes


class RuntimeApi:
    """The Runtime API of one worker, on a port of its own.

    Args:
        idle_seconds: how long a worker may wait for an invocation.
        on_idle: called when it has waited so long; it must call `close`.
    """

    def __init__(self, idle_seconds: float, on_idle: Callable[[], None]) -> None:
        self._idle_seconds = idle_seconds
        self._on_idle = on_idle
        self._changed = threading.Condition()
        self._ready = False
        self._closed = False
        self._next: Invocation | None = None
        self._current: str | None = None
        self._answer: Answer | None = None
        self._listener = socket.create_server((LOOPBACK, 0))
        self.address = f"{LOOPBACK}:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, name=f"runtime-api-{self.address}", daemon=True).start()

    def wait_ready(self, seconds: float) -> bool:
        """Waits until the worker asked for work, or posted why it cannot; False when neither came in time."""
        with self._changed:
            return bool(self._changed.wait_for(lambda: self._ready or self._answer or self._closed, seconds))

    def invoke(self, invocation: Invocation, seconds: float) -> Answer | None:
        """Hands over an invocation and waits for its answer; None when time is up or the worker has gone."""
        with self._changed:
            if self._answer is None:
                self._next = invocation
                self._changed.notify_all()
            self._changed.wait_for(lambda: self._answer or self._closed, seconds)
            answer, self._answer = self._answer, None
            return answer

    @property
    def closed(self) -> bool:
        """Whether the worker has gone."""
        return self._closed

    def close(self) -> None:
        """Wakes everyone who waits and lets go of the port."""
        with self._changed:
            if self._closed:
                return
            self._closed = True
            self._changed.notify_all()
        with contextlib.suppress(OSError):  # some systems refuse it on a listening socket: closing is enough
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def take_next(self) -> Invocation | None:
        """The worker asks for work: waits for some; None when it should end."""
        with self._changed:
            self._ready = True
            self._changed.notify_all()
            if not self._changed.wait_for(lambda: self._next or self._closed, self._idle_seconds):
                threading.Thread(target=self._on_idle, daemon=True).start()
                self._changed.wait_for(lambda: self._next or self._closed)
            invocation, self._next = self._next, None
            self._current = invocation.request_id if invocation else None
            return None if self._closed else invocation

    def post(self, request_id: str | None, answer: Answer) -> bool:
        """The worker posts an answer; False when it is not for the invocation that it has."""
        with self._changed:
            if answer.kind != "init-error" and request_id != self._current:
                return False
            self._answer = answer
            self._current = None
            self._changed.notify_all()
            return True

    def _accept(self) -> None:
        while not self._closed:
            try:
                connection, peer = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection, peer), daemon=True).start()

    def _serve(self, connection: socket.socket, peer: tuple[str, int]) -> None:
        with connection, contextlib.suppress(ConnectionError):  # a worker may be killed in mid-sentence
            _Requests(connection, peer, self)  # type: ignore[arg-type]  # it needs no server object


class _Requests(BaseHTTPRequestHandler):
    """One connection of a worker."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # otherwise delayed acknowledgements cost 40 ms an invocation
    wbufsize = -1  # headers and body leave in one piece
    server: RuntimeApi  # type: ignore[assignment]

    def do_GET(self) -> None:
        if self.path != f"{PREFIX}/invocation/next":
            self._reply(404, b"{}")
            return
        invocation = self.server.take_next()
        if invocation is None:
            self.close_connection = True
            return
        headers = {
            "Lambda-Runtime-Aws-Request-Id": invocation.request_id,
            "Lambda-Runtime-Deadline-Ms": str(int(invocation.deadline * 1000)),
            "Lambda-Runtime-Invoked-Function-Arn": invocation.arn,
            "Lambda-Runtime-Trace-Id": invocation.trace,
            "Lambda-Runtime-Client-Context": invocation.client_context,
        }
        self._reply(200, invocation.payload, {name: value for name, value in headers.items() if value})

    def do_POST(self) -> None:
        payload = self._body()
        accepted = False
        match self.path.removeprefix(f"{PREFIX}/").split("/"):
            case ["invocation", request_id, "response"]:
                accepted = self.server.post(request_id, Answer("response", payload))
            case ["invocation", request_id, "error"]:
                accepted = self.server.post(request_id, Answer("error", payload))
            case ["init", "error"]:
                accepted = self.server.post(None, Answer("init-error", payload))
        self._reply(202 if accepted else 400, b'{"status":"OK"}\n')

    def _body(self) -> bytes:
        if "chunked" in self.headers.get("Transfer-Encoding", ""):
            chunks = []
            while size := int(self.rfile.readline().split(b";")[0], 16):
                chunks.append(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
            return b"".join(chunks)
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def _reply(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()

    def log_message(self, *_: object) -> None:
        """Says nothing: CloudWatch Logs has what happened."""
