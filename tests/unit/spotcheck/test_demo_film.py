"""The demo's film: made of the clearest pictures, summed up, drawn along its time line."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import av
import pytest
from support_pictures import png_bytes, texture
from support_videos import video

from chalicelib.videos import VideoStatus
from spotcheck.demo_data import Sample
from spotcheck.demo_film import Film, clearest, make_film, write_mp4
from spotcheck.demo_summary import check, summarise
from spotcheck.demo_video import Judged
from spotcheck.exceptions import DemoError
from spotcheck.report import render
from spotcheck.verdicts import Outcome

if TYPE_CHECKING:
    from pathlib import Path


def outcome(folder: Path, score: float, *, defective: bool | None, status: str = "JUDGED") -> Outcome:
    path = folder / f"{score}.png"
    path.write_bytes(png_bytes(texture(int(score * 10), 65, 49)))
    record = {"status": status, "score": score, "is_anomalous": score > 1.0}
    return Outcome(Sample(path.name, path, defective), None, record)


@pytest.fixture
def outcomes(tmp_path: Path) -> list[Outcome]:
    normal = [outcome(tmp_path, score, defective=False) for score in (0.5, 0.1, 0.4, 0.2, 0.3, 1.5)]
    return [*normal, *(outcome(tmp_path, score, defective=True) for score in (0.9, 2.0, 3.0))]


def scores(samples: list[Sample]) -> list[str]:
    return [sample.path.stem for sample in samples]


def test_four_pictures_of_a_kind_are_taken_the_clearest_ones(outcomes: list[Outcome]) -> None:
    assert scores(clearest(outcomes, is_defective=False)) == ["0.1", "0.2", "0.3", "0.4"]
    assert scores(clearest(outcomes, is_defective=True)) == ["3.0", "2.0"]


def test_the_film_is_normal_first_and_says_from_when_on_it_is_not(
    outcomes: list[Outcome], tmp_path: Path
) -> None:
    film = make_film(outcomes, tmp_path / "film.mp4")
    assert film is not None
    assert [slide.is_defective for slide in film.slides] == [False] * 4 + [True] * 2
    assert film.expected_seconds == 20


def test_without_labels_there_is_no_film(tmp_path: Path) -> None:
    assert make_film([outcome(tmp_path, 2.0, defective=None)], tmp_path / "film.mp4") is None


def test_each_picture_is_in_view_for_five_seconds_in_even_sides(
    outcomes: list[Outcome], tmp_path: Path
) -> None:
    path = tmp_path / "film.mp4"
    write_mp4([one.source.path for one in outcomes[:3]], path)
    with av.open(str(path), "r") as file:
        stream = file.streams.video[0]
        assert (stream.width, stream.height, stream.frames) == (64, 48, 28)
        assert stream.average_rate == 2


# ---------------------------------------------------------------- its verdict


def judged(**changes: Any) -> Judged:
    seen = replace(
        video(),
        status=VideoStatus.JUDGED,
        anomalous=frozenset({4}),
        judged=frozenset(range(5)),
        is_anomalous=True,
        confidence=0.9,
    )
    frames = [
        {
            "seconds": index * 5.0,
            "status": "JUDGED",
            "is_anomalous": index == 4,
            "probability": 0.99 if index == 4 else 0.1,
            "reason": None,
            "heat_map_key": "heatmaps/1.png",
        }
        for index in range(5)
    ]
    facts: dict[str, Any] = {
        "film": Film(None, [], 20),  # type: ignore[arg-type]
        "key": "video_inputs/demo/film.mp4",
        "video": seen.to_json(),
        "frames": frames,
        "pictures": [(png_bytes(), png_bytes())] * 5,
        "seconds": 2.0,
    }
    return Judged(**(facts | changes))


def test_the_summary_says_when_it_began_and_when_that_was_found() -> None:
    assert list(judged().summary())[:4] == ["video", "verdict", "expected_seconds", "found_seconds"]
    assert [judged().summary()[name] for name in ("verdict", "expected_seconds", "found_seconds")] == [
        *("Anomalous", 20, 20)
    ]


@pytest.mark.parametrize(
    ("seen", "why"),
    [
        (None, "no result in time"),
        (replace(video(), status=VideoStatus.ERROR, reason="MediaConvert error 1010").to_json(), "1010"),
    ],
)
def test_a_film_without_a_verdict_fails_the_demo(seen: dict[str, Any] | None, why: str) -> None:
    summary = summarise([], {}, 1.0, [judged(video=seen, frames=[], pictures=[]).summary()])
    with pytest.raises(DemoError, match=rf"demo/film\.mp4 has no verdict: .*{why}"):
        check(summary, None)


def test_a_film_with_a_verdict_passes() -> None:
    check(summarise([], {}, 1.0, [judged().summary()]), None)


def test_the_report_shows_every_frame_along_the_time_line() -> None:
    html = render("T", "D", summarise([], {}, 1.0), [], [], judged().for_report())
    assert html.count("<figure>") == 5
    assert html.count("data:image/jpeg;base64,") == 10
    assert "defective from 0:20 on" in html
    assert "first found at 0:20" in html
    assert html.count('class="bar Anomalous"') == 1


def test_the_report_shows_a_failed_film_with_its_reason() -> None:
    failed = replace(video(), status=VideoStatus.ERROR, reason="MediaConvert <1010>").to_json()
    film = judged(video=failed, frames=[], pictures=[]).for_report()
    assert "MediaConvert &lt;1010&gt;" in render("T", "D", summarise([], {}, 1.0), [], [], film)
