"""DetectAnomalies: one picture in, one verdict out, nothing kept."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from chalicelib.exceptions import PictureRejectedError
from chalicelib.lookout.answer import detect_anomaly_result
from chalicelib.lookout.api.errors import ValidationException
from chalicelib.pictures import read_picture

if TYPE_CHECKING:
    from collections.abc import Mapping

    from chalicelib.lookout.api.detectors import Detectors
    from chalicelib.lookout.api.hosting_state import HostedModels
    from chalicelib.pictures import Picture, PictureLimits
    from chalicelib.telemetry import Telemetry

_CONTENT_TYPES = ("image/jpeg", "image/png")


class Detection:
    """Judges pictures with hosted models.

    Args:
        models: Those that are hosted.
        detectors: Loads them.
        limits: What a picture may measure.
        telemetry: Counts what was judged.
    """

    def __init__(
        self, models: HostedModels, detectors: Detectors, limits: PictureLimits, telemetry: Telemetry
    ) -> None:
        self._models = models
        self._detectors = detectors
        self._limits = limits
        self._telemetry = telemetry

    def detect(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Judges one picture.

        The answer has the shape that the service gave a model of its kind: see `detect_anomaly_result`.

        Raises:
            ConflictException: The model is not hosted.
            ResourceNotFoundException: There is no such project or version.
            ValidationException: The body is no picture that can be judged.
        """
        started = time.perf_counter()
        model = self._models.require(given["ProjectName"], given["ModelVersion"])
        project = model.project
        detector = self._detectors.get(project, model.version)
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
        with_masks = detector.metadata.with_masks
        return {"DetectAnomalyResult": detect_anomaly_result(picture, found, with_masks=with_masks)}

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
