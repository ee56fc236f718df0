from __future__ import annotations

from typing import Any

import pytest
from support_jobs import ROLE, capture_output, job_settings, movie_output

from localaws.mediaconvert.exceptions import BadRequestException
from localaws.mediaconvert.job_rules import check_job


def request(settings: dict[str, Any] | None = None, **changes: Any) -> dict[str, Any]:
    return {"Role": ROLE, "Settings": settings or job_settings(), **changes}


def refusal(settings: dict[str, Any] | None = None, **changes: Any) -> str:
    with pytest.raises(BadRequestException) as refused:
        check_job(request(settings, **changes))
    return str(refused.value.message)


def test_a_frame_capture_beside_a_movie_is_accepted() -> None:
    check_job(request())


def test_the_movie_may_stand_in_a_group_of_its_own() -> None:
    settings = job_settings(capture_output())
    settings["OutputGroups"] += job_settings(movie_output())["OutputGroups"]
    check_job(request(settings))


def test_a_job_of_frame_captures_alone_is_refused() -> None:
    assert refusal(job_settings(capture_output())) == (
        "/outputGroups: Frame capture outputs are only supported in jobs that also have a regular audio and "
        "video output"
    )


def test_at_least_one_input_group_and_output_is_needed() -> None:
    assert refusal({**job_settings(), "Inputs": []}) == "/inputs: Should have at least 1 items"
    assert refusal({**job_settings(), "OutputGroups": []}) == "/outputGroups: Should have at least 1 items"
    empty = job_settings()
    empty["OutputGroups"][0]["Outputs"] = []
    assert refusal(empty) == "/outputGroups/0/outputs: Should have at least 1 items"


def test_an_input_names_its_file() -> None:
    assert refusal(job_settings(FileInput="")) == "/inputs/0: fileInput is a required property"


def test_a_clipping_has_a_begin_or_an_end() -> None:
    message = refusal(job_settings(InputClippings=[{}]))
    assert message == "/inputs/0/inputClippings/0: startTimecode and endTimecode may not both be blank"


def test_several_outputs_of_a_group_need_name_modifiers_and_different_ones() -> None:
    frames, movie = capture_output(), movie_output()
    del movie["NameModifier"]
    assert "/outputGroups/0/outputs/1: nameModifier is a required" in refusal(job_settings(frames, movie))
    twins = refusal(job_settings(movie_output(), movie_output()))
    assert twins == "/outputGroups/0/outputs: nameModifier should be unique within an output group"


def test_frame_capture_goes_with_raw_and_nothing_else_does() -> None:
    frames, movie = capture_output(), movie_output()
    frames["ContainerSettings"]["Container"] = "MP4"
    assert "FRAME_CAPTURE should not be in container MP4" in refusal(job_settings(frames, movie))
    frames, movie = capture_output(), movie_output()
    movie["ContainerSettings"]["Container"] = "RAW"
    assert "H_264 should not be in container RAW" in refusal(job_settings(frames, movie))


def test_an_output_needs_a_container() -> None:
    output = movie_output()
    del output["ContainerSettings"]
    message = refusal(job_settings(output))
    assert message == "/outputGroups/0/outputs/0: containerSettings is a required property"


@pytest.mark.parametrize(("mode", "member"), [("CBR", "bitrate"), ("VBR", "bitrate"), ("QVBR", "maxBitrate")])
def test_a_rate_control_mode_needs_its_bitrate(mode: str, member: str) -> None:
    message = refusal(job_settings(movie_output(h264={"RateControlMode": mode})))
    assert message.endswith(f"h264Settings: {member} is a required property when rateControlMode is {mode}")


def test_what_is_not_emulated_says_so() -> None:
    settings = job_settings()
    settings["OutputGroups"][0]["OutputGroupSettings"]["Type"] = "HLS_GROUP_SETTINGS"
    assert "HLS_GROUP_SETTINGS are known to MediaConvert and not emulated here" in refusal(settings)


@pytest.mark.parametrize(
    "metadata",
    [
        {f"key{n}": "v" for n in range(11)},
        {"k" * 129: "v"},
        {"k": "v" * 257},
        {"key": "flower(1).mp4"},
        {"umläut": "v"},
    ],
)
def test_user_metadata_is_ten_pairs_of_plain_characters(metadata: dict[str, str]) -> None:
    assert refusal(UserMetadata=metadata).startswith("/userMetadata")


def test_user_metadata_may_hold_ids_and_addresses() -> None:
    check_job(request(UserMetadata={"spotcheck:video-id": "s3://a_b/c.d=e+f@g h"}))


def test_a_request_token_is_short_and_ascii() -> None:
    assert refusal(ClientRequestToken="x" * 65).startswith("/clientRequestToken")
    assert refusal(ClientRequestToken="é").startswith("/clientRequestToken")


def test_a_role_is_an_arn() -> None:
    assert refusal(Role="converter").startswith("/role: Should match pattern")
