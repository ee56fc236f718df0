"""Tells every few seconds that a trainer lives, and ends a training before its time runs out."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING, Self

from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.exceptions import TrainingError, TrainingSupersededError

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

EVERY_SECONDS = 15.0
LAST_SECONDS = 30.0
"""So long before Lambda ends the function, the training ends itself and says why."""

_log = logging.getLogger("spotcheck.training")


class HeartBeat:
    """A thread that speaks for the trainer, also while it computes and says nothing.

    Args:
        say: Writes that the trainer lives; raises TrainingSupersededError.
        seconds_left: How long the function still has.
        out_of_time: Called once, with what was being done, when that is too little; gives the reason.
        every: Seconds between two words.
    """

    def __init__(
        self,
        say: Callable[[str], None],
        seconds_left: Callable[[], float],
        out_of_time: Callable[[str], str],
        *,
        every: float = EVERY_SECONDS,
    ) -> None:
        self._say = say
        self._seconds_left = seconds_left
        self._out_of_time = out_of_time
        self._every = every
        self._message = ""
        self._end = threading.Event()
        self._stopped: Exception | None = None
        self._thread = threading.Thread(target=self._run, name="heart-beat", daemon=True)

    def __enter__(self) -> Self:
        """Starts the thread."""
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Ends the thread."""
        self._end.set()
        self._thread.join()

    def tell(self, message: str) -> None:
        """What the trainer does now; written at the next beat.

        Raises:
            TrainingSupersededError: The version is no longer this trainer's.
            TrainingError: The time is over.
        """
        self._message = message
        if self._stopped is not None:
            raise self._stopped

    def begin(self, message: str) -> None:
        """The same, written at once.

        Raises:
            TrainingSupersededError: The version is no longer this trainer's.
            TrainingError: The time is over.
        """
        self.tell(message)
        self._say(message)

    def _run(self) -> None:
        while not self._end.wait(self._every) and self._stopped is None:
            try:
                if self._seconds_left() < LAST_SECONDS:
                    self._stopped = TrainingError(self._out_of_time(self._message))
                elif self._message:
                    self._say(self._message)
            except TrainingSupersededError as error:
                self._stopped = error
            except (BotoCoreError, ClientError):
                _log.warning("A heart-beat was not written; the next one is due soon.", exc_info=True)
