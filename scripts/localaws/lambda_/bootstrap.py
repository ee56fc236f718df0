"""First code of a worker process: makes it look like Lambda, then starts the Runtime API client.

Run as a file (`python -S -s -P bootstrap.py PLAN`), never imported; standard library only, because
`sys.path` does not hold this package. PLAN is JSON: `handler`, `client`, `code_path` (searched before the
standard library, as on Lambda), `runtime_path` (searched after it), `read_only` (folders that refuse
writing).
"""

# ruff: noqa: PTH100, PTH115, PTH118, PTH120  # importing pathlib would make every cold start slower

from __future__ import annotations

import errno
import json
import os
import runpy
import signal
import sys
import threading
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
# Where among an event's arguments the folder is open that each of its paths begins at; -1 is the working one.
_CHANGING_EVENTS: dict[str, tuple[int, ...]] = {
    "os.mkdir": (2,), "os.remove": (1,), "os.rename": (2, 3), "os.rmdir": (1,), "os.truncate": (),
    "os.link": (2, 3), "os.symlink": (2, 2), "os.chmod": (2,),
}  # fmt: skip


def end_with_the_server() -> None:
    """Ends this process, and what it started, when the server that started it ends, however that happens.

    The server holds the other end of standard input. The kernel closes it when the server dies, even by
    SIGKILL.
    """
    lifeline = os.dup(0)
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)

    def watch() -> None:
        while os.read(lifeline, 1):
            pass
        os.killpg(0, signal.SIGKILL)  # this process and what it started

    threading.Thread(target=watch, name="lifeline", daemon=True).start()


def refuse_writing(folders: list[str]) -> None:
    """Makes folders read-only, as `/var/task` and `/opt` are on Lambda, for root as well.

    File modes do not stop root, hence an audit hook (it sees every file that Python opens). The
    interpreter's own byte-code cache may be written: nothing else sees it.
    """
    roots = tuple(os.path.join(os.path.realpath(folder), "") for folder in folders)

    def check(event: str, args: tuple[Any, ...]) -> None:
        if event == "open":
            path, _, flags = args
            if not (isinstance(flags, int) and flags & _WRITING):
                return
            paths = [path]
        elif event in _CHANGING_EVENTS:
            paths = list(_changed_paths(event, args))
        else:
            return
        for path in paths:
            if not isinstance(path, int):
                _refuse_inside(roots, os.fsdecode(path))

    sys.addaudithook(check)


def _changed_paths(event: str, args: tuple[Any, ...]) -> Iterator[str]:
    """The paths that an event is about, from the folders that they begin at."""
    for place, arg in enumerate(args[:2]):
        if not isinstance(arg, (str, bytes, os.PathLike)):
            continue
        path, at = os.fsdecode(arg), _CHANGING_EVENTS[event]
        folder = args[at[place]] if place < len(at) and at[place] < len(args) else -1
        if isinstance(folder, int) and folder >= 0:
            try:
                path = os.path.join(os.readlink(f"/proc/self/fd/{folder}"), path)
            except OSError:  # no Linux: the folder was opened by a path, and is not looked at again
                continue
        yield path


def _refuse_inside(roots: tuple[str, ...], path: str) -> None:
    absolute = os.path.abspath(path)
    if absolute.startswith(roots) and "__pycache__" not in absolute:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS), path)


def main() -> None:
    """Arranges the process after PLAN and hands it to the client."""
    plan = json.loads(sys.argv[1])
    end_with_the_server()
    sys.path[:] = [*plan["code_path"], *sys.path, *plan["runtime_path"]]
    refuse_writing(plan["read_only"])
    client = plan["client"]
    sys.argv = [client, plan["handler"]]
    if client == "awslambdaric":
        runpy.run_module(client, run_name="__main__", alter_sys=True)
    else:
        runpy.run_path(os.path.join(os.path.dirname(__file__), "runtime_client.py"), run_name="__main__")


if __name__ == "__main__":
    main()
