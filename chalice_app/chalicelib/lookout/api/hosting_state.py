"""What hosting adds to a version's description, and whether a version judges."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from chalicelib.lookout.api.errors import ConflictException
from chalicelib.lookout.api.hosting_book import HostingStatus

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from chalicelib.lookout.api.hosting_book import HostingBook
    from chalicelib.lookout.api.model_store import ModelRecord, ModelStore
    from chalicelib.lookout.api.projects import Projects
    from chalicelib.registry import ModelRegistry

_PUBLISHED = "The model judges the uploads of its project; none of its environments is kept warm."
_LOOK_AGAIN_SECONDS = 30.0
_JUDGES_IF_CURRENT = {HostingStatus.STARTING, HostingStatus.FAILED}


class HostingState:
    """What is known of the hosting of versions.

    Args:
        book: Of what was started.
        registry: Makes a project's registry.
    """

    def __init__(self, book: HostingBook, registry: Callable[[str], ModelRegistry]) -> None:
        self._book = book
        self._registry = registry

    def members(self, project: str, version: str, _: Mapping[str, Any]) -> Mapping[str, Any]:
        """State, message and units of a version that is hosted, about to be, or failed to be.

        One that was published, and never started, is hosted while its project judges with it.
        """
        found = self._book.find(project, version)
        hosting = found.hosting if found else None
        if hosting is None or hosting.status is HostingStatus.TRAINED:
            current = self.is_current(project, version)
            return {"Status": HostingStatus.HOSTED.value, "StatusMessage": _PUBLISHED} if current else {}
        return {
            "Status": hosting.status.value,
            "StatusMessage": hosting.message,
            "MinInferenceUnits": hosting.min_units or None,
            "MaxInferenceUnits": hosting.max_units,
        }

    def is_current(self, project: str, version: str) -> bool:
        """Whether the project's uploads are judged with this version."""
        return self._registry(project).pointed_at() == version

    def judges(self, record: ModelRecord) -> bool:
        """Whether a version judges: hosted, or its project's current one whose warmth is in the making."""
        if record.is_hosted:
            return True
        return record.status in _JUDGES_IF_CURRENT and self.is_current(record.project, record.version)


class HostedModels:
    """Says which version judges a request; looks anew twice a minute.

    Args:
        projects: Says which exist.
        models: Their versions.
        state: Says which judge.
        clock: Seconds, monotonic.
    """

    def __init__(
        self,
        projects: Projects,
        models: ModelStore,
        state: HostingState,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._projects = projects
        self._models = models
        self._state = state
        self._clock = clock
        self._known: dict[tuple[str, str], tuple[float, ModelRecord]] = {}

    def require(self, project: str, version: str) -> ModelRecord:
        """The version, if it judges. That it does not is never remembered.

        Args:
            project: Its name.
            version: A number, or `latest`.

        Raises:
            ConflictException: It is not hosted.
            ResourceNotFoundException: There is no such project or version.
        """
        now = self._clock()
        looked, record = self._known.get((project, version), (now, None))
        if record is not None and now - looked < _LOOK_AGAIN_SECONDS:
            return record
        self._known.pop((project, version), None)
        record = self._models.get(self._projects.require(project), version)
        if not self._state.judges(record):
            message = (
                f"Model version {record.version} of project {project} is {record.status}, not HOSTED: start "
                "it first."
            )
            raise ConflictException(message, record.arn, "MODEL")
        self._known[project, version] = (now, record)
        return record
