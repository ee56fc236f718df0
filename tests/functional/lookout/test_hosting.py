"""StartModel and StopModel: states, units, what judges in between, and a job that may die anywhere."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from support_delivery import MODELS, Killed, killed
from support_hosting import DETECTION, FRAMES, FUNCTIONS, IMAGES, PROJECT, Hosts, client_error

from chalicelib.exceptions import ReleaseStalledError
from chalicelib.lookout.api.errors import (
    ConflictException,
    ResourceNotFoundException,
    ValidationException,
)
from chalicelib.lookout.api.hosting_book import STALE_SECONDS
from chalicelib.records import Record, Status


@pytest.fixture
def trained(hosts: Hosts) -> Hosts:
    """One version, and nothing judges."""
    hosts.publish(current=False)
    return hosts


@pytest.fixture
def hosted(trained: Hosts) -> Hosts:
    """One version, started with two units and at most five."""
    trained.start(MinInferenceUnits=2, MaxInferenceUnits=5)
    trained.work()
    return trained


def waiting(number: int, prefix: str = "image_inputs/") -> Record:
    key = f"{prefix}{number}.jpg"
    return Record(
        request_id=str(number),
        date="2026-11-22T09:00:00.000Z",
        status=Status.WAITING,
        bucket="images",
        key=key,
        image=f"{number}.jpg",
        version_id=f"v{number}",
    )


# ---------------------------------------------------------------- from start to stop


def test_a_started_version_goes_from_trained_over_starting_to_hosted(trained: Hosts) -> None:
    assert trained.status() == "TRAINED"
    assert trained.start() == "STARTING_HOSTING"
    assert trained.status() == "STARTING_HOSTING"
    trained.work()
    assert trained.status() == "HOSTED"
    assert trained.message() == "The model is hosted. One environment of each function is kept warm."


def test_a_hosted_version_goes_over_stopping_to_trained(hosted: Hosts) -> None:
    assert hosted.stop() == "STOPPING_HOSTING"
    assert hosted.status() == "STOPPING_HOSTING"
    hosted.work()
    assert hosted.status() == "TRAINED"


def test_the_uploads_are_judged_with_a_version_once_it_is_hosted(trained: Hosts) -> None:
    trained.start()
    assert trained.current() is None
    trained.work()
    assert trained.current() == "1"


def test_stopping_leaves_the_uploads_without_a_version(hosted: Hosts) -> None:
    hosted.stop()
    hosted.work()
    assert hosted.current() is None


def test_the_units_are_told(hosted: Hosts) -> None:
    details = hosted.models.get(PROJECT, "1").members()
    assert (details["MinInferenceUnits"], details["MaxInferenceUnits"]) == (2, 5)


def test_a_version_that_is_not_started_tells_no_units(trained: Hosts) -> None:
    assert "MinInferenceUnits" not in trained.models.get(PROJECT, "1").members()


def test_latest_starts_the_newest_version(trained: Hosts) -> None:
    trained.publish(current=False)
    trained.start("latest")
    trained.work()
    assert (trained.status("1"), trained.status("2")) == ("TRAINED", "HOSTED")


def test_a_number_that_was_only_claimed_is_not_the_latest(trained: Hosts) -> None:
    trained.stack.s3.put_object(Bucket=MODELS, Key=f"projects/{PROJECT}/models/2/claimed", Body=b"")
    assert trained.models.get(PROJECT, "latest").version == "1"


def test_a_published_version_is_hosted_and_may_be_started_for_warmth(hosts: Hosts) -> None:
    hosts.publish()
    assert hosts.status() == "HOSTED"
    assert hosts.start() == "STARTING_HOSTING"
    assert hosts.hosted.require(PROJECT, "1").version == "1"  # it goes on judging meanwhile
    hosts.work()
    assert hosts.functions.warm == dict.fromkeys(FUNCTIONS, 1)


def test_a_published_version_is_stopped_though_it_was_never_started(hosts: Hosts) -> None:
    hosts.publish()
    assert hosts.stop() == "STOPPING_HOSTING"
    hosts.work()
    assert (hosts.status(), hosts.current()) == ("TRAINED", None)


# ---------------------------------------------------------------- concurrency


def test_the_least_units_are_kept_warm_and_the_most_bound_each_function(hosted: Hosts) -> None:
    assert hosted.functions.warm == dict.fromkeys(FUNCTIONS, 2)
    assert hosted.functions.most == dict.fromkeys(FUNCTIONS, 5)


def test_without_a_most_nothing_is_bounded(trained: Hosts) -> None:
    trained.start(MinInferenceUnits=3)
    trained.work()
    assert trained.functions.warm == dict.fromkeys(FUNCTIONS, 3)
    assert trained.functions.most == {}


def test_stopping_leaves_no_setting_behind(hosted: Hosts) -> None:
    hosted.stop()
    hosted.work()
    assert (hosted.functions.warm, hosted.functions.most) == ({}, {})


def test_another_projects_version_is_warm_for_detect_anomalies_alone(hosts: Hosts) -> None:
    hosts.publish("Doors", current=False)
    hosts.start(project="Doors", MinInferenceUnits=4, MaxInferenceUnits=4)
    hosts.work()
    assert hosts.functions.warm == {DETECTION: 4}
    assert hosts.functions.most == {DETECTION: 4}


def test_the_units_of_all_started_versions_add_up(hosted: Hosts) -> None:
    hosted.publish("Doors", current=False)
    hosted.start(project="Doors", MinInferenceUnits=1, MaxInferenceUnits=1)
    hosted.work()
    assert hosted.functions.warm == {DETECTION: 3, IMAGES: 2, FRAMES: 2}
    assert hosted.functions.most == {DETECTION: 6, IMAGES: 5, FRAMES: 5}
    hosted.stop()
    hosted.work()
    assert hosted.functions.warm == {DETECTION: 1}
    assert hosted.functions.most == {DETECTION: 1}


@pytest.mark.parametrize(("least", "most"), [(1, 1), (1, 2), (5, 5), (9, 20), (2, None)])
def test_other_units_need_a_stop_and_a_start_and_never_warm_more_than_is_reserved(
    hosted: Hosts, least: int, most: int | None
) -> None:
    hosted.publish("Doors", current=False)
    hosted.start(project="Doors", MinInferenceUnits=least, MaxInferenceUnits=most)
    hosted.stop()
    hosted.work()  # the fake refuses what Lambda refuses: more warm than reserved
    assert hosted.functions.warm == {DETECTION: least}
    assert hosted.functions.most == ({} if most is None else {DETECTION: most})


def test_an_account_that_is_too_small_hosts_without_warmth_and_says_so(trained: Hosts) -> None:
    trained.functions.room = 0
    trained.start(MinInferenceUnits=1, MaxInferenceUnits=2)
    trained.work()
    assert trained.status() == "HOSTED"
    assert f"{DETECTION} is not kept warm: below its minimum value of [10]" in trained.message()
    assert f"{DETECTION} is not bounded" in trained.message()


def test_environments_that_lambda_can_not_prepare_are_told(trained: Hosts) -> None:
    trained.functions.status = "FAILED"
    trained.start()
    trained.work()
    assert trained.status() == "HOSTED"
    assert f"{IMAGES} is not kept warm: no room" in trained.message()


def test_environments_that_take_too_long_are_not_waited_for(trained: Hosts) -> None:
    trained.functions.status = "IN_PROGRESS"
    trained.start()
    trained.work(seconds=300)
    assert trained.status() == "HOSTED"
    assert "being made warm still" in trained.message()


def test_of_two_that_settle_at_once_the_newer_sum_stands(hosted: Hosts) -> None:
    hosted.publish("Doors", current=False)
    hosted.start(project="Doors")
    [doors] = hosted.functions.invoked
    put = hosted.functions.put_provisioned_concurrency_config

    def put_after_another(**given: Any) -> None:
        """While this job sets the sum that it has read, another begins, settles and ends."""
        vars(hosted.functions).pop("put_provisioned_concurrency_config")
        hosted.publish("Windows", current=False)
        hosted.start(project="Windows", MinInferenceUnits=5)
        hosted.runner.run(hosted.functions.invoked.pop())
        put(**given)

    vars(hosted.functions)["put_provisioned_concurrency_config"] = put_after_another
    hosted.functions.invoked.clear()
    hosted.runner.run(doors)
    assert hosted.functions.warm[DETECTION] == 2 + 1 + 5


# ---------------------------------------------------------------- several versions


def test_the_version_started_last_judges_the_uploads_and_the_other_answers_still(hosted: Hosts) -> None:
    hosted.publish(current=False)
    hosted.registry().point_at("1")
    hosted.start("2")
    hosted.work()
    assert hosted.current() == "2"
    assert hosted.hosted.require(PROJECT, "1").version == "1"


def test_stopping_the_current_version_gives_the_uploads_to_one_that_is_hosted_still(hosted: Hosts) -> None:
    hosted.publish(current=False)
    hosted.start("2")
    hosted.work()
    hosted.stop("2")
    hosted.work()
    assert hosted.current() == "1"


def test_stopping_another_version_leaves_the_uploads_alone(hosted: Hosts) -> None:
    hosted.publish()
    hosted.stop("1")
    hosted.work()
    assert hosted.current() == "2"


# ---------------------------------------------------------------- refusals


def test_the_most_may_not_be_less_than_the_least(trained: Hosts) -> None:
    with pytest.raises(ValidationException, match=r"MaxInferenceUnits \(1\) is less"):
        trained.start(MinInferenceUnits=2, MaxInferenceUnits=1)


def test_what_does_not_exist_is_not_started(trained: Hosts) -> None:
    with pytest.raises(ResourceNotFoundException, match="version 9"):
        trained.start("9")
    with pytest.raises(ResourceNotFoundException, match="Nothing"):
        trained.start(project="Nothing")


@pytest.mark.parametrize("again", ["starting", "hosted", "stopping"])
def test_a_version_is_started_only_when_nothing_is_under_way(trained: Hosts, again: str) -> None:
    trained.start()
    if again != "starting":
        trained.work()
    if again == "stopping":
        trained.stop()
    with pytest.raises(ConflictException, match="can be started") as error:
        trained.start()
    assert error.value.resource_id.endswith(f":model/{PROJECT}/1")


@pytest.mark.parametrize("state", ["trained", "starting", "stopping"])
def test_only_what_is_hosted_is_stopped(trained: Hosts, state: str) -> None:
    if state != "trained":
        trained.start()
    if state == "stopping":
        trained.work()
        trained.stop()
    with pytest.raises(ConflictException, match="can be stopped"):
        trained.stop()


def test_with_a_pin_only_the_pinned_version_starts_and_none_stops(trained: Hosts) -> None:
    trained.publish(current=False)
    trained.pin = "1"
    with pytest.raises(ConflictException, match="model_version pins"):
        trained.start("2")
    trained.start("1")
    trained.work()
    with pytest.raises(ConflictException, match="model_version pins"):
        trained.stop("1")


# ---------------------------------------------------------------- ClientToken


def test_a_repeated_request_is_answered_and_changes_nothing(trained: Hosts) -> None:
    assert trained.start(ClientToken="a") == "STARTING_HOSTING"
    assert trained.start(ClientToken="a") == "STARTING_HOSTING"
    trained.work()
    assert trained.start(ClientToken="a") == "HOSTED"
    assert trained.status() == "HOSTED"


def test_a_repeated_request_starts_the_work_whose_start_was_lost(trained: Hosts) -> None:
    trained.start(ClientToken="a")
    trained.functions.invoked.clear()  # whoever took the request died before it could start the job
    trained.start(ClientToken="a")
    trained.work()
    assert trained.status() == "HOSTED"


def test_a_repeated_request_does_not_start_again_what_was_stopped_since(hosted: Hosts) -> None:
    hosted.stop(ClientToken="s")
    hosted.work()
    hosted.start(ClientToken="a")
    hosted.work()
    assert hosted.stop(ClientToken="s") == "HOSTED"
    assert hosted.functions.invoked == []


def test_a_token_is_not_taken_for_other_units(trained: Hosts) -> None:
    trained.start(ClientToken="a")
    with pytest.raises(ConflictException, match="ClientToken a"):
        trained.start(ClientToken="a", MinInferenceUnits=7)


def test_a_token_lives_for_eight_hours(hosted: Hosts) -> None:
    hosted.stop(ClientToken="s")
    hosted.work()
    hosted.start()
    hosted.work()
    hosted.now += timedelta(hours=8, minutes=1)
    assert hosted.stop(ClientToken="s") == "STOPPING_HOSTING"


# ---------------------------------------------------------------- DetectAnomalies


def test_what_is_not_hosted_does_not_judge(trained: Hosts) -> None:
    with pytest.raises(ConflictException, match="is TRAINED, not HOSTED"):
        trained.hosted.require(PROJECT, "1")


def test_a_start_is_noticed_at_once(trained: Hosts) -> None:
    with pytest.raises(ConflictException):
        trained.hosted.require(PROJECT, "1")
    trained.start()
    trained.work()
    assert trained.hosted.require(PROJECT, "latest").version == "1"


def test_a_stop_is_noticed_within_half_a_minute(hosted: Hosts) -> None:
    hosted.hosted.require(PROJECT, "1")
    hosted.stop()
    hosted.work()
    hosted.seconds += 30
    with pytest.raises(ConflictException):
        hosted.hosted.require(PROJECT, "1")


def test_a_hosted_version_is_not_looked_up_for_every_picture(hosted: Hosts) -> None:
    hosted.hosted.require(PROJECT, "1")
    read: list[str] = []
    hosted.stack.s3.meta.events.register("before-call.s3", lambda model, **_: read.append(model.name))
    hosted.hosted.require(PROJECT, "1")
    assert read == []


# ---------------------------------------------------------------- uploads that waited


def test_uploads_that_waited_are_released_when_the_version_is_hosted(trained: Hosts) -> None:
    trained.table.records = [waiting(1), waiting(2, "video_inputs/clip/")]
    trained.start()
    trained.work()
    assert [handler for handler, _ in trained.released] == ["detect_image", "detect_frame"]


def test_another_projects_start_releases_nothing(hosts: Hosts) -> None:
    hosts.publish("Doors", current=False)
    hosts.table.records = [waiting(1)]
    hosts.start(project="Doors")
    hosts.work()
    assert hosts.released == []


def test_what_does_not_fit_into_one_invocation_is_released_by_the_next(trained: Hosts) -> None:
    trained.table.records = [waiting(number) for number in range(1000)]
    trained.start()
    first = trained.functions.invoked.pop()
    trained.runner.run(first, 40.0)
    assert 0 < len(trained.released) < 1000
    assert trained.functions.invoked == [first]
    trained.work()
    assert len({event["Records"][0]["s3"]["object"]["key"] for _, event in trained.released}) == 1000


def test_as_many_invocations_follow_as_all_that_waits_needs(trained: Hosts) -> None:
    """More than the sixteen after which Lambda ends a chain, unless told not to (terraform/functions.tf)."""
    trained.table.records = [waiting(number) for number in range(20_000)]
    trained.on_release = trained.judge_at_once
    trained.start()
    runs = 0
    while trained.functions.invoked:
        trained.runner.run(trained.functions.invoked.pop(0), 60.0)
        runs += 1
    assert len(trained.released) == 20_000
    assert runs > 16


def test_uploads_that_never_come_to_an_end_end_the_chain_as_a_fault(trained: Hosts) -> None:
    trained.table.records = [waiting(number) for number in range(5000)]
    trained.start()
    job = trained.functions.invoked.pop()
    with pytest.raises(ReleaseStalledError, match=r"1200 uploads .* none has a result"):
        trained.runner.run(job, 900.0)
    assert trained.functions.invoked == []
    assert trained.status() == "HOSTED"


def test_a_retry_goes_on_when_the_uploads_come_to_an_end_again(trained: Hosts) -> None:
    trained.table.records = [waiting(number) for number in range(5000)]
    trained.start()
    job = trained.functions.invoked.pop()
    with pytest.raises(ReleaseStalledError):
        trained.runner.run(job, 900.0)
    trained.on_release = trained.judge_at_once
    trained.runner.run(job, 900.0)
    assert trained.table.records == []


def test_releasing_ends_when_the_version_is_stopped(trained: Hosts) -> None:
    trained.table.records = [waiting(number) for number in range(5000)]
    trained.start()
    [job] = trained.functions.invoked
    invoke = trained.released.append

    def stop_after_a_few(one: Any) -> None:
        invoke(one)
        if len(trained.released) == 10:
            trained.stop()

    trained.on_release = stop_after_a_few
    trained.runner.run(job)
    assert 10 <= len(trained.released) < 1300
    assert trained.status() == "STOPPING_HOSTING"


# ---------------------------------------------------------------- faults


def test_a_damaged_model_is_not_hosted_and_the_message_says_why(hosts: Hosts) -> None:
    hosts.publish(current=False, model=b"damaged")
    hosts.start()
    hosts.work()
    assert hosts.status() == "HOSTING_FAILED"
    assert "no ONNX model" in hosts.message()
    assert (hosts.current(), hosts.functions.warm) == (None, {})


def test_what_failed_may_be_started_again(hosts: Hosts) -> None:
    hosts.publish(current=False, model=b"damaged")
    hosts.start()
    hosts.work()
    assert hosts.start() == "STARTING_HOSTING"


def test_a_fault_is_tried_three_times_and_then_told(trained: Hosts) -> None:
    throttled = client_error("TooManyRequestsException", "Rate Exceeded.")
    trained.functions.faults = [throttled, throttled, throttled]
    trained.start()
    [job] = trained.functions.invoked
    for expected in ("STARTING_HOSTING", "STARTING_HOSTING", "HOSTING_FAILED"):
        with pytest.raises(type(throttled)):
            trained.runner.run(job)
        assert trained.status() == expected
    assert "Tried 3 times: ClientError" in trained.message()


def test_warmth_that_lambda_does_not_let_go_of_is_told(hosted: Hosts) -> None:
    refused = client_error("AccessDeniedException", "not authorized")
    hosted.functions.faults = [refused] * 6  # the failed stop tries once more to let go
    hosted.stop()
    [job] = hosted.functions.invoked
    for _ in range(3):
        with pytest.raises(type(refused)):
            hosted.runner.run(job)
    assert hosted.status() == "HOSTING_FAILED"
    assert "not authorized" in hosted.message()
    hosted.functions.faults.clear()
    hosted.functions.invoked.clear()
    assert hosted.stop() == "STOPPING_HOSTING"
    hosted.work()
    assert hosted.functions.warm == {}


def test_what_a_failed_stop_left_warm_is_let_go_when_the_version_is_deleted(hosted: Hosts) -> None:
    refused = client_error("AccessDeniedException", "not authorized")
    hosted.functions.faults = [refused] * 6
    hosted.stop()
    [job] = hosted.functions.invoked
    for _ in range(3):
        with pytest.raises(type(refused)):
            hosted.runner.run(job)
    assert (hosted.status(), hosted.current()) == ("HOSTING_FAILED", None)
    assert hosted.functions.warm != {}
    hosted.functions.faults.clear()
    hosted.jobs.forget(PROJECT, "1")
    assert hosted.functions.warm == {}


def test_a_version_that_was_started_while_it_is_deleted_judges_nothing_afterwards(hosted: Hosts) -> None:
    hosted.jobs.forget(PROJECT, "1")
    assert (hosted.current(), hosted.functions.warm) == (None, {})


def test_a_version_that_was_never_started_leaves_the_functions_alone(trained: Hosts) -> None:
    trained.functions.faults = [client_error("TooManyRequestsException")]
    trained.jobs.forget(PROJECT, "1")
    assert trained.functions.faults


def test_a_fault_that_goes_by_is_none(trained: Hosts) -> None:
    trained.functions.faults = [client_error("TooManyRequestsException")]
    trained.start()
    [job] = trained.functions.invoked
    with pytest.raises(Exception, match="TooManyRequests"):
        trained.runner.run(job)
    trained.work()
    assert trained.status() == "HOSTED"


@pytest.mark.parametrize("what", ["start", "stop"])
def test_a_dead_job_leaves_no_state_for_good(
    hosted: Hosts, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    hosted.stop()
    if what == "start":
        hosted.work()
        hosted.start()
    hosted.functions.invoked.clear()
    monkeypatch.setattr("chalicelib.lookout.api.hosting_book.STALE_SECONDS", 0.0)
    assert STALE_SECONDS == 20 * 60
    assert hosted.status() == "HOSTING_FAILED"
    assert f"The {what} came to no end" in hosted.message()
    again = hosted.start if what == "start" else hosted.stop
    assert again() == ("STARTING_HOSTING" if what == "start" else "STOPPING_HOSTING")


def test_a_job_that_comes_late_does_not_undo_what_was_begun_since(hosted: Hosts) -> None:
    hosted.stop()
    [late] = hosted.functions.invoked
    hosted.work()
    hosted.start()
    hosted.work()
    hosted.runner.run(late)
    assert (hosted.status(), hosted.current()) == ("HOSTED", "1")


def test_a_job_that_runs_twice_leaves_the_same(trained: Hosts) -> None:
    trained.start(MinInferenceUnits=2)
    [job] = trained.functions.invoked
    trained.work()
    trained.runner.run(job)
    assert (trained.status(), trained.current()) == ("HOSTED", "1")
    assert trained.functions.warm == dict.fromkeys(FUNCTIONS, 2)


@pytest.mark.parametrize("write", range(1, 5))
def test_a_start_that_is_killed_at_any_write_is_completed_by_the_next_try(trained: Hosts, write: int) -> None:
    trained.start(MinInferenceUnits=2)
    [job] = trained.functions.invoked
    with trained.stack.at_write(write, killed) as writes, pytest.raises(Killed):
        trained.runner.run(job)
    assert len(writes) == write
    trained.work()
    assert (trained.status(), trained.current()) == ("HOSTED", "1")
    assert trained.functions.warm == dict.fromkeys(FUNCTIONS, 2)


@pytest.mark.parametrize("write", range(1, 5))
def test_a_stop_that_is_killed_at_any_write_is_completed_by_the_next_try(hosted: Hosts, write: int) -> None:
    hosted.stop()
    [job] = hosted.functions.invoked
    with hosted.stack.at_write(write, killed) as writes, pytest.raises(Killed):
        hosted.runner.run(job)
    assert len(writes) == write
    hosted.work()
    assert (hosted.status(), hosted.current()) == ("TRAINED", None)
    assert hosted.functions.warm == {}
