"""What can be set about the embedded AWS, and what is fixed."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from pathlib import Path

VERSION = "1"
ACCOUNT_ID = "123456789012"
REGION = "us-east-1"
ACCESS_KEY = "test"
SECRET_KEY = "test"  # noqa: S105  # the emulator's well-known key: it opens nothing else
DEFAULT_PORT = 4566
LOOPBACK = "127.0.0.1"

RuntimeClientName = Literal["awslambdaric", "pure-python"]


def _default_concurrency() -> int:
    return max(2, os.cpu_count() or 1)


@dataclass(frozen=True, slots=True)
class Settings:
    """Settings of one server.

    Attributes:
        state_dir: where unpacked code and layers are kept (the services' state itself is in memory).
        port: TCP port on the loopback interface, 0 for any free one.
        retry_scale: length of Lambda's waits between attempts as a fraction of AWS's (1.0: one and two
            minutes after a function error, 1 s to 5 min after a throttle).
        max_concurrency: worker processes alive at once, over all functions.
        runtime_client: which client speaks to the Lambda Runtime API in a worker; None takes AWS's own
            `awslambdaric` where it is installed, else the pure-Python one.
        init_seconds: how long a function may take to start before Lambda starts it anew.
        idle_seconds: how long an idle worker is kept warm.
        faults: what faults to make from the beginning, a JSON file (see `localaws.faults`); None makes none.
        enforce_iam: whether functions may do only what their roles allow (see `localaws.iam.gate`).
        until_stdin_closes: whether the server ends with the program at the other end of its standard input.
    """

    state_dir: Path
    port: int = DEFAULT_PORT
    retry_scale: float = 1.0
    max_concurrency: int = field(default_factory=_default_concurrency)
    runtime_client: RuntimeClientName | None = None
    init_seconds: float = 10.0
    idle_seconds: float = 600.0
    faults: Path | None = None
    enforce_iam: bool = False
    until_stdin_closes: bool = False
