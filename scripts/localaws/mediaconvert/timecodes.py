"""Timecodes of input clippings: `HH:MM:SS:FF`, counted from zero, in seconds."""

from __future__ import annotations

import re
from fractions import Fraction

_TIMECODE = re.compile(r"^(\d{2}):(\d{2}):(\d{2})[:;](\d{2})")


def seconds(timecode: str, frame_rate: Fraction) -> Fraction:
    """When the frame that a timecode names begins.

    Drop-frame timecodes (`;`) are read as if no numbers were dropped: the difference is below a frame for
    clips shorter than a minute and at most 0.1 % beyond.

    Args:
        timecode: Hours, minutes, seconds and frames.
        frame_rate: Frames per second of the input.

    Raises:
        ValueError: if it is no timecode.
    """
    match = _TIMECODE.match(timecode)
    if match is None:
        message = f"{timecode!r} is no timecode: HH:MM:SS:FF"
        raise ValueError(message)
    hours, minutes, whole, frames = (int(part) for part in match.groups())
    return Fraction(hours * 3600 + minutes * 60 + whole) + Fraction(frames) / frame_rate


def clip_bounds(start: str | None, end: str | None, frame_rate: Fraction) -> tuple[Fraction, Fraction | None]:
    """First moment of a clipping, and the moment after its last frame (None: the input's end).

    The frame of the end timecode is part of the clip (service model, `InputClipping.EndTimecode`).
    """
    first = seconds(start, frame_rate) if start else Fraction(0)
    last = seconds(end, frame_rate) + 1 / frame_rate if end else None
    return first, last
