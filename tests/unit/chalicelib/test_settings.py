"""What Terraform tells a function through its environment."""

from __future__ import annotations

import pytest

from chalicelib.exceptions import ConfigurationError
from chalicelib.pictures import PictureLimits
from chalicelib.settings import HostingSettings, Settings, VideoSettings

NEEDED = {
    "PROJECT_NAME": "Cells",
    "OUTPUT_BUCKET": "results",
    "MODELS_BUCKET": "models",
    "RESULTS_TABLE": "table",
}
NEEDED_FOR_VIDEOS = {
    "PROJECT_NAME": "Cells",
    "RESULTS_TABLE": "table",
    "IMAGES_BUCKET": "images",
    "MEDIACONVERT_QUEUE_ARN": "arn:aws:mediaconvert:us-east-1:123456789012:queues/spotcheck",
    "MEDIACONVERT_ROLE_ARN": "arn:aws:iam::123456789012:role/spotcheck",
}


def test_what_is_not_set_has_the_documented_default() -> None:
    settings = Settings.from_environment(NEEDED)
    assert settings.model_version is None
    assert settings.limits == PictureLimits(max_bytes=25_000_000, max_pixels=100_000_000)
    assert settings.shards == 16
    assert settings.most_training_images == 5000


def test_an_empty_model_version_follows_what_is_published() -> None:
    assert Settings.from_environment({**NEEDED, "MODEL_VERSION": ""}).model_version is None


def test_everything_can_be_set() -> None:
    given = {
        "MODEL_VERSION": "3",
        "MAX_IMAGE_BYTES": "1000",
        "MAX_IMAGE_MEGAPIXELS": "2",
        "INDEX_SHARDS": "4",
    }
    settings = Settings.from_environment(NEEDED | given)
    assert settings.model_version == "3"
    assert (settings.limits.max_bytes, settings.limits.max_pixels) == (1000, 2_000_000)
    assert settings.shards == 4


@pytest.mark.parametrize("name", sorted(NEEDED))
def test_a_missing_setting_is_named(name: str) -> None:
    with pytest.raises(ConfigurationError, match=name):
        Settings.from_environment({**NEEDED, name: ""})


@pytest.mark.parametrize("value", ["many", "0", "-1", "1.5"])
def test_a_number_that_is_none_is_shown(value: str) -> None:
    with pytest.raises(ConfigurationError, match="INDEX_SHARDS"):
        Settings.from_environment({**NEEDED, "INDEX_SHARDS": value})


def test_videos_are_inspected_every_five_seconds_by_default() -> None:
    settings = VideoSettings.from_environment(NEEDED_FOR_VIDEOS)
    assert settings.job.profile == "inspection"
    assert settings.job.seconds_per_frame == 5


def test_a_profile_that_does_not_exist_is_shown() -> None:
    with pytest.raises(ConfigurationError, match="VIDEO_PROFILE is 'cinema'"):
        VideoSettings.from_environment({**NEEDED_FOR_VIDEOS, "VIDEO_PROFILE": "cinema"})


NEEDED_FOR_HOSTING = {
    "DETECTION_FUNCTION": "s-detect_anomalies",
    "IMAGE_FUNCTION": "s-detect_image",
    "FRAME_FUNCTION": "s-detect_frame",
}


def test_what_waited_is_released_at_twenty_a_second_by_default() -> None:
    assert HostingSettings.from_environment(NEEDED_FOR_HOSTING).release_rate == 20.0


@pytest.mark.parametrize("name", sorted(NEEDED_FOR_HOSTING))
def test_hosting_needs_to_know_the_functions(name: str) -> None:
    with pytest.raises(ConfigurationError, match=name):
        HostingSettings.from_environment({**NEEDED_FOR_HOSTING, name: ""})
