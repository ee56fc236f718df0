"""What can be set about the emulation itself; AWS has no such knobs."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

PREFIX = "LOCALAWS_MEDIACONVERT_"


@dataclass
class MediaConvertConfig:
    """How the embedded MediaConvert behaves; read anew for every job, so a test may change it at any time.

    Attributes:
        concurrent_jobs: jobs converted at once, over all queues of a region (AWS's quota, made small: each
            job keeps the machine's cores busy by itself).
        event_copies: how often each event is put on the bus. EventBridge delivers at least once; 2 shows
            whether a consumer minds.
        status_update_seconds: seconds between STATUS_UPDATE events; None takes the job's own
            StatusUpdateInterval, whose shortest is ten seconds.
        token_seconds: how long a ClientRequestToken gives back the job it made.
        check_role: whether the job's role, where IAM knows it, must trust MediaConvert and allow what the
            job does in S3.
        clock: seconds since the epoch.
    """

    concurrent_jobs: int = field(default_factory=lambda: max(2, (os.cpu_count() or 2) // 2))
    event_copies: int = 1
    status_update_seconds: float | None = None
    token_seconds: float = 60.0
    check_role: bool = True
    clock: Callable[[], float] = time.time

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> MediaConvertConfig:
        """Reads `LOCALAWS_MEDIACONVERT_<NAME>` for every attribute but the clock.

        Args:
            environ: Usually `os.environ`.

        Returns:
            A configuration with defaults for whatever is not set.

        Raises:
            ValueError: if a number is none.
        """
        config = cls()
        for name, parse in (
            ("concurrent_jobs", int),
            ("event_copies", int),
            ("status_update_seconds", float),
            ("token_seconds", float),
            ("check_role", lambda text: text.lower() not in {"0", "false", "no"}),
        ):
            text = environ.get(PREFIX + name.upper())
            if text:
                setattr(config, name, parse(text))
        return config


config = MediaConvertConfig.from_environment(os.environ)
"""The configuration in force."""
