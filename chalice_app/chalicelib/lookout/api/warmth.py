"""From everything that is started to what each function shall have."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from chalicelib.lookout.api.concurrency import Units

if TYPE_CHECKING:
    from collections.abc import Callable

    from chalicelib.lookout.api.concurrency import Concurrency
    from chalicelib.lookout.api.hosting_book import HostingBook

_POLL_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class HostedFunctions:
    """The functions that judge with hosted models.

    Attributes:
        detection: Answers DetectAnomalies, for every project.
        uploads: Judge the uploads of the stack's own project.
        project: That project.
    """

    detection: str
    uploads: tuple[str, ...]
    project: str


class Warmth:
    """Keeps as many environments warm as all started versions together ask for, and no more.

    Args:
        book: What is started.
        concurrency: Sets it.
        functions: Whom it is for.
        sleep: Waits some seconds.
    """

    def __init__(
        self,
        book: HostingBook,
        concurrency: Concurrency,
        functions: HostedFunctions,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._book = book
        self._concurrency = concurrency
        self._functions = functions
        self._sleep = sleep

    def settle(self) -> list[str]:
        """Gives every function what it shall have by now.

        What is started is looked at again afterwards: of two that settle at once, the one that set the older
        sum sees the newer one, and sets that.

        Returns:
            What the account does not allow, in words.
        """
        while True:
            wanted = self._wanted()
            said = [
                note
                for function, units in wanted.items()
                for note in self._concurrency.apply(function, units)
            ]
            if self._wanted() == wanted:
                return said

    def wait(self, seconds: float, beat: Callable[[], bool]) -> list[str]:
        """Waits until the environments are warm.

        Args:
            seconds: At most so long.
            beat: Called at every look; False ends the waiting.

        Returns:
            What did not become warm, in words.
        """
        functions = (self._functions.detection, *self._functions.uploads)
        waited = 0.0
        while True:
            progress = {function: self._concurrency.progress(function) for function in functions}
            unready = [function for function, (status, _) in progress.items() if status == "IN_PROGRESS"]
            failed = [
                f"{function} is not kept warm: {reason}"
                for function, (status, reason) in progress.items()
                if status == "FAILED"
            ]
            if not unready or waited >= seconds or not beat():
                return failed + [f"{function} is being made warm still" for function in unready]
            self._sleep(_POLL_SECONDS)
            waited += _POLL_SECONDS

    def _wanted(self) -> dict[str, Units]:
        everyone, own = [], []
        for project, _, hosting in self._book.started():
            units = Units(hosting.min_units, hosting.max_units)
            everyone.append(units)
            if project == self._functions.project:
                own.append(units)
        uploads = dict.fromkeys(self._functions.uploads, _sum(own))
        return {self._functions.detection: _sum(everyone), **uploads}


def _sum(units: list[Units]) -> Units:
    return sum(units, Units(0, 0)) if units else Units()
