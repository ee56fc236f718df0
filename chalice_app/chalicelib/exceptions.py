"""Every error of ours, typed: the message says what happened, to what, and what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from chalicelib.lookout.manifest import Problem


class SpotcheckError(Exception):
    """Base of all errors that Spotcheck raises on purpose."""


class ConfigurationError(SpotcheckError):
    """A setting is missing or has a value that cannot work."""


class EventError(SpotcheckError):
    """An event has a shape that no AWS service sends."""


class PictureRejectedError(SpotcheckError):
    """A picture that can never be judged, however often it is tried.

    Attributes:
        reason: Why, in words that whoever uploaded the picture understands.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class ModelNotFoundError(SpotcheckError):
    """No model is published for the project, or the pinned version does not exist."""


class ModelInvalidError(SpotcheckError):
    """A model file is damaged, or not a model that Spotcheck can judge with."""


class TrainingError(SpotcheckError):
    """No model can be made from the pictures or the configuration given."""


class TrainingSupersededError(SpotcheckError):
    """A trainer's version was taken over by another trainer, has failed, or is being deleted."""


class ManifestError(SpotcheckError):
    """A manifest, or what it names, cannot be taken as it is; nothing of it was taken.

    Attributes:
        problems: What is wrong, line by line, and what to do.
    """

    _MOST_SHOWN = 50

    def __init__(self, problems: Sequence[Problem]) -> None:
        count = len(problems)
        lines = [f"{count} problem{'s' if count != 1 else ''}; nothing was taken over."]
        lines += [str(problem) for problem in problems[: self._MOST_SHOWN]]
        lines += [f"... and {count - self._MOST_SHOWN} more"] if count > self._MOST_SHOWN else []
        super().__init__("\n".join(lines))
        self.problems = tuple(problems)


class ManifestUnreadableError(SpotcheckError):
    """A manifest cannot be read from S3, however often it is tried."""


class DatasetLimitError(SpotcheckError):
    """A dataset would have more of something than Lookout for Vision allowed."""


class MaskInvalidError(SpotcheckError):
    """A mask picture cannot be read, or its colours are not those that its manifest line names."""


class EvaluationResultError(SpotcheckError):
    """A file is not an evaluation result in Lookout for Vision's schema."""


class ReleaseStalledError(SpotcheckError):
    """Uploads that waited for a model are started again, and none of them comes to an end."""

    def __init__(self, started: int, seconds: float) -> None:
        super().__init__(
            f"{started} uploads that waited for a model were started again, and after {seconds:.0f} s none "
            "has a result: see what detect_image and detect_frame fail on, `spotcheck redrive --dry-run`; "
            "then `spotcheck redrive` goes on with this."
        )


class JudgingError(SpotcheckError):
    """Some records of an event met a fault that a retry may mend.

    Attributes:
        faults: What was raised, by the object's S3 URI.
    """

    def __init__(self, faults: Mapping[str, Exception]) -> None:
        lines = [f"{uri}: {type(fault).__name__}: {fault}" for uri, fault in faults.items()]
        super().__init__("Not judged this time, to be retried: " + "; ".join(lines))
        self.faults = dict(faults)
