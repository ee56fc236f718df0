"""DetectAnomalies: one picture in, one verdict out, nothing kept."""

from __future__ import annotations

import time
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from chalicelib.detector import Detector
from chalicelib.exceptions import PictureRejectedError
from chalicelib.lookout.api.errors import ConflictException, ValidationException
from chalicelib.pictures import read_picture

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from chalicelib.lookout.api.model_store import ModelStore
    from chalicelib.lookout.api.projects import Projects
    from chalicelib.pictures import Picture, PictureLimits
    from chalicelib.registry import ModelRegistry
    from chalicelib.telemetry import Telemetry

_CONTENT_TYPES = ("image/jpeg", "image/png")
_KEPT = 4  # models loaded at once: one is about 60 MB in memory


class Detection:
    """Judges pictures with hosted models.

    Args:
        projects: Says which exist.
        models: Their versions.
        registry: Makes the registry of one version of a project.
        limits: What a picture may measure.
        telemetry: Counts what was judged.
        load: From an ONNX file to a detector.
    """

    def __init__(
        self,
        projects: Projects,
        models: ModelStore,
        registry: Callable[[str, str], ModelRegistry],
        limits: PictureLimits,
        telemetry: Telemetry,
        load: Callable[[bytes], Detector] = Detector.load,
    ) -> None:
        self._projects = projects
        self._models = models
        self._limits = limits
        self._telemetry = telemetry

        @lru_cache(_KEPT)
        def detector(project: str, version: str) -> Detector:
            of_version = registry(project, version)
            return load(of_version.download(of_version.current()))

        self._detector = detector

    def detect(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Judges one picture.

        The answer has the classification shape, which old programs hand to `json.dumps`.

        Raises:
            ConflictException: The model is not hosted.
            ResourceNotFoundException: There is no such project or version.
            ValidationException: The body is no picture that can be judged.
        """
        started = time.perf_counter()
        project = self._projects.require(given["ProjectName"])
        model = self._models.get(project, given["ModelVersion"])
        if not model.is_hosted:
            message = f"Model version {model.version} of project {project} is not hosted: publish it first."
            raise ConflictException(message, model.arn, "MODEL")
        detector = self._detector(project, model.version)
        try:
            picture = self._picture(given, detector.min_decoded_side)
            found = detector.detect(picture)
        except PictureRejectedError as rejected:  # of more tiles than a model judges
            self._telemetry.invalid_image(project, model.version)
            raise ValidationException(rejected.reason) from rejected
        except ValidationException:
            self._telemetry.invalid_image(project, model.version)
            raise
        self._telemetry.detection(
            project, model.version, (time.perf_counter() - started) * 1000, is_anomalous=found.is_anomalous
        )
        return {
            "DetectAnomalyResult": {
                "Source": {"Type": "direct"},
                "IsAnomalous": found.is_anomalous,
                "Confidence": found.confidence,
            }
        }

    def _picture(self, given: Mapping[str, Any], min_decoded_side: int | None) -> Picture:
        told = given["ContentType"].partition(";")[0].strip().lower()
        if told not in _CONTENT_TYPES:
            message = f"Content type {told} is not supported: {' or '.join(_CONTENT_TYPES)}."
            raise ValidationException(message)
        try:
            picture = read_picture(given["Body"], self._limits, min_decoded_side=min_decoded_side)
        except PictureRejectedError as error:
            raise ValidationException(error.reason) from error
        if picture.content_type != told:
            message = f"The body is {picture.content_type}, and ContentType says {told}: they have to agree."
            raise ValidationException(message)
        return picture
