"""What the keys under `video_inputs/` say."""

from __future__ import annotations

import pytest

from chalicelib.frames import Frame, frame_of, is_notebook_mp4

VIDEO = "0f" * 16


@pytest.mark.parametrize(
    ("key", "index"),
    [
        (f"video_inputs/{VIDEO}/frame.0000000.jpg", 0),
        (f"video_inputs/{VIDEO}/clipjpg.0000012.jpg", 12),
        (f"video_inputs/{VIDEO}/a clip.with.dots é\njpg.0000003.jpg", 3),
        (f"video_inputs/{VIDEO}/frame.12345678.jpg", 12_345_678),
    ],
)
def test_a_frames_key_names_its_video_and_its_index(key: str, index: int) -> None:
    assert frame_of(key) == Frame(VIDEO, index)


@pytest.mark.parametrize(
    "key",
    [
        "image_inputs/cell.jpg",
        "video_inputs/cell.0000001.jpg",
        f"video_inputs/{VIDEO}/clipmp4.mp4",
        f"video_inputs/{VIDEO}/frame.jpg",
        f"video_inputs/{VIDEO.upper()}/frame.0000001.jpg",
        f"x/video_inputs/{VIDEO}/frame.0000001.jpg",
    ],
)
def test_any_other_key_is_a_picture_of_its_own(key: str) -> None:
    assert frame_of(key) is None


def test_the_notebooks_mp4_is_known_by_its_key() -> None:
    assert is_notebook_mp4(f"video_inputs/{VIDEO}/clipmp4.mp4")


@pytest.mark.parametrize("key", ["video_inputs/clipmp4.mp4", f"video_inputs/{VIDEO}/frame.0000001.jpg"])
def test_nothing_else_passes_for_the_notebooks_mp4(key: str) -> None:
    assert not is_notebook_mp4(key)
