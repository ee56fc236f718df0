"""StartModel and StopModel: they note what is wanted; `hosting_jobs` does it."""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from chalicelib.lookout.api import client_tokens
from chalicelib.lookout.api.errors import ConflictException, ValidationException
from chalicelib.lookout.api.hosting_book import Hosting, HostingStatus

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from chalicelib.lookout.api.hosting_book import HostingBook
    from chalicelib.lookout.api.jobs import Jobs
    from chalicelib.lookout.api.model_store import ModelRecord, ModelStore
    from chalicelib.lookout.api.projects import Projects

_START, _STOP = "StartModel", "StopModel"


class HostingOperations:
    """Begins to host versions, and to stop.

    Args:
        projects: Says which exist.
        models: Their versions.
        book: Keeps what is wanted.
        jobs: Starts the work.
        pinned: The version that a project's uploads are pinned to (`MODEL_VERSION`), None for none.
        now: The clock.
    """

    def __init__(
        self,
        projects: Projects,
        models: ModelStore,
        book: HostingBook,
        jobs: Jobs,
        pinned: Callable[[str], str | None] = lambda _: None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._projects = projects
        self._models = models
        self._book = book
        self._jobs = jobs
        self._pinned = pinned
        self._now = now

    def start(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Begins to host a version; DescribeModel says when it is HOSTED.

        A version that `publish` made current is hosted, but not warm: it may be started.

        Raises:
            ConflictException: It is hosted already, or about to be, or not trained; or the token is taken.
            ResourceNotFoundException: There is no such project or version.
            ValidationException: The most units are fewer than the least.
        """
        least, most = given["MinInferenceUnits"], given.get("MaxInferenceUnits")
        if most is not None and most < least:
            message = f"MaxInferenceUnits ({most}) is less than MinInferenceUnits ({least})."
            raise ValidationException(message)

        def begin(record: ModelRecord, old: Hosting | None) -> Hosting:
            started = old is not None and old.status is not HostingStatus.TRAINED
            may = {"TRAINED", "HOSTING_FAILED"} | (set() if started else {"HOSTED"})
            _require(record, may, "started")
            message = f"Preparing {least} environment{'s' if least > 1 else ''}."
            return Hosting(HostingStatus.STARTING, "", least, most, message)

        return {"Status": self._take(given, _START, begin)}

    def stop(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Begins to stop a version; DescribeModel says when it is TRAINED again.

        Raises:
            ConflictException: It is not hosted, being started, or pinned; or the token is taken.
            ResourceNotFoundException: There is no such project or version.
        """

        def begin(record: ModelRecord, old: Hosting | None) -> Hosting:
            _require(record, {"HOSTED", "HOSTING_FAILED"}, "stopped")
            hosting = old or Hosting(HostingStatus.HOSTED, "", 0, None, "")
            message = "Letting the environments go."
            return replace(hosting, status=HostingStatus.STOPPING, message=message, attempts=0)

        return {"Status": self._take(given, _STOP, begin)}

    def _take(
        self,
        given: Mapping[str, Any],
        operation: str,
        begin: Callable[[ModelRecord, Hosting | None], Hosting],
    ) -> str:
        project = self._projects.require(given["ProjectName"])
        while True:
            record, now = self._models.get(project, given["ModelVersion"]), self._now()
            self._refuse_the_unpinned(record, operation)
            found = self._book.find(project, record.version)
            old = found.hosting if found else None
            tokens = old.tokens if old else {}
            if old and client_tokens.is_known(tokens, operation, given, now, (record.arn, "MODEL")):
                return self._set_off(record, old, operation)
            tokens = client_tokens.remember(tokens, operation, given, now)
            new = replace(begin(record, old), run=uuid.uuid4().hex, tokens=tokens)
            if self._book.write(project, record.version, new, found):
                return self._set_off(record, new, operation)

    def _set_off(self, record: ModelRecord, hosting: Hosting, operation: str) -> str:
        """Starts the job, again for a repeated request: whoever sent it first may have died in between."""
        status, job = {
            _START: (HostingStatus.STARTING, "start_model"),
            _STOP: (HostingStatus.STOPPING, "stop_model"),
        }[operation]
        if hosting.status is status:
            self._jobs.start(job, project=record.project, version=record.version, run=hosting.run)
        return (status if hosting.status is HostingStatus.TRAINED else hosting.status).value

    def _refuse_the_unpinned(self, record: ModelRecord, operation: str) -> None:
        """With a pin the uploads' functions look at nothing else: hosting could say what is not so."""
        pin = self._pinned(record.project)
        if pin is not None and (pin != record.version or operation == _STOP):
            message = (
                f"The variable model_version pins project {record.project} to version {pin}: deploy without "
                "it first."
            )
            raise ConflictException(message, record.arn, "MODEL")


def _require(record: ModelRecord, statuses: set[str], what: str) -> None:
    if record.status not in statuses:
        message = (
            f"Model version {record.version} of project {record.project} is {record.status}: only one that "
            f"is {' or '.join(sorted(statuses))} can be {what}."
        )
        raise ConflictException(message, record.arn, "MODEL")
