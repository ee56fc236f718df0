"""A worker: one process that runs one version of one function, as an execution environment on Lambda."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import threading
import time
from importlib.util import find_spec
from pathlib import Path
from typing import IO, TYPE_CHECKING, cast

from localaws.lambda_ import environment
from localaws.lambda_.logs import LogStream
from localaws.lambda_.runtime_api import RuntimeApi

if TYPE_CHECKING:
    from collections.abc import Callable

    from localaws.lambda_.functions import FunctionVersion
    from localaws.lambda_.packages import PackageStore
    from localaws.lambda_.runtime_api import Answer, Invocation
    from localaws.settings import RuntimeClientName

_BOOTSTRAP = Path(__file__).with_name("bootstrap.py")
_READ_BYTES = 65536


def default_runtime_client() -> RuntimeClientName:
    """AWS's own client where it is installed (Linux), else the pure-Python one."""
    return "awslambdaric" if sys.platform == "linux" and find_spec("awslambdaric") else "pure-python"


class Worker:
    """A running worker process.

    Args:
        function: what it runs.
        packages: where code and layers are unpacked.
        client: the Runtime API client it uses.
        endpoint_url: the embedded AWS.
        idle_seconds: how long it may wait for work.
        on_idle: called with the worker when it has waited so long.

    Attributes:
        log: where its output goes.
        started: `time.monotonic()` at its start.
    """

    def __init__(
        self,
        function: FunctionVersion,
        packages: PackageStore,
        client: RuntimeClientName,
        endpoint_url: str,
        idle_seconds: float,
        on_idle: Callable[[Worker], None],
    ) -> None:
        self.function = function
        self.log = LogStream(function)
        self.api = RuntimeApi(idle_seconds, lambda: on_idle(self))
        paths = packages.import_paths(function)
        plan = {
            "handler": function.handler,
            "client": client,
            "code_path": paths.first,
            "runtime_path": [str(path) for path in paths.runtime],
            "read_only": [str(paths.code), *map(str, paths.layers)],
        }
        self.started = time.monotonic()
        self._process = subprocess.Popen(
            [sys.executable, "-S", "-s", "-P", str(_BOOTSTRAP), json.dumps(plan)],
            stdin=subprocess.PIPE,  # never written to: it closes when this server ends, which ends the worker
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd=paths.code,
            env=environment.build(
                function,
                paths,
                endpoint_url=endpoint_url,
                runtime_api=self.api.address,
                log_stream=self.log.name,
            ),
            start_new_session=True,
        )
        self._output = Output(cast("IO[bytes]", self._process.stdout), self.log)
        threading.Thread(target=self._watch, name=f"worker-{self._process.pid}", daemon=True).start()

    @property
    def pid(self) -> int:
        """The process's id."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether it can take another invocation."""
        return not self.api.closed and self._process.poll() is None

    def wait_ready(self, seconds: float) -> bool:
        """Waits until it asked for work, failed to load its code, or ended; False when none came in time."""
        return self.api.wait_ready(seconds)

    def invoke(self, invocation: Invocation, seconds: float) -> Answer | None:
        """Runs one invocation; None when time is up or the process ended: then `alive` tells which."""
        return self.api.invoke(invocation, seconds)

    def flush_output(self) -> None:
        """Brings everything that the process has printed so far into its log."""
        self._output.flush()

    def peak_memory_mb(self) -> int:
        """The most memory the process has used, MB; 0 where the system does not tell."""
        try:
            status = Path(f"/proc/{self.pid}/status").read_text(encoding="ascii")
        except OSError:
            return 0
        return next(
            (int(line.split()[1]) // 1024 for line in status.splitlines() if line.startswith("VmHWM")), 0
        )

    def exit_reason(self) -> str:
        """How the process ended, in Lambda's words."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(5)
        code = self._process.returncode
        if not code:
            return "Runtime exited without providing a reason"
        if code > 0:
            return f"Runtime exited with error: exit status {code}"
        name = (signal.strsignal(-code) or str(-code)).lower()
        return f"Runtime exited with error: signal: {name}"

    def kill(self) -> None:
        """Ends the process and whatever it started, and waits until it has gone."""
        self.api.close()
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._output.flush()
        cast("IO[bytes]", self._process.stdin).close()

    def _watch(self) -> None:
        self._process.wait()
        self.api.close()
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)  # what it started must not outlive it


class Output:
    """Reads what a process prints and writes it, line by line, to a log.

    Args:
        pipe: reading end of the process's standard output; closed here when the process has ended.
        log: where the lines go.
    """

    def __init__(self, pipe: IO[bytes], log: LogStream) -> None:
        self._pipe = pipe
        self._log = log
        self._lock = threading.Lock()
        self._rest = b""
        os.set_blocking(pipe.fileno(), False)
        threading.Thread(target=self._read, name="worker-output", daemon=True).start()

    def flush(self) -> None:
        """Takes what is in the pipe at this moment; an unfinished line counts as a line."""
        with self._lock:
            while self._take():
                pass
            lines, self._rest = [self._rest] if self._rest else [], b""
            self._emit(lines)

    def _read(self) -> None:
        ended = False
        while not ended:
            select.select([self._pipe], [], [])
            with self._lock:
                ended = self._take() is None
        with self._lock:
            self._pipe.close()

    def _take(self) -> bool | None:
        """Reads once: True with data, False when there is none now, None when there will be none."""
        if self._pipe.closed:
            return None
        try:
            data = os.read(self._pipe.fileno(), _READ_BYTES)
        except BlockingIOError:
            return False
        if not data:
            return None
        *lines, self._rest = (self._rest + data).split(b"\n")
        self._emit(lines)
        return True

    def _emit(self, lines: list[bytes]) -> None:
        # AWS's client joins the lines of one message by carriage returns.
        texts = (line.decode(errors="replace").replace("\r", "\n").rstrip("\n") for line in lines)
        self._log.write(*[text for text in texts if text])
