"""Frame capture: which frames, when, and what they look like."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any

import av
import numpy as np
import pytest
from support_clips import make_clip, number_of
from support_jobs import capture_output, job_settings, movie_output

from localaws.mediaconvert.exceptions import ClippingError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

Convert = Any


def difference(a: NDArray[np.uint8], b: NDArray[np.uint8]) -> float:
    return float(np.abs(a.astype(int) - b.astype(int)).mean())


def frames_at(video: Path, moments: list[int]) -> list[NDArray[np.uint8]]:
    """What is on view at these seconds, found the plain way."""
    shown: list[Any] = []
    with av.open(str(video)) as file:
        before: Any = None
        for frame in file.decode(video=0):
            while before is not None and len(shown) < len(moments) and frame.time > moments[len(shown)]:
                shown.append(before.to_ndarray(format="rgb24"))
            before = frame
        shown += [before.to_ndarray(format="rgb24")] * (len(moments) - len(shown))
    return shown


@pytest.mark.parametrize(
    ("frames", "num", "den", "expected"),
    [
        (50, 1, 1, [0, 10, 20, 30, 40, 49]),  # five seconds exactly: the sixth moment is the video's end
        (49, 1, 1, [0, 10, 20, 30, 40]),
        (50, 1, 2, [0, 20, 40]),
        (50, 2, 1, [0, 5, 10, 15, 20, 25, 30, 35, 40, 45, 49]),
        (50, 1, 5, [0, 49]),
        (20, 1, 5, [0]),
        (1, 1, 1, [0]),
    ],
)
def test_one_frame_at_once_and_then_one_every_den_by_num_seconds(
    convert: Convert, tmp_path: Path, frames: int, num: int, den: int, expected: list[int]
) -> None:
    clip = make_clip(tmp_path / "clip.mp4", frames=frames)
    output = capture_output(FramerateNumerator=num, FramerateDenominator=den)
    made = convert(job_settings(output, movie_output()), clip)
    assert [number_of(frame) for frame in made.frames] == expected
    assert len(expected) == frames * num // (10 * den) + 1, "the formula"


def test_max_captures_ends_it(convert: Convert, tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "clip.mp4")
    made = convert(job_settings(capture_output(MaxCaptures=4), movie_output()), clip)
    assert [number_of(frame) for frame in made.frames] == [0, 10, 20, 30]


def test_names_count_from_zero_and_the_report_has_the_last_one(convert: Convert, tmp_path: Path) -> None:
    made = convert(job_settings(), make_clip(tmp_path / "clip.mp4", frames=25))
    assert [key for key in made.objects if key.endswith("jpg")] == [
        "out/film_f.0000000.jpg",
        "out/film_f.0000001.jpg",
        "out/film_f.0000002.jpg",
    ]
    report = made.reports[0][0]
    assert report.paths == ["s3://images/out/film_f.0000002.jpg"]
    assert report.duration_ms == 3000, "captures times interval, as AWS tells it"
    assert report.size == (320, 180)


def test_frames_are_uploaded_before_the_movie(convert: Convert, tmp_path: Path) -> None:
    made = convert(job_settings(), make_clip(tmp_path / "clip.mp4"))
    assert list(made.objects)[-1] == "out/film_m.mp4"


def test_a_frame_that_stays_on_view_is_captured_again(convert: Convert, tmp_path: Path) -> None:
    times = [Fraction(0), Fraction(1, 2), Fraction(32, 10), Fraction(33, 10)]  # a variable frame rate
    clip = make_clip(tmp_path / "clip.mp4", frames=4, times=times)
    made = convert(job_settings(), clip)
    assert [number_of(frame) for frame in made.frames] == [0, 1, 1, 1]


def test_a_captured_frame_is_the_frame_on_view_pixel_by_pixel(convert: Convert, tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "clip.mp4")
    with av.open(str(clip)) as video:
        source: list[Any] = [frame.to_ndarray(format="rgb24") for frame in video.decode(video=0)]
    for second, frame in enumerate(convert(job_settings(), clip).frames[:5]):
        assert difference(frame, source[second * 10]) < 3


def test_quality_is_the_jpegs_quality(convert: Convert, tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "clip.mp4", frames=1)

    def size(quality: int) -> int:
        made = convert(job_settings(capture_output(Quality=quality), movie_output()), clip)
        return len(made.objects["out/film_f.0000000.jpg"])

    assert size(20) < size(60) < size(95)


@pytest.mark.parametrize(
    ("clipping", "expected"),
    [
        ({"StartTimecode": "00:00:02:00", "EndTimecode": "00:00:03:04"}, [20, 30]),
        ({"StartTimecode": "00:00:03:05"}, [35, 45]),
        ({"EndTimecode": "00:00:00:09"}, [0, 9]),
    ],
)
def test_only_the_clipped_part_is_converted(
    convert: Convert, tmp_path: Path, clipping: dict[str, str], expected: list[int]
) -> None:
    clip = make_clip(tmp_path / "clip.mp4")
    made = convert(job_settings(InputClippings=[clipping]), clip)
    assert [number_of(frame) for frame in made.frames] == expected


def test_several_clippings_follow_one_another(convert: Convert, tmp_path: Path) -> None:
    clippings = [
        {"StartTimecode": "00:00:03:00", "EndTimecode": "00:00:03:09"},
        {"StartTimecode": "00:00:01:00", "EndTimecode": "00:00:01:04"},
    ]
    made = convert(job_settings(InputClippings=clippings), make_clip(tmp_path / "clip.mp4"))
    assert [number_of(frame) for frame in made.frames] == [30, 10]
    with made.movie() as movie:
        assert sum(1 for _ in movie.decode(video=0)) == 15


def test_several_inputs_follow_one_another_at_the_first_ones_size(convert: Convert, tmp_path: Path) -> None:
    first = make_clip(tmp_path / "a.mp4", frames=20)
    second = make_clip(tmp_path / "b.mp4", frames=15, size=(180, 320))
    made = convert(job_settings(inputs=2), first, second)
    assert {frame.shape for frame in made.frames} == {(180, 320, 3)}
    assert len(made.frames) == 4
    with made.movie() as movie:
        assert sum(1 for _ in movie.decode(video=0)) == 35


def test_a_clipping_beyond_the_end_is_error_1060(convert: Convert, tmp_path: Path) -> None:
    settings = job_settings(InputClippings=[{"StartTimecode": "00:01:00:00"}])
    with pytest.raises(ClippingError) as ended:
        convert(settings, make_clip(tmp_path / "clip.mp4"))
    assert ended.value.code == 1060


@pytest.mark.parametrize(
    ("behavior", "shape"),
    [
        ("DEFAULT", (200, 200, 3)),
        ("STRETCH_TO_OUTPUT", (200, 200, 3)),
        ("FIT", (112, 200, 3)),
        ("FIT_NO_UPSCALE", (112, 200, 3)),
        ("FILL", (200, 200, 3)),
    ],
)
def test_each_scaling_behaviour_shows_what_it_should(
    convert: Convert, tmp_path: Path, behavior: str, shape: tuple[int, ...]
) -> None:
    clip = make_clip(tmp_path / "clip.mp4", frames=1)
    output = capture_output(Width=200, Height=200, ScalingBehavior=behavior)
    frame = convert(job_settings(output, movie_output()), clip).frames[0]
    assert frame.shape == shape
    bars = frame[:40].max() < 20
    assert bars == (behavior == "DEFAULT"), "black bars above and below, with DEFAULT only"
    inside = frame[50, 20]
    assert inside[0] > inside[1] + 60, "red at the left, in each of them"


@pytest.mark.parametrize(
    ("rotation", "rotate", "turns"),
    [
        (90, "DEGREE_0", 0),
        (0, "AUTO", 0),
        (90, "AUTO", 1),  # the file says: show it turned counter-clockwise
        (180, "AUTO", 2),
        (270, "AUTO", 3),
        (45, "AUTO", 0),
        (0, "DEGREES_90", 3),  # the job says: clockwise
        (90, "DEGREES_180", 2),
    ],
)
def test_pictures_are_turned_as_the_job_says_or_with_auto_as_the_file_does(
    convert: Convert, tmp_path: Path, rotation: int, rotate: str, turns: int
) -> None:
    clip = make_clip(tmp_path / "clip.mp4", frames=3, rotation=rotation)
    upright = convert(job_settings(), make_clip(tmp_path / "plain.mp4", frames=3)).frames[0]
    made = convert(job_settings(VideoSelector={"Rotate": rotate}), clip)
    assert difference(made.frames[0], np.rot90(upright, turns)) < 4
    with made.movie() as movie:
        frame = next(movie.decode(video=0))
        assert difference(frame.to_ndarray(format="rgb24"), np.rot90(upright, turns)) < 8
        assert frame.rotation == 0, "an output carries no rotation of its own"


def test_auto_does_not_turn_other_containers_than_mov_and_mp4(convert: Convert, tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "clip.mkv", frames=3, rotation=90)
    made = convert(job_settings(VideoSelector={"Rotate": "AUTO"}), clip)
    assert made.frames[0].shape == (180, 320, 3)


@pytest.mark.parametrize(
    ("name", "seconds"),
    [
        ("car-detection.mp4", Fraction("30.16")),
        ("bottle-detection.mp4", Fraction("39.8547")),
        ("udacity_highway_cars.mp4", Fraction("1.52")),
        ("derived/car-detection_hevc.mp4", Fraction(8)),
        ("derived/car-detection_vp9.webm", Fraction(8)),
        ("derived/car-detection_remux.mkv", Fraction("30.16")),
        ("derived/car-detection_remux.mov", Fraction("30.16")),
        ("derived/car_whole_slides.mp4", Fraction(20)),
    ],
)
def test_real_videos_give_the_frames_of_their_seconds(
    convert: Convert, shared_video: Callable[[str], Path], name: str, seconds: Fraction
) -> None:
    video = shared_video(name)
    output = capture_output(FramerateDenominator=5, Quality=100)
    made = convert(job_settings(output, movie_output(Width=320)), video)
    assert len(made.frames) == seconds // 5 + 1
    shown = frames_at(video, [5 * index for index in range(len(made.frames))])
    for index, captured in enumerate(made.frames):
        assert difference(captured, shown[index]) < 3, f"second {index * 5}"


def test_a_real_phone_video_comes_out_upright_with_auto(
    convert: Convert, shared_video: Callable[[str], Path]
) -> None:
    video = shared_video("derived/car-detection_rot90.mp4")
    frames = capture_output(FramerateDenominator=30)
    movie = movie_output(Width=320)
    turned = convert(job_settings(frames, movie, VideoSelector={"Rotate": "AUTO"}), video).frames[0]
    plain = convert(job_settings(frames, movie), video).frames[0]
    assert difference(turned, np.rot90(plain, 1)) < 4
