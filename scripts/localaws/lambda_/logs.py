"""CloudWatch Logs of the functions: one stream a worker, written into moto."""

from __future__ import annotations

import secrets
import time
from typing import TYPE_CHECKING

from localaws.lambda_ import embedded_metrics
from localaws.locks import service_lock

if TYPE_CHECKING:
    from localaws.lambda_.functions import FunctionVersion

TAIL_BYTES = 4096


class LogStream:
    """The log stream of one worker.

    Attributes:
        group: log group's name.
        name: the stream's name, as Lambda names it: `2026/11/22/[3]<32 hex digits>`.
    """

    def __init__(self, function: FunctionVersion) -> None:
        self._account, self._region = function.account, function.region
        self.group = function.log_group
        self.name = f"{time.strftime('%Y/%m/%d', time.gmtime())}/[{function.version}]{secrets.token_hex(16)}"
        self._tail: list[str] = []

    def write(self, *messages: str) -> None:
        """Appends messages, one log event each."""
        if not messages:
            return
        from moto.logs.models import logs_backends

        self._tail += messages
        now = int(time.time() * 1000)
        backend = logs_backends[self._account][self._region]
        with service_lock("logs"):
            backend.ensure_log_group(self.group)
            if self.name not in backend.groups[self.group].streams:
                backend.create_log_stream(self.group, self.name)
            events = [{"timestamp": now, "message": message} for message in messages]
            backend.put_log_events(self.group, self.name, events)
        embedded_metrics.store(self._account, self._region, messages)

    def start_tail(self) -> None:
        """Forgets what `tail` has gathered: an invocation begins."""
        self._tail.clear()

    def tail(self) -> bytes:
        """The last 4 KB written since `start_tail`: the `LogResult` of an invocation."""
        return "".join(f"{message}\n" for message in self._tail).encode()[-TAIL_BYTES:]
