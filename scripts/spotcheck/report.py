"""The demo's report: every picture with its heat map and verdict, in one HTML file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chalicelib.measuring.pages import data_uri, environment
from chalicelib.measuring.texts import number, score_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

_TEMPLATES = Path(__file__).parent / "templates"


@dataclass(frozen=True)
class Shown:
    """One uploaded picture and what became of it.

    Attributes:
        name: What it was uploaded as.
        picture: The file's bytes.
        record: Its record as `spotcheck results --json` gives it; none when it has no result.
        heat_map: The heat map as PNG, where there is one.
        is_defective: Its label; none when it has none.
        seconds: From upload to verdict.
    """

    name: str
    picture: bytes
    record: Mapping[str, Any] | None
    heat_map: bytes | None = None
    is_defective: bool | None = None
    seconds: float | None = None

    @property
    def is_wrong(self) -> bool:
        """Whether the verdict contradicts the label."""
        return (
            self.is_defective is not None
            and self.record is not None
            and self.record["status"] == "JUDGED"
            and bool(self.record["is_anomalous"]) != self.is_defective
        )


def render(
    title: str,
    description: str,
    summary: Mapping[str, Any],
    shown: Sequence[Shown],
    notes: Sequence[str],
    film: Mapping[str, Any] | None = None,
) -> str:
    """Makes the report.

    Args:
        title: Its heading.
        description: One or two sentences below it.
        summary: The content of `summary.json`.
        shown: The pictures.
        notes: Lines for the foot: licence, choices made.
        film: The film's time line, by `spotcheck.demo_video`.

    Returns:
        HTML with everything inside: light or dark as the reader's system is.
    """
    phases = [(name.replace("_", " "), format(s, ".1f")) for name, s in summary["phase_seconds"].items()]
    return (
        environment(_TEMPLATES)
        .get_template("demo.html")
        .render(
            title=title,
            description=description,
            tiles=_tiles(summary),
            strip=_strip(shown),
            groups=[group for group in _groups(shown) if group["cards"]],
            phases=phases,
            notes=notes,
            film=film,
        )
    )


def _tiles(summary: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [
        (f"{summary['results']} of {summary['uploads']}", "uploads with a result"),
        (str(summary["rejected"]), "rejected with a reason"),
        (number(summary["image_auroc"], ".3f"), "image AUROC"),
        (number(summary["precision"], ".3f"), "precision"),
        (number(summary["recall"], ".3f"), "recall"),
        (f"{number(summary['verdict_seconds_p50'], '.2f')} s", "upload to verdict, median"),
        (f"{number(summary['verdict_seconds_p95'], '.2f')} s", "upload to verdict, 95th percentile"),
    ]


def _groups(shown: Iterable[Shown]) -> list[dict[str, Any]]:
    judged = [one for one in shown if _status(one) == "JUDGED"]
    judged.sort(key=lambda one: -one.record["score"] if one.record else 0)
    right = [one for one in judged if not one.is_wrong]
    groups = [
        ("Wrong verdicts", "label and verdict differ", [one for one in judged if one.is_wrong]),
        ("Defective", "by their label", [one for one in right if one.is_defective]),
        ("Normal", "by their label", [one for one in right if one.is_defective is False]),
        ("Judged", "no label to compare with", [one for one in right if one.is_defective is None]),
        ("Not judged", "and why", [one for one in shown if _status(one) != "JUDGED"]),
    ]
    return [
        {"name": name, "note": f"{len(ones)}, {note}", "cards": [_card(one) for one in ones]}
        for name, note, ones in groups
    ]


def _card(one: Shown) -> dict[str, Any]:
    record = one.record or {}
    judged = _status(one) == "JUDGED"
    return {
        "name": one.name,
        "picture": data_uri(one.picture) if one.heat_map else None,
        "heat_map": data_uri(one.heat_map) if one.heat_map else None,
        "verdict": _verdict(one),
        "figures": f"confidence {number(record['confidence'], '.3f')}" if judged else "",
        "score": f"score {score_text(record['score'])}" if judged else "",
        "reason": record.get("reason"),
        "wrong": one.is_wrong,
        "truth": "defective" if one.is_defective else "normal",
    }


def _status(one: Shown) -> str | None:
    return str(one.record["status"]) if one.record else None


def _verdict(one: Shown) -> str:
    if one.record is None:
        return "No result"
    if one.record["status"] != "JUDGED":
        return str(one.record["status"]).capitalize()
    return "Anomalous" if one.record["is_anomalous"] else "Normal"


def _strip(shown: Sequence[Shown]) -> dict[str, Any] | None:
    """A dot for every score, one row a label, and the threshold."""
    scored = [
        (float(one.record["score"]), one.is_defective, float(one.record["threshold"]))
        for one in shown
        if one.record and _status(one) == "JUDGED"
    ]
    if not scored:
        return None
    threshold = scored[0][2]
    low = min(threshold, *(score for score, _, _ in scored))
    high = max(threshold, *(score for score, _, _ in scored))

    def position(score: float) -> float:
        return round(130 + 840 * (score - low) / ((high - low) or 1.0), 1)

    kinds = [("defective", True, "anomalous"), ("normal", False, "normal"), ("no label", None, "unknown")]
    rows: list[dict[str, Any]] = []
    for name, kind, style in kinds:
        points = [position(score) for score, label, _ in scored if label is kind]
        if points:
            rows.append({"name": name, "style": style, "points": points, "y": 28 + 34 * len(rows)})
    return {
        "rows": rows,
        "height": 34 * len(rows) + 44,
        "threshold": score_text(threshold),
        "threshold_x": position(threshold),
    }
