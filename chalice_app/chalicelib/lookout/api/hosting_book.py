"""What is known of the hosting of each version: `projects/<project>/models/<n>/hosting.json`.

A request of StartModel or StopModel begins a *run*; the job that does its work acts only while that run is
the version's latest, so that a job that comes late or twice changes nothing that somebody else began.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from chalicelib.documents import Documents

STALE_SECONDS = 20 * 60.0
"""A job writes every few seconds, and Lambda tries again after one and two minutes: later it is dead."""


class HostingStatus(StrEnum):
    """Lookout for Vision's states of a model, as far as hosting goes."""

    TRAINED = "TRAINED"
    STARTING = "STARTING_HOSTING"
    HOSTED = "HOSTED"
    FAILED = "HOSTING_FAILED"
    STOPPING = "STOPPING_HOSTING"


@dataclass(frozen=True, slots=True)
class Hosting:
    """The hosting of one version.

    Attributes:
        status: Its state.
        run: Of the request that brought it about last.
        min_units: Environments kept warm (`MinInferenceUnits`).
        max_units: Environments at most at once (`MaxInferenceUnits`); None bounds nothing.
        message: For people.
        attempts: How often a job has begun the run's work.
        tokens: Requests that were taken (`client_tokens`).
    """

    status: HostingStatus
    run: str
    min_units: int
    max_units: int | None
    message: str
    attempts: int = 0
    tokens: Mapping[str, list[str]] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """As it is written."""
        return {**asdict(self), "status": self.status.value}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Hosting:
        """Reads what `to_json` gave; keys it does not know are left alone."""
        known = {name: value for name, value in data.items() if name in cls.__dataclass_fields__}
        return cls(**{**known, "status": HostingStatus(known["status"])})

    def seen(self, age: float) -> Hosting:
        """How it looks some seconds after it was written: what no job works on any more has failed."""
        if age < STALE_SECONDS or self.status not in {HostingStatus.STARTING, HostingStatus.STOPPING}:
            return self
        what, verb = ("start", "Start") if self.status is HostingStatus.STARTING else ("stop", "Stop")
        message = f"The {what} came to no end; the log of run_job says why. {verb} the model again."
        return replace(self, status=HostingStatus.FAILED, message=message)


@dataclass(frozen=True, slots=True)
class Found:
    """A version's hosting as it was read.

    Attributes:
        hosting: How it looks.
        etag: For a conditional write.
    """

    hosting: Hosting
    etag: str


class HostingBook:
    """Reads and writes the hosting of versions.

    Args:
        documents: Of the models bucket.
    """

    def __init__(self, documents: Documents) -> None:
        self._documents = documents

    def find(self, project: str, version: str) -> Found | None:
        """A version's hosting; None where it was never started."""
        document = self._documents.get(_key(project, version))
        if document is None:
            return None
        return Found(Hosting.from_json(document.value).seen(document.age), document.etag)

    def write(self, project: str, version: str, hosting: Hosting, over: Found | None) -> bool:
        """Writes a version's hosting over what was found; False when that is another one by now."""
        if over is None:
            return self._documents.create(_key(project, version), hosting.to_json())
        return self._documents.replace(_key(project, version), hosting.to_json(), over.etag)

    def change(self, project: str, version: str, run: str, **changes: Any) -> bool:  # noqa: ANN401 - fields
        """Changes members of `Hosting`, while the run is the version's latest.

        Returns:
            Whether it was.
        """
        changed = False

        def how(value: dict[str, Any]) -> dict[str, Any] | None:
            nonlocal changed
            changed = value["run"] == run
            return replace(Hosting.from_json(value), **changes).to_json() if changed else None

        self._documents.change(_key(project, version), how)
        return changed

    def started(self) -> Iterator[tuple[str, str, Hosting]]:
        """Project, version and hosting of everything that is hosted or about to be."""
        for project in self._documents.folders("projects/"):
            yield from ((project, version, hosting) for version, hosting in self.started_of(project))

    def started_of(self, project: str) -> Iterator[tuple[str, Hosting]]:
        """Version and hosting of what is hosted or about to be in one project."""
        prefix = f"projects/{project}/models/"
        for key in self._documents.keys(prefix):
            version, _, file = key.removeprefix(prefix).partition("/")
            if file != "hosting.json" or (found := self.find(project, version)) is None:
                continue
            if found.hosting.status in {HostingStatus.STARTING, HostingStatus.HOSTED}:
                yield version, found.hosting


def _key(project: str, version: str) -> str:
    return f"projects/{project}/models/{version}/hosting.json"
