"""The work of StartModel and StopModel: it may run twice, and be killed anywhere; a retry completes it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chalicelib.exceptions import ModelInvalidError, ModelNotFoundError, ReleaseStalledError
from chalicelib.lookout.api.hosting_book import HostingStatus

if TYPE_CHECKING:
    from collections.abc import Callable

    from chalicelib.lookout.api.hosting_book import Hosting, HostingBook
    from chalicelib.lookout.api.jobs import Deadline, Jobs
    from chalicelib.lookout.api.warmth import Warmth
    from chalicelib.registry import ModelRegistry
    from chalicelib.release import Release

_TRIES = 3  # Lambda's: the first, and two more
_LONGEST_WAIT = 600.0  # seconds for the environments to become warm
_SLICE = 30.0  # seconds of releasing between two looks at whether the version is hosted still
_STALLED = 300.0  # seconds of releasing after which the first uploads must have come to an end


class HostingJobs:
    """Hosts versions, and stops.

    Args:
        book: What is wanted.
        registry: Makes a project's registry.
        check: Raises ModelInvalidError for a model that cannot judge.
        warmth: Sets the functions' concurrency.
        release: Makes what releases the uploads that wait.
        jobs: Starts this function again where there is more to do.
        deadline: How much time is left.
        project: The stack's own, whose uploads wait.
    """

    def __init__(
        self,
        *,
        book: HostingBook,
        registry: Callable[[str], ModelRegistry],
        check: Callable[[bytes], object],
        warmth: Warmth,
        release: Callable[[], Release],
        jobs: Jobs,
        deadline: Deadline,
        project: str,
    ) -> None:
        self._book = book
        self._registry = registry
        self._check = check
        self._warmth = warmth
        self._release = release
        self._jobs = jobs
        self._deadline = deadline
        self._project = project

    def start(self, project: str, version: str, run: str) -> None:
        """Hosts a version, then releases the uploads that waited for one.

        Args:
            project: Whose.
            version: Its number.
            run: Of the request.

        Raises:
            ReleaseStalledError: The version is hosted, but none of the uploads comes to an end.
            Exception: A fault that a retry may mend; at the third it is HOSTING_FAILED as well.
        """
        hosting = self._of_run(project, version, run)
        if hosting is not None and hosting.status is not HostingStatus.HOSTED:
            self._try(project, version, hosting, self._host)
            hosting = self._of_run(project, version, run)
        if hosting is not None and hosting.status is HostingStatus.HOSTED and project == self._project:
            self._release_waiting(project, version, run)

    def stop(self, project: str, version: str, run: str) -> None:
        """Takes hosting and warmth from a version: its project's uploads wait, and nothing costs anything.

        Raises:
            Exception: A fault that a retry may mend; at the third it is HOSTING_FAILED as well.
        """
        hosting = self._of_run(project, version, run)
        if hosting is not None and hosting.status is not HostingStatus.TRAINED:
            self._try(project, version, hosting, self._unhost)

    def forget(self, project: str, version: str) -> None:
        """Takes hosting and warmth from a version that is being deleted, whatever a job left of them."""
        found = self._book.find(project, version)
        if found is None:
            return
        said = {"status": HostingStatus.TRAINED, "message": "The model is being deleted."}
        self._book.change(project, version, found.hosting.run, **said)
        self._registry(project).point_at_none(version)
        self._warmth.settle()

    def _host(self, project: str, version: str, hosting: Hosting) -> None:
        self._book.change(project, version, hosting.run, status=HostingStatus.STARTING)
        registry = self._registry(project)
        self._check(registry.download(registry.entry(version)))
        said = self._warmth.settle()
        seconds = min(_LONGEST_WAIT, self._deadline.left)
        said += self._warmth.wait(seconds, lambda: self._book.change(project, version, hosting.run))
        if self._of_run(project, version, hosting.run) is None:
            return
        registry.point_at(version)
        message = _told(hosting.min_units, said)
        self._book.change(project, version, hosting.run, status=HostingStatus.HOSTED, message=message)

    def _unhost(self, project: str, version: str, hosting: Hosting) -> None:
        # Before anything is taken away: what is being stopped counts no more.
        self._book.change(project, version, hosting.run, status=HostingStatus.STOPPING)
        others = [
            other
            for other, state in self._book.started_of(project)
            if state.status is HostingStatus.HOSTED and other != version
        ]
        self._registry(project).point_at_none(version, max(others, key=int, default=None))
        self._warmth.settle()
        self._book.change(project, version, hosting.run, status=HostingStatus.TRAINED, message="Stopped.")

    def _try(
        self, project: str, version: str, hosting: Hosting, work: Callable[[str, str, Hosting], None]
    ) -> None:
        attempts = hosting.attempts + 1
        self._book.change(project, version, hosting.run, attempts=attempts)
        try:
            work(project, version, hosting)
        except (ModelInvalidError, ModelNotFoundError) as error:
            self._fail(project, version, hosting, str(error))
        except Exception as error:
            if attempts >= _TRIES:
                reason = f"{type(error).__name__}: {error}"
                self._fail(project, version, hosting, f"Tried {attempts} times: {reason}")
            raise

    def _fail(self, project: str, version: str, hosting: Hosting, why: str) -> None:
        failed = {"status": HostingStatus.FAILED, "message": why}
        if self._book.change(project, version, hosting.run, **failed):
            self._warmth.settle()

    def _release_waiting(self, project: str, version: str, run: str) -> None:
        """Releases as far as the time goes, and starts the job that goes on.

        Every job of the chain brings uploads to an end, so the chain has one: Lambda need not end it
        (terraform/functions.tf).

        Raises:
            ReleaseStalledError: No upload comes to an end; Lambda tries again, then it is a dead letter.
        """
        release, seconds = self._release(), self._deadline.left
        while self._deadline.left > 0:
            hosting = self._of_run(project, version, run)
            if hosting is None or hosting.status is not HostingStatus.HOSTED:
                return
            if release.start_all(min(_SLICE, self._deadline.left)):
                return
        if seconds >= _STALLED and not release.ended:
            raise ReleaseStalledError(release.started, seconds)
        self._jobs.start("start_model", project=project, version=version, run=run)

    def _of_run(self, project: str, version: str, run: str) -> Hosting | None:
        found = self._book.find(project, version)
        return found.hosting if found is not None and found.hosting.run == run else None


def _told(units: int, said: list[str]) -> str:
    if not said:
        count = (
            "One environment of each function is"
            if units == 1
            else f"{units} environments of each function are"
        )
        return f"The model is hosted. {count} kept warm."
    return f"The model is hosted, but not as it was asked for: {'; '.join(said)}"
