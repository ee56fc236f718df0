"""Releasing: the handlers are started again for the uploads that waited for a model."""

from __future__ import annotations

import time
from itertools import islice
from typing import TYPE_CHECKING, Any, Protocol

from chalicelib.events import ObjectVersion, s3_event

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from chalicelib.records import Record

_AGAIN_SECONDS = 65.0  # a function reads the pointer again within a minute
_UNDER_WAY_SECONDS = 60.0
_EMPTY_LOOKS = 2


class Waiting(Protocol):
    """The query of `chalicelib.results.ResultsTable` that the release needs."""

    def waiting(self) -> Iterator[Record]:
        """Records of uploads that wait for a model."""


class Release:
    """Starts the handlers again for the uploads that wait for a model.

    Never more are under way than the rate gives in a minute: where the handlers are slower than the rate,
    their queue stays short.

    Args:
        table: The results table.
        invoke: Starts one handler, `detect_image` or `detect_frame`, with an event.
        rate: At most so many a second.
        look_seconds: Between two looks at the table.
        clock: Seconds, monotonic.
        sleep: Waits some seconds.
    """

    def __init__(
        self,
        table: Waiting,
        invoke: Callable[[str, dict[str, Any]], None],
        *,
        rate: float,
        look_seconds: float = 1.0,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._table = table
        self._invoke = invoke
        self._pause = 1.0 / rate
        self._most = max(1, int(rate * _UNDER_WAY_SECONDS))
        self._look_seconds = look_seconds
        self._clock = clock
        self._sleep = sleep
        self._started: dict[str, float] = {}
        self._under_way = 0

    @property
    def started(self) -> int:
        """Uploads whose handler was started."""
        return len(self._started)

    @property
    def ended(self) -> int:
        """Of those started, the ones that waited no more at the last look."""
        return len(self._started) - self._under_way

    def run(self, timeout: float, progress: Callable[[int, int], None] = lambda *_: None) -> int:
        """Releases, and looks again, until nothing waits at two looks or the time is up.

        Two, because the index shows an upload that began to wait just before the model was published a
        moment late.

        Args:
            timeout: Seconds.
            progress: Told how many have a result, of how many that waited.

        Returns:
            How many still wait.
        """
        deadline = self._clock() + timeout
        empty_looks = 0
        while True:
            waiting = list(self._table.waiting())
            total = len(self._started.keys() | {record.request_id for record in waiting})
            progress(total - len(waiting), total)
            empty_looks = 0 if waiting else empty_looks + 1
            if empty_looks == _EMPTY_LOOKS or self._clock() >= deadline:
                return len(waiting)
            self._start(waiting, deadline, _AGAIN_SECONDS)
            self._sleep(self._look_seconds)

    def start_all(self, timeout: float) -> bool:
        """Starts the handler once for each upload that waits, without waiting for what becomes of it.

        May be called again to go on; what this object has started is not started again.

        Args:
            timeout: Seconds.

        Returns:
            Whether all were started: two looks found none that was not.
        """
        deadline = self._clock() + timeout
        empty_looks = 0
        while empty_looks < _EMPTY_LOOKS:
            if self._clock() >= deadline:
                return False
            # Those under way may come first: among twice as many there is one that is not, if there is any.
            waiting = list(islice(self._table.waiting(), 2 * self._most))
            left = any(record.request_id not in self._started for record in waiting)
            empty_looks = 0 if left else empty_looks + 1
            self._start(waiting, deadline, float("inf"))
            self._sleep(self._look_seconds)
        return True

    def _start(self, waiting: list[Record], deadline: float, again_seconds: float) -> None:
        self._under_way = sum(record.request_id in self._started for record in waiting)
        for record in waiting:
            now = self._clock()
            if now >= deadline:
                return
            known = record.request_id in self._started
            if known and now - self._started[record.request_id] < again_seconds:
                continue
            if not known and self._under_way >= self._most:
                continue
            self._under_way += not known
            self._started[record.request_id] = now
            self._invoke(handler_of(record.key), s3_event(version_of(record)))
            self._sleep(self._pause)


def handler_of(key: str) -> str:
    """The handler that judges a key: frames have one of their own."""
    return "detect_frame" if key.startswith("video_inputs/") else "detect_image"


def version_of(record: Record) -> ObjectVersion:
    """The object version that a record is about, as the handlers' events name it."""
    return ObjectVersion(
        bucket=record.bucket,
        key=record.key,
        version_id=record.version_id,
        etag=record.etag,
        sequencer=record.sequencer,
        size=None,
        uploaded_at=record.uploaded_at,
    )
