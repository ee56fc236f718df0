from __future__ import annotations

import pytest

from localaws.mediaconvert.exceptions import SettingsError
from localaws.mediaconvert.names import OutputName, S3Uri


def name(destination: str, modifier: str = "jpg", source: str = "s3://in/cars/clip.final.MP4") -> OutputName:
    return OutputName.of(destination=destination, first_input=source, modifier=modifier, extension="jpg")


def test_a_destination_ending_in_a_slash_takes_the_inputs_name_without_folders_and_extension() -> None:
    assert str(name("s3://out/video_inputs/").file()) == "s3://out/video_inputs/clip.finaljpg.jpg"


def test_a_destination_with_a_base_name_keeps_it() -> None:
    assert str(name("s3://out/v1/frame", "").frame(3)) == "s3://out/v1/frame.0000003.jpg"


def test_a_bucket_alone_takes_the_inputs_name() -> None:
    assert str(name("s3://out").file()) == "s3://out/clip.finaljpg.jpg"


def test_without_a_destination_outputs_land_beside_the_input() -> None:
    assert str(name("").file()) == "s3://in/cars/clip.finaljpg.jpg"


def test_captured_frames_are_numbered_from_zero_with_seven_digits() -> None:
    captured = name("s3://out/video_inputs/")
    assert captured.frame(0).key == "video_inputs/clip.finaljpg.0000000.jpg"
    assert captured.frame(1234567).key == "video_inputs/clip.finaljpg.1234567.jpg"


@pytest.mark.parametrize("uri", ["https://example.com/clip.mp4", "clip.mp4", "s3://"])
def test_other_addresses_than_s3_are_refused(uri: str) -> None:
    with pytest.raises(SettingsError, match="Only s3://"):
        S3Uri.parse(uri)
