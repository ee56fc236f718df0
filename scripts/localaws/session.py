"""The embedded AWS for the length of a `with` block: for tests and short programs."""

from __future__ import annotations

import json
import os
import selectors
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any, cast

from localaws.exceptions import ServerStartError
from localaws.settings import ACCESS_KEY, REGION, SECRET_KEY

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

START_SECONDS = 60.0
STOP_SECONDS = 15.0


@dataclass(frozen=True, slots=True)
class Running:
    """A running server.

    Attributes:
        endpoint_url: where it answers.
        pid: its process.
    """

    endpoint_url: str
    pid: int

    def client(self, service: str, **options: object) -> Any:  # noqa: ANN401  # as boto3's own
        """A boto3 client of the embedded AWS."""
        import boto3

        make: Any = boto3.client
        return make(
            service,
            endpoint_url=self.endpoint_url,
            region_name=REGION,
            aws_access_key_id=ACCESS_KEY,
            aws_secret_access_key=SECRET_KEY,
            **options,
        )

    def health(self) -> dict[str, Any]:
        """What the server says of itself."""
        with urllib.request.urlopen(f"{self.endpoint_url}/_localaws/health", timeout=10) as answer:  # noqa: S310
            return cast("dict[str, Any]", json.load(answer))


@contextmanager
def running(state_dir: Path, port: int = 0, **options: object) -> Iterator[Running]:
    """Starts a server in a process of its own and stops it at the end of the block.

    Args:
        state_dir: where it keeps unpacked code and its own log.
        port: TCP port, 0 for any free one.
        options: further settings, by the names of `Settings`, such as `retry_scale=0.01`.

    Raises:
        ServerStartError: it ended, or said nothing for a minute.
    """
    state_dir.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "localaws", "--port", str(port), "--state-dir", str(state_dir)]
    command.append("--until-stdin-closes")
    for name, value in options.items():
        flag = f"--{name.replace('_', '-')}"
        command += [flag] * bool(value) if isinstance(value, bool) else [flag, str(value)]
    log = state_dir / "localaws.log"
    with log.open("wb") as stderr:
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,  # closes when this program ends, however it ends
            stdout=subprocess.PIPE,
            stderr=stderr,
            start_new_session=True,
        )
    try:
        url = _wait_ready(cast("IO[bytes]", process.stdout), log)
        yield Running(url, process.pid)
    finally:
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        for pipe in (process.stdin, process.stdout):
            cast("IO[bytes]", pipe).close()


def _wait_ready(stdout: IO[bytes], log: Path) -> str:
    """Reads the line `ready URL`."""
    deadline = time.monotonic() + START_SECONDS
    line = b""
    with selectors.DefaultSelector() as selector:
        selector.register(stdout, selectors.EVENT_READ)
        while not line.endswith(b"\n") and selector.select(max(0.0, deadline - time.monotonic())):
            piece = os.read(stdout.fileno(), 4096)
            if not piece:
                break
            line += piece
    word, _, url = line.decode().strip().partition(" ")
    if word != "ready":
        said = log.read_text(errors="replace").strip() or "nothing"
        message = f"The embedded AWS did not start. It said: {said}"
        raise ServerStartError(message)
    return url
