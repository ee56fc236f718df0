"""The movie beside the frames: playable, at the right size, rate and length, with sound or silence."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from support_clips import make_clip, number_of
from support_jobs import capture_output, job_settings, movie_output

from localaws.mediaconvert.exceptions import NoAudioError, SettingsError

if TYPE_CHECKING:
    from pathlib import Path

Convert = Any
TRACK = "Audio Selector 1"


def loudness(movie: Any) -> float:
    samples = [frame.to_ndarray() for frame in movie.decode(audio=0)]
    return float(np.abs(np.concatenate(samples, axis=1)).mean())


def test_the_movie_plays_frame_by_frame(convert: Convert, tmp_path: Path) -> None:
    made = convert(job_settings(), make_clip(tmp_path / "clip.mp4", frames=30))
    with made.movie() as movie:
        stream = movie.streams.video[0]
        assert (stream.codec_context.name, stream.width, stream.height) == ("h264", 320, 180)
        numbers = [number_of(frame.to_ndarray(format="rgb24")) for frame in movie.decode(video=0)]
    assert numbers == list(range(30))


def test_the_report_tells_size_and_length(convert: Convert, tmp_path: Path) -> None:
    made = convert(job_settings(capture_output(), movie_output(Width=160)), make_clip(tmp_path / "clip.mp4"))
    report = made.reports[0][1]
    assert (report.paths, report.duration_ms, report.size) == (
        ["s3://images/out/film_m.mp4"],
        5000,
        (160, 90),
    )
    assert report.extra == {"qvbrAvgQuality": 7.0}


def test_a_variable_frame_rate_becomes_a_constant_one(convert: Convert, tmp_path: Path) -> None:
    times = [Fraction(n, 10) for n in (0, 1, 2, 7, 8, 9, 15, 16)]
    h264 = {
        "RateControlMode": "CBR",
        "Bitrate": 500_000,
        "FramerateControl": "SPECIFIED",
        "FramerateNumerator": 10,
        "FramerateDenominator": 1,
    }
    clip = make_clip(tmp_path / "clip.mp4", frames=8, times=times)
    with convert(job_settings(capture_output(), movie_output(h264=h264)), clip).movie() as movie:
        numbers = [number_of(frame.to_ndarray(format="rgb24")) for frame in movie.decode(video=0)]
    assert numbers[:17] == [0, 1, 2, 2, 2, 2, 2, 3, 4, 5, 5, 5, 5, 5, 5, 6, 7]


def test_sound_comes_along(convert: Convert, tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "clip.mp4", sound=True)
    settings = job_settings(capture_output(), movie_output(sound=True), AudioSelectors={TRACK: {}})
    with convert(settings, clip).movie() as movie:
        sound = movie.streams.audio[0]
        assert (sound.codec_context.name, sound.codec_context.sample_rate) == ("aac", 48000)
        assert sound.codec_context.layout.name == "stereo"
        assert float(sound.duration * sound.time_base) == pytest.approx(5, abs=0.1)
        assert loudness(movie) > 0.05


def test_an_output_without_audio_descriptions_has_no_sound(convert: Convert, tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "clip.mp4", sound=True)
    with convert(job_settings(), clip).movie() as movie:
        assert not movie.streams.audio


def test_a_silent_video_gets_silence_where_no_selector_is_the_default(
    convert: Convert, tmp_path: Path
) -> None:
    selectors = {TRACK: {"DefaultSelection": "NOT_DEFAULT"}}
    settings = job_settings(capture_output(), movie_output(sound=True), AudioSelectors=selectors)
    with convert(settings, make_clip(tmp_path / "clip.mp4")).movie() as movie:
        assert loudness(movie) < 1e-4


def test_a_silent_video_is_error_1021_where_a_selector_is_the_default(
    convert: Convert, tmp_path: Path
) -> None:
    selectors = {TRACK: {"DefaultSelection": "DEFAULT"}}
    settings = job_settings(capture_output(), movie_output(sound=True), AudioSelectors=selectors)
    with pytest.raises(NoAudioError) as ended:
        convert(settings, make_clip(tmp_path / "clip.mp4"))
    assert ended.value.code == 1021


def test_a_missing_selector_falls_back_to_the_default_one(convert: Convert, tmp_path: Path) -> None:
    selectors = {"Audio Selector 7": {"DefaultSelection": "DEFAULT"}}
    settings = job_settings(capture_output(), movie_output(sound=True), AudioSelectors=selectors)
    with convert(settings, make_clip(tmp_path / "clip.mp4", sound=True)).movie() as movie:
        assert loudness(movie) > 0.05


def test_sound_without_any_selector_is_error_1040(convert: Convert, tmp_path: Path) -> None:
    settings = job_settings(capture_output(), movie_output(sound=True))
    with pytest.raises(SettingsError, match=r"Invalid selector_sequence_id \[0\]") as ended:
        convert(settings, make_clip(tmp_path / "clip.mp4", sound=True))
    assert ended.value.code == 1040


def test_a_progressive_download_has_its_index_in_front(convert: Convert, tmp_path: Path) -> None:
    made = convert(job_settings(), make_clip(tmp_path / "clip.mp4"))
    body = made.objects["out/film_m.mp4"]
    assert body.index(b"moov") < body.index(b"mdat")


def test_even_one_kilobit_a_second_plays(convert: Convert, tmp_path: Path) -> None:
    h264 = {"RateControlMode": "CBR", "Bitrate": 1000, "CodecProfile": "MAIN", "GopSize": 90}
    settings = job_settings(capture_output(), movie_output(h264=h264))
    with convert(settings, make_clip(tmp_path / "clip.mp4")).movie() as movie:
        assert sum(1 for _ in movie.decode(video=0)) == 50
