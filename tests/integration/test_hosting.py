"""Starting and stopping as deployed: boto3's client, the command, concurrency, uploads in between."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError
from support_deployed import PATIENCE
from support_lookout_client import lookout_client, refused
from support_models import normal_png

from chalicelib.records import Status
from spotcheck.exceptions import LookoutApiError
from spotcheck.lookout_api import LookoutApi
from spotcheck.stack import Stack

if TYPE_CHECKING:
    from collections.abc import Iterator

    from support_deployed import Deployed

PROJECT = "spotcheck"
POINTER_SECONDS = 61.0
JUDGE = ("detect_anomalies", "detect_image", "detect_frame")
OTHERS = ("convert_video", "on_video_job", "api_handler", "run_job")


def status(lookout: Any, version: str) -> dict[str, Any]:
    described = lookout.describe_model(ProjectName=PROJECT, ModelVersion=version)["ModelDescription"]
    return dict(described)


def until(lookout: Any, version: str, wanted: str) -> dict[str, Any]:
    deadline = time.monotonic() + PATIENCE
    while (found := status(lookout, version))["Status"] != wanted:
        assert time.monotonic() < deadline, found
        time.sleep(0.2)
    return found


def concurrency(deployed: Deployed, handler: str) -> tuple[int | None, int | None]:
    """Environments kept warm, and at most at once."""
    functions, name = deployed.client("lambda"), deployed.outputs["function_names"][handler]
    most = functions.get_function_concurrency(FunctionName=name).get("ReservedConcurrentExecutions")
    try:
        warm = functions.get_provisioned_concurrency_config(FunctionName=name, Qualifier="live")
    except ClientError:
        return None, most
    return warm["RequestedProvisionedConcurrentExecutions"], most


def plan_is_clean(deployed: Deployed) -> bool:
    stack = Stack.local(deployed.outputs["endpoint_url"], state_dir=deployed.state_dir)
    stack.init()
    plan = stack.plan()
    assert not plan.has_changes, plan.text
    return True


def judged_by(deployed: Deployed, key: str, seed: int) -> str | None:
    return deployed.record(deployed.put(key, normal_png(seed))).model_version


@pytest.fixture(scope="module")
def lookout(pipeline: Deployed, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with lookout_client(pipeline, tmp_path_factory.mktemp("data")) as client:
        yield client


@pytest.fixture(scope="module")
def version(pipeline: Deployed, lookout: Any) -> Iterator[str]:
    """The newest version, stopped; at the end the project judges with it as if it were just published."""
    newest = str(status(lookout, "latest")["ModelVersion"])
    until(lookout, newest, "HOSTED")
    lookout.stop_model(ProjectName=PROJECT, ModelVersion=newest)
    until(lookout, newest, "TRAINED")
    time.sleep(POINTER_SECONDS)  # an environment that has just judged looks for the current version only then
    yield newest
    registry = pipeline.target.registry()
    if status(lookout, newest)["Status"] == "HOSTED":
        lookout.stop_model(ProjectName=PROJECT, ModelVersion=newest)
        until(lookout, newest, "TRAINED")
    registry.point_at(newest)


def test_a_model_that_is_not_hosted_does_not_detect(lookout: Any, version: str) -> None:
    response = refused(
        lookout.detect_anomalies,
        ProjectName=PROJECT,
        ModelVersion=version,
        Body=normal_png(1),
        ContentType="image/png",
    )
    assert response["Error"]["Code"] == "ConflictException"
    assert response["ResponseMetadata"]["HTTPStatusCode"] == 409
    assert (response["ResourceType"], response["ResourceId"]) == (
        "MODEL",
        status(lookout, version)["ModelArn"],
    )


def test_uploads_wait_while_the_model_is_stopped_and_are_judged_at_the_next_start(
    pipeline: Deployed, lookout: Any, version: str
) -> None:
    identities = [
        pipeline.put(f"image_inputs/while stopped {number}.png", normal_png(number)) for number in range(3)
    ]
    for identity in identities:
        assert pipeline.record(identity, waiting=True).status is Status.WAITING
    answer = lookout.start_model(
        ProjectName=PROJECT, ModelVersion=version, MinInferenceUnits=1, MaxInferenceUnits=4
    )
    assert answer["Status"] == "STARTING_HOSTING"
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 202
    found = until(lookout, version, "HOSTED")
    assert (found["MinInferenceUnits"], found["MaxInferenceUnits"]) == (1, 4)
    records = [pipeline.record(identity) for identity in identities]
    assert [record.status for record in records] == [Status.JUDGED] * 3
    assert {record.model_version for record in records} == {version}


def test_a_hosted_model_has_its_units_on_what_judges_and_detects(
    pipeline: Deployed, lookout: Any, version: str
) -> None:
    assert [concurrency(pipeline, handler) for handler in JUDGE] == [(1, 4)] * 3
    assert [concurrency(pipeline, handler) for handler in OTHERS] == [(None, None)] * 4
    answer = lookout.detect_anomalies(
        ProjectName=PROJECT, ModelVersion=version, Body=normal_png(1), ContentType="image/png"
    )
    assert answer["DetectAnomalyResult"]["IsAnomalous"] is False
    assert judged_by(pipeline, "image_inputs/while hosted.png", 40) == version


@pytest.mark.parametrize("handler", JUDGE)
def test_a_warm_environment_has_loaded_the_model_before_its_first_event(
    pipeline: Deployed, lookout: Any, version: str, handler: str
) -> None:
    until(lookout, version, "HOSTED")
    logs, name = pipeline.client("logs"), pipeline.outputs["function_names"][handler]
    events = logs.filter_log_events(logGroupName=f"/aws/lambda/{name}")["events"]
    told = {said for one in events for said in ("is warm", "is not warm") if said in one["message"]}
    assert told == {"is warm"}


def test_terraform_finds_nothing_to_do_while_a_model_is_hosted(pipeline: Deployed, version: str) -> None:
    assert version
    assert plan_is_clean(pipeline)


def test_what_is_hosted_is_not_started_again(lookout: Any, version: str) -> None:
    response = refused(lookout.start_model, ProjectName=PROJECT, ModelVersion=version, MinInferenceUnits=1)
    assert response["Error"]["Code"] == "ConflictException"


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"MinInferenceUnits": 2, "MaxInferenceUnits": 1}, "ValidationException"),
        ({"ModelVersion": "0", "MinInferenceUnits": 1}, "ValidationException"),
        ({"ModelVersion": "99", "MinInferenceUnits": 1}, "ResourceNotFoundException"),
        ({"ProjectName": "nothing", "MinInferenceUnits": 1}, "ResourceNotFoundException"),
        ({"MinInferenceUnits": 1, "ClientToken": "no token!"}, "ValidationException"),
    ],
)
def test_what_can_not_be_started_is_a_typed_error(
    lookout: Any, version: str, given: dict[str, Any], code: str
) -> None:
    given = {"ProjectName": PROJECT, "ModelVersion": version, **given}
    assert refused(lookout.start_model, **given)["Error"]["Code"] == code


def test_the_api_refuses_what_the_clients_do_not_send(pipeline: Deployed, version: str) -> None:
    given = {"ProjectName": PROJECT, "ModelVersion": version, "MinInferenceUnits": 0}
    with pytest.raises(LookoutApiError, match="greater than or equal to 1") as error:
        LookoutApi.of(pipeline.target).call("StartModel", **given)
    assert error.value.code == "ValidationException"


@pytest.mark.parametrize("number", ["0", "99"])
def test_what_does_not_exist_is_not_stopped(lookout: Any, version: str, number: str) -> None:
    assert version
    code = refused(lookout.stop_model, ProjectName=PROJECT, ModelVersion=number)["Error"]["Code"]
    assert code == ("ValidationException" if number == "0" else "ResourceNotFoundException")


def test_a_stopped_model_costs_nothing_and_a_token_stops_it_once(
    pipeline: Deployed, lookout: Any, version: str
) -> None:
    given = {"ProjectName": PROJECT, "ModelVersion": version, "ClientToken": "once-1"}
    assert lookout.stop_model(**given)["Status"] == "STOPPING_HOSTING"
    assert lookout.stop_model(**given)["ResponseMetadata"]["HTTPStatusCode"] == 202
    until(lookout, version, "TRAINED")
    assert [concurrency(pipeline, handler) for handler in JUDGE] == [(None, None)] * 3
    assert refused(lookout.stop_model, ProjectName=PROJECT, ModelVersion=version)["Error"]["Code"] == (
        "ConflictException"
    )


def test_terraform_finds_nothing_to_do_after_a_stop(pipeline: Deployed, version: str) -> None:
    assert version
    assert plan_is_clean(pipeline)


def test_an_account_that_is_too_small_hosts_without_warmth_and_says_so(
    pipeline: Deployed, lookout: Any, version: str
) -> None:
    lookout.start_model(ProjectName=PROJECT, ModelVersion=version, MinInferenceUnits=1000)
    found = until(lookout, version, "HOSTED")
    assert "not kept warm" in found["StatusMessage"]
    assert "below its minimum value" in found["StatusMessage"]
    assert concurrency(pipeline, "detect_image")[0] is None
    assert judged_by(pipeline, "image_inputs/hosted cold.png", 41) == version


# ---------------------------------------------------------------- the command


def test_make_stops_and_starts_and_the_command_describes_and_lists(
    pipeline: Deployed, lookout: Any, version: str
) -> None:
    until(lookout, version, "HOSTED")
    stopped = pipeline.make("stop-model")
    assert stopped.returncode == 0, stopped.stderr
    assert "target: embedded AWS" in stopped.stderr
    assert "Status: TRAINED" in stopped.stdout.splitlines()

    started = pipeline.make("start-model", "MIN_UNITS=1", "ARGS=--json")
    assert started.returncode == 0, started.stderr
    found = json.loads(started.stdout)
    assert (found["ModelVersion"], found["Status"], found["MinInferenceUnits"]) == (version, "HOSTED", 1)

    described = json.loads(pipeline.spotcheck("model", "describe", "--version", version, "--json").stdout)
    assert described == found
    listed = json.loads(pipeline.spotcheck("model", "list", "--json").stdout)
    assert [one["Status"] for one in listed if one["ModelVersion"] == version] == ["HOSTED"]
    assert version in pipeline.spotcheck("model", "list").stdout


def test_the_command_says_in_one_line_what_the_api_refuses(pipeline: Deployed, version: str) -> None:
    done = pipeline.spotcheck("model", "start", "--version", version)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith(
        f"error: Model version {version} of project {PROJECT} is HOSTED"
    )


def test_the_command_need_not_wait(pipeline: Deployed, lookout: Any, version: str) -> None:
    done = pipeline.spotcheck("model", "stop", "--no-wait", "--json")
    assert json.loads(done.stdout)["Status"] in {"STOPPING_HOSTING", "TRAINED"}
    until(lookout, version, "TRAINED")
