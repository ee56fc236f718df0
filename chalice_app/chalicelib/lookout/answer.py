"""A verdict in the shape in which Lookout for Vision answered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chalicelib.anomalies import anomaly_list
from chalicelib.heatmaps import mask_png

if TYPE_CHECKING:
    from chalicelib.detector import Detection
    from chalicelib.pictures import Picture


def detect_anomaly_result(picture: Picture, detection: Detection, *, with_masks: bool) -> dict[str, Any]:
    """`DetectAnomalyResult` of a picture.

    Args:
        picture: As it was judged.
        detection: The verdict.
        with_masks: Whether the model was trained on masks. Only then the answer says where anomalies are, as
            the service did: programs for the other kind of model hand the answer to `json.dumps`, which takes
            no bytes.
    """
    result = {
        "Source": {"Type": "direct"},
        "IsAnomalous": detection.is_anomalous,
        "Confidence": detection.confidence,
    }
    if not with_masks:
        return result
    where = {"Anomalies": anomaly_list(detection.kinds), "AnomalyMask": mask_png(picture, detection)}
    return {**result, **where}
