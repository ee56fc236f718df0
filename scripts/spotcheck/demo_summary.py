"""The demo's figures, and whether they are good enough."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from spotcheck.exceptions import DemoError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from spotcheck.verdicts import Outcome


def summarise(
    outcomes: Sequence[Outcome],
    phase_seconds: dict[str, float],
    total_seconds: float,
    videos: Sequence[dict[str, Any]] = (),
) -> dict[str, Any]:
    """The figures of `summary.json`.

    Image AUROC, precision and recall are over the judged pictures that have a label, null where there is
    nothing to compare; anomalous is the positive class.

    Args:
        outcomes: What became of every upload; each source is a `Sample`.
        phase_seconds: What each phase took.
        total_seconds: What all of it took.
        videos: What became of the films: `video`, `verdict`, `expected_seconds` and `found_seconds` (first
            anomalous second, as made and as found), and more.
    """
    results = [one for one in outcomes if one.has_result]
    seconds = [one.seconds for one in results if one.seconds is not None]
    return {
        "uploads": len(outcomes),
        "results": len(results),
        "rejected": sum(one.record["status"] == "REJECTED" for one in results if one.record),
        "lost": len(outcomes) - len(results),
        **_quality(results),
        "verdict_seconds_p50": _percentile(seconds, 50),
        "verdict_seconds_p95": _percentile(seconds, 95),
        "phase_seconds": {**phase_seconds, "total": round(total_seconds, 1)},
        "videos": list(videos),
    }


def check(summary: dict[str, Any], least_auroc: float | None) -> None:
    """Fails when the demo does not show what it should.

    Raises:
        DemoError: An upload has no result, a film no verdict, or the image AUROC is below what the pictures
            promise.
    """
    if summary["lost"]:
        msg = f"{summary['lost']} of {summary['uploads']} uploads have no result"
        raise DemoError(msg)
    for video in summary["videos"]:
        if video["verdict"] is None:
            msg = f"the film {video['key']} has no verdict: {video['error']}"
            raise DemoError(msg)
    if least_auroc is not None and (summary["image_auroc"] or 0.0) < least_auroc:
        msg = f"image AUROC {summary['image_auroc']} is below {least_auroc}"
        raise DemoError(msg)


def _quality(results: Sequence[Outcome]) -> dict[str, float | None]:
    from chalicelib.measuring.metrics import image_metrics

    judged = [
        (one.source.is_defective, one.record)
        for one in results
        if one.record and one.record["status"] == "JUDGED" and one.source.is_defective is not None
    ]
    if not judged:
        return dict.fromkeys(("image_auroc", "precision", "recall"))
    labels = [label for label, _ in judged]
    scores = [record["score"] for _, record in judged]
    metrics = image_metrics(labels, scores, judged[0][1]["threshold"])
    return {
        name: None if value is None else round(value, 4)
        for name, value in (
            ("image_auroc", metrics.image_auroc),
            ("precision", metrics.precision),
            ("recall", metrics.recall),
        )
    }


def _percentile(values: Sequence[float], percent: float) -> float | None:
    import numpy as np

    return round(float(np.percentile(values, percent)), 3) if values else None
