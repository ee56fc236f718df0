"""What bad and unusual input gets: converted, or an error code that says why not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image
from support_clips import make_clip, make_sound, number_of
from support_jobs import job_settings

from localaws.mediaconvert.converter import Converter
from localaws.mediaconvert.exceptions import (
    InputError,
    JobError,
    NoVideoError,
    TruncatedSourceError,
    UnsupportedCodecError,
)

if TYPE_CHECKING:
    from pathlib import Path

Convert = Any


@pytest.mark.parametrize(
    ("name", "codec", "container"),
    [
        ("clip.MP4", "libx264", None),
        ("clip.mov", "libx264", None),
        ("clip.mkv", "libx264", None),
        ("clip.avi", "mpeg4", None),
        ("clip.ts", "libx264", None),
        ("clip.webm", "libvpx-vp9", None),
        ("hevc.mp4", "libx265", None),
        ("no_extension", "libx264", "mp4"),
        ("lies.txt", "libx264", "matroska"),
    ],
)
def test_formats_are_told_by_their_content(
    convert: Convert, tmp_path: Path, name: str, codec: str, container: str | None
) -> None:
    clip = make_clip(tmp_path / name, frames=25, codec=codec, container=container)
    assert [number_of(frame) for frame in convert(job_settings(), clip).frames] == [0, 10, 20]


@pytest.mark.parametrize(
    "content",
    [b"", b"This is no video.\n" * 100, b"#EXTM3U\n/etc/hostname\n", bytes(range(256)) * 64],
    ids=["zero bytes", "text", "playlist", "garbage"],
)
def test_what_is_no_video_file_is_error_1010(convert: Convert, tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "film.mp4"
    file.write_bytes(content)
    with pytest.raises(InputError, match=r"Unable to open input file \[s3://videos/film.mp4\]") as ended:
        convert(job_settings(), file)
    assert ended.value.code == 1010


def test_a_file_cut_off_before_its_index_is_error_1010(convert: Convert, tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "clip.mp4")
    clip.write_bytes(clip.read_bytes()[:2000])
    with pytest.raises(InputError):
        convert(job_settings(), clip)


def cut(path: Path, whole: bytes, part: float) -> Path:
    path.write_bytes(whole[: int(len(whole) * part)])
    return path


def test_a_file_cut_off_after_its_index_is_error_1076(convert: Convert, tmp_path: Path) -> None:
    made = convert(job_settings(), make_clip(tmp_path / "clip.mp4"))
    whole = made.objects["out/film_m.mp4"]  # its index stands in front
    upload = Converter(job_settings(), [cut(tmp_path / "cut.mp4", whole, 0.5)], lambda *_object: None)
    with pytest.raises(TruncatedSourceError, match=r"is truncated: \d+ of its 50 video frames") as ended:
        upload.probe()
    assert ended.value.code == 1076


def test_of_a_container_without_an_index_what_is_there_is_converted(convert: Convert, tmp_path: Path) -> None:
    whole = make_clip(tmp_path / "clip.mkv").read_bytes()
    made = convert(job_settings(), cut(tmp_path / "cut.mkv", whole, 0.6))
    assert 2 <= len(made.frames) <= 5


def test_sound_alone_is_error_1020(convert: Convert, tmp_path: Path) -> None:
    with pytest.raises(NoVideoError) as ended:
        convert(job_settings(), make_sound(tmp_path / "sound.mp4"))
    assert ended.value.code == 1020


def test_a_codec_that_mediaconvert_does_not_read_is_error_1030(convert: Convert, tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "clip.avi", frames=3, codec="ffvhuff")
    with pytest.raises(UnsupportedCodecError, match=r"Video codec \[ffvhuff\]") as ended:
        convert(job_settings(), clip)
    assert ended.value.code == 1030


def test_a_picture_called_mp4_is_an_error(convert: Convert, tmp_path: Path) -> None:
    Image.new("RGB", (64, 64)).save(tmp_path / "picture.mp4", "JPEG")
    with pytest.raises(JobError) as ended:
        convert(job_settings(), tmp_path / "picture.mp4")
    assert ended.value.code in {1010, 1030}


def test_one_frame_is_a_video(convert: Convert, tmp_path: Path) -> None:
    made = convert(job_settings(), make_clip(tmp_path / "clip.mp4", frames=1))
    assert len(made.frames) == 1
    with made.movie() as movie:
        assert sum(1 for _ in movie.decode(video=0)) == 1


def test_odd_sizes_become_even(convert: Convert, tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "clip.webm", frames=5, size=(321, 181), codec="libvpx-vp9")
    made = convert(job_settings(), clip)
    assert made.frames[0].shape[0] % 2 == 0
    assert made.reports[0][1].size[0] % 2 == 0


def test_a_damaged_stretch_costs_its_own_pictures_only(convert: Convert, tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "clip.ts", frames=60)
    body = bytearray(clip.read_bytes())
    middle = len(body) // 2
    body[middle : middle + 3000] = bytes(3000)
    clip.write_bytes(bytes(body))
    assert len(convert(job_settings(), clip).frames) >= 5
