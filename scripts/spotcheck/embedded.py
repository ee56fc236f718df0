"""The embedded AWS as a process: start it, find it again, stop it, leave nothing behind.

The server runs in a session of its own, so that Ctrl-C in a terminal reaches the command and not the server,
and so that whatever it started can be ended with it. `server.json` remembers it; a process that merely has
the same number is recognised by its command line and left alone.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spotcheck.exceptions import EmbeddedAwsError
from spotcheck.targets import STATE_DIR

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

DEFAULT_PORT = 4566

_RETRY_SCALE = "0.02"  # Lambda waits one and two minutes before it tries again; here 1.2 and 2.4 s
_START_SECONDS = 60.0
_STOP_SECONDS = 15.0
_READY = re.compile(r"^ready (http://\S+)\s*$", re.MULTILINE)


@dataclass(frozen=True)
class Server:
    """One running embedded AWS.

    Attributes:
        pid: Its process, which leads a session and process group of the same number.
        endpoint_url: Where it serves.
    """

    pid: int
    endpoint_url: str

    def health(self) -> dict[str, Any] | None:
        """What the server says about itself, or nothing when it does not answer within two seconds."""
        direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with direct.open(f"{self.endpoint_url}/_localaws/health", timeout=2) as answer:
                said = json.load(answer)
        except (urllib.error.URLError, OSError, ValueError):
            return None
        return said if isinstance(said, dict) and "pid" in said else None


def find_server(state_dir: Path = STATE_DIR) -> Server | None:
    """The embedded AWS that was started from this checkout, if its process is still that process."""
    server = _recorded(state_dir)
    return server if server is not None and _is_ours(server.pid, state_dir) else None


def start_server(
    port: int = DEFAULT_PORT, state_dir: Path = STATE_DIR, options: Sequence[str] = ()
) -> subprocess.Popen[bytes]:
    """Starts an embedded AWS with nothing in it; `await_server` says when it serves.

    Its state is in memory, so Terraform's state of an earlier one is dropped: it would describe what is gone.

    Args:
        port: Where to serve on the loopback interface; 0 takes any free port.
        state_dir: Where its files go.
        options: Further options of `python -m localaws`.

    Raises:
        EmbeddedAwsError: The port is taken.
    """
    _refuse_busy_port(port)
    clear_state(state_dir)
    state_dir.mkdir(parents=True, exist_ok=True)
    # The server is its own AWS: a profile or an endpoint of the user's must not reach it.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    command = [sys.executable, "-m", "localaws", "--port", str(port), "--retry-scale", _RETRY_SCALE]
    command += ["--enforce-iam"]  # as on AWS: a permission that is missing there is missing here
    with (state_dir / "server.log").open("wb") as log:
        process = subprocess.Popen(
            [*command, *options, "--state-dir", str(state_dir / "aws")],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            env=environment,
            start_new_session=True,
        )
    _record(Server(process.pid, f"http://127.0.0.1:{port}"), state_dir)
    return process


def await_server(process: subprocess.Popen[bytes], state_dir: Path = STATE_DIR) -> Server:
    """Waits until a started embedded AWS serves.

    Raises:
        EmbeddedAwsError: It ended or said nothing in time; the message has its last words.
    """
    log = state_dir / "server.log"
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        if said := _READY.search(log.read_text(encoding="utf-8", errors="replace")):
            server = Server(process.pid, said[1])
            _record(server, state_dir)
            return server
        time.sleep(0.05)
    last_words = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-1:]
    stop_server(state_dir)
    msg = f"the embedded AWS did not start: {''.join(last_words) or 'it said nothing'} (all of it: {log})"
    raise EmbeddedAwsError(msg)


def stop_server(state_dir: Path = STATE_DIR) -> bool:
    """Stops the embedded AWS and everything that it started, and forgets the stack on it.

    Returns:
        Whether one was running.
    """
    server = _recorded(state_dir)
    running = server is not None and _is_ours(server.pid, state_dir)
    if server is not None and running:
        os.kill(server.pid, signal.SIGTERM)
        deadline = time.monotonic() + _STOP_SECONDS
        while _is_ours(server.pid, state_dir) and time.monotonic() < deadline:
            time.sleep(0.05)
            _reap(server.pid)
        _end_group(server.pid)
    elif server is not None and not _exists(server.pid):
        # The leader was killed. No new process gets its number while its group has a member.
        _end_group(server.pid)
    clear_state(state_dir)
    return running


def clear_state(state_dir: Path = STATE_DIR) -> None:
    """Removes what described the last embedded AWS; its log and Terraform's provider stay."""
    for path in (state_dir / "server.json", state_dir / "outputs.json"):
        path.unlink(missing_ok=True)
    shutil.rmtree(state_dir / "aws", ignore_errors=True)
    for path in state_dir.rglob("*.tfstate*"):
        path.unlink(missing_ok=True)


@contextmanager
def exclusively(state_dir: Path = STATE_DIR) -> Iterator[None]:
    """Keeps two commands from starting or changing the embedded AWS at once.

    Raises:
        EmbeddedAwsError: Another command is at it.
    """
    state_dir.mkdir(parents=True, exist_ok=True)
    with (state_dir / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            msg = "another command is starting or changing the embedded AWS: wait for it to end"
            raise EmbeddedAwsError(msg) from None
        yield


def _refuse_busy_port(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            other = Server(0, f"http://127.0.0.1:{port}").health()
            who = f"another embedded AWS (process {other['pid']})" if other else "another program"
            msg = f"port {port} is taken by {who}: stop it, or choose another with --port"
            raise EmbeddedAwsError(msg) from None


def _record(server: Server, state_dir: Path) -> None:
    (state_dir / "server.json").write_text(json.dumps(asdict(server)) + "\n", encoding="utf-8")


def _recorded(state_dir: Path) -> Server | None:
    try:
        return Server(**json.loads((state_dir / "server.json").read_bytes()))
    except (FileNotFoundError, ValueError, TypeError):
        return None


def _is_ours(pid: int, state_dir: Path) -> bool:
    command = _command_of(pid)
    return "localaws" in command and str(state_dir / "aws") in command


def _command_of(pid: int) -> str:
    """The command line of a process; empty for one that has ended, reaped or not."""
    if Path("/proc/self").exists():
        with suppress(OSError):
            return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        return ""
    listing = subprocess.run(
        ["/bin/ps", "-ww", "-o", "command=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    return listing.stdout.strip()


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _end_group(leader: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, signal.SIGKILL)
    _reap(leader)


def _reap(pid: int) -> None:
    """Takes the exit status of a process that this one started, so that it does not stay a zombie."""
    with suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)
