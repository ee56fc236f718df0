"""The demo: its choice of pictures, its figures, when it fails, and its report."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from support_pictures import png_bytes

from spotcheck.demo_data import Sample, broken_files, choose_cells, own_pictures
from spotcheck.demo_summary import check, summarise
from spotcheck.exceptions import DatasetError, DemoError
from spotcheck.report import Shown, render
from spotcheck.verdicts import Outcome, Upload


def record(score: float | None, status: str = "JUDGED") -> dict[str, Any]:
    return {
        "status": status,
        "score": score,
        "threshold": 1.0,
        "is_anomalous": None if score is None else score > 1.0,
        "confidence": None if score is None else 0.9,
        "reason": None if status == "JUDGED" else "The file is empty.",
        "heat_map_key": None,
    }


def outcome(score: float | None, *, defective: bool | None, seconds: float = 0.1) -> Outcome:
    sample = Sample("1.png", Path("1.png"), defective)
    shown = record(score, "JUDGED" if score is not None else "REJECTED")
    return Outcome(sample, Upload("images", "1.png", "v", "1", 0.0), shown, seconds)


def lost() -> Outcome:
    return Outcome(Sample("1.png", Path("1.png"), True), Upload("images", "1.png", "v", "1", 0.0))


OUTCOMES = [
    outcome(2.0, defective=True, seconds=0.1),
    outcome(0.9, defective=True, seconds=0.2),
    outcome(0.5, defective=False, seconds=0.3),
    outcome(1.5, defective=False, seconds=0.4),
    outcome(None, defective=None, seconds=0.5),
    lost(),
]


def test_the_same_cells_are_drawn_every_time_and_none_is_on_both_sides() -> None:
    probabilities = [0.0, 1.0, 1 / 3, 2 / 3] * 500
    types = ["mono", "mono", "mono", "mono", "poly", "poly", "poly", "poly"] * 250
    normal, defective = choose_cells(probabilities, types)
    assert (normal, defective) == choose_cells(probabilities, types)
    assert len(set(normal)) == 230
    assert len(set(defective)) == 30
    assert {probabilities[i] for i in normal} == {0.0}
    assert {probabilities[i] for i in defective} == {1.0}
    assert {types[i] for i in normal + defective} == {"mono"}


def test_two_files_are_broken_each_in_its_way(tmp_path: Path) -> None:
    picture = tmp_path / "cell.png"
    picture.write_bytes(png_bytes())
    cut, text = broken_files(tmp_path / "broken", picture)
    assert picture.read_bytes().startswith(cut.path.read_bytes())
    assert text.path.read_text(encoding="utf-8") == "This is no picture.\n"
    assert (cut.is_defective, text.is_defective) == (None, None)


def make_folder(folder: Path, **counts: int) -> Path:
    for name, count in counts.items():
        for number in range(count):
            path = folder / name / f"{number}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(png_bytes())
    return folder


def test_own_pictures_without_a_test_split_hold_some_normal_ones_out(tmp_path: Path) -> None:
    data = own_pictures(make_folder(tmp_path, normal=20, anomaly=3))
    uploaded = {sample.path for sample in data.samples}
    assert len(data.train) == 16
    assert sum(bool(sample.is_defective) for sample in data.samples) == 3
    assert len(data.samples) == 7
    assert not uploaded & set(data.train)
    assert data.least_auroc is None


def test_too_few_own_pictures_are_refused_before_anything_starts(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="too few"):
        own_pictures(make_folder(tmp_path, normal=9, anomaly=3))


def test_the_summary_has_the_frozen_keys_and_counts_what_was_lost() -> None:
    summary = summarise(OUTCOMES, {"train": 5.0}, 60.0)
    assert list(summary) == [
        *("uploads", "results", "rejected", "lost", "image_auroc", "precision", "recall"),
        *("verdict_seconds_p50", "verdict_seconds_p95", "phase_seconds", "videos"),
    ]
    assert [summary[name] for name in ("uploads", "results", "rejected", "lost")] == [6, 5, 1, 1]
    assert [summary[name] for name in ("image_auroc", "precision", "recall")] == [0.75, 0.5, 0.5]
    assert summary["verdict_seconds_p50"] == 0.3
    assert summary["phase_seconds"] == {"train": 5.0, "total": 60.0}


def test_without_labels_there_is_nothing_to_compare() -> None:
    summary = summarise([outcome(2.0, defective=None)], {}, 1.0)
    assert [summary[name] for name in ("image_auroc", "precision", "recall")] == [None, None, None]


def test_a_lost_upload_fails_the_demo() -> None:
    with pytest.raises(DemoError, match="1 of 6 uploads have no result"):
        check(summarise(OUTCOMES, {}, 1.0), None)


def test_a_poor_model_fails_the_demo_where_the_pictures_promise_better() -> None:
    summary = summarise(OUTCOMES[:4], {}, 1.0)
    with pytest.raises(DemoError, match=r"below 0\.85"):
        check(summary, 0.85)
    check(summary, None)


def test_the_report_needs_nothing_else_and_shows_every_picture() -> None:
    shown = [
        Shown("good.png", png_bytes(), record(0.5), png_bytes(), False, 0.1),
        Shown("missed.png", png_bytes(), record(0.9), png_bytes(), True, 0.1),
        Shown("found<b>.png", png_bytes(), record(2.0), png_bytes(), True, 0.1),
        Shown("broken.png", b"text", record(None, "REJECTED")),
        Shown("lost.png", png_bytes(), None),
    ]
    html = render("Cells & co", "Some.", summarise(OUTCOMES, {"train": 5.0}, 60.0), shown, ["A licence."])
    assert not re.search(r"""(src|href)=["'](?!data:)""", html)
    assert html.count("data:image/jpeg;base64,") == 6
    assert "Cells &amp; co" in html
    assert "found&lt;b&gt;.png" in html
    assert "The file is empty." in html
    assert "No result" in html
    assert "missed.png · labelled defective" in html


def test_the_report_of_nothing_judged_is_still_a_report() -> None:
    html = render("T", "D", summarise([lost()], {}, 1.0), [Shown("lost.png", png_bytes(), None)], [])
    assert "0 of 1" in html
