from __future__ import annotations

import pytest

from localaws.mediaconvert.config import MediaConvertConfig


def test_the_environment_sets_what_it_names() -> None:
    config = MediaConvertConfig.from_environment(
        {"LOCALAWS_MEDIACONVERT_EVENT_COPIES": "2", "LOCALAWS_MEDIACONVERT_CHECK_ROLE": "false"}
    )
    assert (config.event_copies, config.check_role, config.token_seconds) == (2, False, 60.0)


def test_a_number_that_is_none_is_an_error() -> None:
    with pytest.raises(ValueError, match="many"):
        MediaConvertConfig.from_environment({"LOCALAWS_MEDIACONVERT_CONCURRENT_JOBS": "many"})
