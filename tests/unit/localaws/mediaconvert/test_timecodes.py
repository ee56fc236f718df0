from __future__ import annotations

from fractions import Fraction

import pytest

from localaws.mediaconvert.timecodes import clip_bounds, seconds


def test_frames_count_at_the_inputs_rate() -> None:
    assert seconds("01:02:03:05", Fraction(25)) == 3723 + Fraction(5, 25)


def test_the_frame_of_the_end_timecode_belongs_to_the_clip() -> None:
    assert clip_bounds("00:00:01:00", "00:00:01:09", Fraction(10)) == (Fraction(1), Fraction(2))


def test_a_blank_timecode_means_the_inputs_own_end() -> None:
    assert clip_bounds(None, "00:00:00:04", Fraction(10)) == (Fraction(0), Fraction(1, 2))
    assert clip_bounds("00:00:02:00", None, Fraction(10)) == (Fraction(2), None)


def test_what_is_no_timecode_is_an_error() -> None:
    with pytest.raises(ValueError, match="no timecode"):
        seconds("five", Fraction(25))
