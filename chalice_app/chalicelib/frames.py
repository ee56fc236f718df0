"""What the key of an object under `video_inputs/` of the images bucket says.

MediaConvert names a captured frame `<destination><modifier>.NNNNNNN.jpg`, counted from 0 with seven digits
(service model, FrameCaptureSettings); `chalicelib.video_jobs` puts the video's id in front as a folder.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from chalicelib.video_jobs import FRAMES_PREFIX

_FRAME = re.compile(rf"{FRAMES_PREFIX}(?P<video_id>[0-9a-f]{{32}})/.+\.(?P<index>\d{{7,}})\.jpg", re.DOTALL)
_NOTEBOOK_MP4 = re.compile(rf"{FRAMES_PREFIX}[0-9a-f]{{32}}/.+mp4\.mp4", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Frame:
    """One captured frame of one uploaded version of a video.

    Attributes:
        video_id: The video's id, which is the request id of its item.
        index: Counted from 0; frame `n` shows second `n * interval`.
    """

    video_id: str
    index: int


def frame_of(key: str) -> Frame | None:
    """Tells which frame of which video a key names; None for every other picture.

    Examples:
        >>> frame_of("video_inputs/" + "0f" * 16 + "/frame.0000012.jpg").index
        12
    """
    match = _FRAME.fullmatch(key)
    return Frame(match["video_id"], int(match["index"])) if match else None


def is_notebook_mp4(key: str) -> bool:
    """Whether a key is the MP4 that the notebook profile writes beside its frames: no frame, no rejection."""
    return _NOTEBOOK_MP4.fullmatch(key) is not None
