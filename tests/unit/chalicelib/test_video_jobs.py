"""The MediaConvert jobs that `convert_video` asks for."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import botocore.session
import botocore.validate
import pytest

from chalicelib.video_jobs import JobConfig, Profile, create_job_request, frames_prefix

FIXTURES = Path(__file__).parents[2] / "fixtures"
QUEUE = "arn:aws:mediaconvert:us-east-1:123456789012:queues/spotcheck"
ROLE = "arn:aws:iam::123456789012:role/spotcheck-mediaconvert"


def request(profile: Profile = "inspection", **changes: Any) -> dict[str, Any]:
    config = JobConfig(QUEUE, ROLE, "images", profile=profile, **changes)
    return create_job_request(config, video_id="0f" * 16, file_input="s3://videos/video_inputs/car.mp4")


def output_groups(job: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {group["Name"]: group for group in job["Settings"]["OutputGroups"]}


def destination(group: dict[str, Any]) -> str:
    return str(group["OutputGroupSettings"]["FileGroupSettings"]["Destination"])


@pytest.mark.parametrize("profile", ["inspection", "notebook"])
def test_the_request_is_valid_by_botocores_model(profile: Profile) -> None:
    model = botocore.session.get_session().get_service_model("mediaconvert")
    shape = model.operation_model("CreateJob").input_shape
    assert shape is not None
    report = botocore.validate.ParamValidator().validate(request(profile), shape)
    assert not report.has_errors(), report.generate_report()


@pytest.mark.parametrize("profile", ["inspection", "notebook"])
def test_every_enumerated_value_exists_in_botocores_model(profile: Profile) -> None:
    model = botocore.session.get_session().get_service_model("mediaconvert")
    assert list(unknown_enums(model.operation_model("CreateJob").input_shape, request(profile))) == []


def unknown_enums(shape: Any, value: Any, path: str = "") -> Any:
    if shape.type_name == "structure":
        for name, member in value.items():
            yield from unknown_enums(shape.members[name], member, f"{path}.{name}")
    elif shape.type_name == "list":
        for member in value:
            yield from unknown_enums(shape.member, member, f"{path}[]")
    elif shape.type_name == "map":
        for member in value.values():
            yield from unknown_enums(shape.value, member, f"{path}{{}}")
    elif getattr(shape, "enum", None) and value not in shape.enum:
        yield f"{path}={value}"


def test_the_notebook_profile_is_the_notebooks_own_job() -> None:
    original = json.loads((FIXTURES / "notebook-job.json").read_text())
    group = original["Settings"]["OutputGroups"][0]["OutputGroupSettings"]["FileGroupSettings"]
    group["Destination"] = f"s3://images/video_inputs/{'0f' * 16}/"
    original["Settings"]["Inputs"][0]["FileInput"] = "s3://videos/video_inputs/car.mp4"
    job = request("notebook")
    ours = {name: job[name] for name in original if name != "UserMetadata"}
    del original["UserMetadata"]
    assert ours == original


def test_inspection_captures_the_whole_video_at_the_interval_asked_for() -> None:
    job = request(frame_interval_seconds=2)
    capture = output_groups(job)["Frames"]["Outputs"][0]["VideoDescription"]["CodecSettings"]
    assert capture["FrameCaptureSettings"] == {
        "FramerateNumerator": 1,
        "FramerateDenominator": 2,
        "MaxCaptures": 10_000_000,
        "Quality": 80,
    }


def test_inspection_neither_pads_nor_enlarges_a_frame() -> None:
    video = output_groups(request())["Frames"]["Outputs"][0]["VideoDescription"]
    assert (video["ScalingBehavior"], video["Width"], video["Height"]) == ("FIT_NO_UPSCALE", 1280, 1280)


def test_inspection_obeys_a_phones_rotation() -> None:
    assert request()["Settings"]["Inputs"][0]["VideoSelector"]["Rotate"] == "AUTO"


def test_frames_of_equal_names_never_collide() -> None:
    assert destination(output_groups(request())["Frames"]) == f"s3://images/{frames_prefix('0f' * 16)}frame"


def test_the_proxy_lies_where_no_function_listens() -> None:
    assert destination(output_groups(request())["Proxy"]).startswith("s3://images/video_proxies/")


@pytest.mark.parametrize("profile", ["inspection", "notebook"])
def test_the_job_carries_the_video_id_back(profile: Profile) -> None:
    assert request(profile)["UserMetadata"] == {"spotcheck-video-id": "0f" * 16}


def test_seconds_per_frame_are_those_of_the_profile() -> None:
    assert JobConfig(QUEUE, ROLE, "images", frame_interval_seconds=2).seconds_per_frame == 2
    notebook = JobConfig(QUEUE, ROLE, "images", profile="notebook", frame_interval_seconds=2)
    assert notebook.seconds_per_frame == 5
