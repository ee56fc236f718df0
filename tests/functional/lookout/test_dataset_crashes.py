"""A job may run twice, at once even, and die anywhere: nothing is half taken, and nothing is lost."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError
from support_datasets import MODELS, lines, lost_answer
from support_delivery import Killed, killed

from chalicelib.lookout.api import dataset_records
from chalicelib.lookout.api.errors import ConflictException, ResourceNotFoundException

if TYPE_CHECKING:
    from support_datasets import Service

OLD, NEW = ["a.png", "b.png"], ["a.png", "b.png", "c.png"]
# What is read, of the other dataset, too; then the new entries, a last look, the document, and what nobody
# needs any more.
CALLS = {
    "create": [*["GetObject"] * 4, "PutObject", "GetObject", "PutObject"],
    "update": [*["GetObject"] * 5, "PutObject", "GetObject", "PutObject", "DeleteObject", "DeleteObject"],
    "delete": ["GetObject", "ListObjectsV2", "DeleteObject", "GetObject", "PutObject"],
}
EVERY_CALL = [(job, call) for job, calls in CALLS.items() for call in range(1, len(calls) + 1)]


@pytest.fixture(autouse=True)
def _project(service: Service) -> None:
    service.project()


def made(service: Service) -> None:
    service.create(lines(*OLD))
    service.run()


def begun(service: Service, job: str) -> dict[str, Any]:
    """Has a job started, and gives its event."""
    if job == "create":
        service.create(lines(*NEW))
    else:
        made(service)
        service.update(lines("c.png")) if job == "update" else service.delete()
    (event,) = service.jobs.started
    return event


def is_done(service: Service, job: str) -> bool:
    if job == "delete":
        return service.store.get("cars", "train") is None
    return service.describe()["Status"] in {"CREATE_COMPLETE", "UPDATE_COMPLETE"}


def assert_done(service: Service, job: str) -> None:
    assert is_done(service, job)
    if job != "delete":
        assert service.names() == NEW
        assert service.describe()["ImageStats"]["Total"] == len(NEW)


@pytest.mark.parametrize("job", CALLS)
def test_a_job_makes_these_calls_to_s3(service: Service, job: str) -> None:
    event = begun(service, job)
    with service.at_call(0, killed) as seen:
        service.runner.run(event)
    assert seen == CALLS[job]


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize(("job", "call"), EVERY_CALL)
def test_the_next_try_completes_what_a_dead_job_began(
    service: Service, job: str, call: int, *, after: bool
) -> None:
    event = begun(service, job)
    with service.at_call(call, killed, after=after), pytest.raises(Killed):
        service.runner.run(event)
    if job == "update":  # the old entries, or the new: never some of both
        assert service.names() == (NEW if is_done(service, job) else OLD)
    service.runner.run(event)
    assert_done(service, job)


@pytest.mark.parametrize(("job", "call"), EVERY_CALL)
def test_two_runs_of_a_job_at_once_leave_what_one_leaves(service: Service, job: str, call: int) -> None:
    event = begun(service, job)
    rival = service.another_runner(service.session.client("s3"))
    with service.at_call(call, lambda: rival.run(event)):
        service.runner.run(event)
    assert_done(service, job)


@pytest.mark.parametrize("call", range(1, len(CALLS["update"]) + 1))
def test_the_next_update_may_come_while_another_run_of_the_last_is_still_under_way(
    service: Service, call: int
) -> None:
    event = begun(service, "update")
    rival = service.another_runner(service.session.client("s3"))

    def end_and_update_again() -> None:
        rival.run(event)
        if is_done(service, "update"):
            service.update(lines("d.png"))
            rival.run(service.jobs.started[-1])

    with service.at_call(call, end_and_update_again):
        service.runner.run(event)
    assert service.names() == [*NEW, "d.png"]


def test_a_job_that_comes_late_leaves_the_dataset_alone_that_took_its_place(service: Service) -> None:
    event = begun(service, "delete")
    service.run()
    service.create(lines("x.png"))
    service.run()
    service.runner.run(event)
    assert service.names() == ["x.png"]


def test_deleting_leaves_the_files_of_a_dataset_that_took_the_place_meanwhile(service: Service) -> None:
    event = begun(service, "delete")
    rival = service.another_runner(service.session.client("s3"))

    def end_and_create_again() -> None:
        rival.run(event)
        service.create(lines("x.png"))
        rival.run(service.jobs.started[-1])

    with service.at_call(2, end_and_create_again):  # it has looked, and now lists what to delete
        service.runner.run(event)
    assert service.names() == ["x.png"]


@pytest.mark.parametrize("job", ["create", "update", "delete"])
def test_a_job_that_never_ends_has_failed_after_an_hour(
    service: Service, monkeypatch: pytest.MonkeyPatch, job: str
) -> None:
    event = begun(service, job)
    monkeypatch.setattr(dataset_records, "JOB_SECONDS", -1.0)
    described = service.describe()
    assert (
        described["Status"]
        == {
            "create": "CREATE_FAILED",
            "update": "UPDATE_FAILED_ROLLBACK_COMPLETE",
            "delete": "DELETE_FAILED",
        }[job]
    )
    assert "try again" in described["StatusMessage"]
    service.runner.run(event)  # far too late: what was told stands
    assert service.describe()["Status"] == described["Status"]
    if job == "update":
        assert service.names() == OLD
    monkeypatch.undo()
    service.jobs.started.clear()


def test_after_a_dead_update_the_next_one_is_taken(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    late = begun(service, "update")
    service.jobs.started.clear()
    with monkeypatch.context() as patch:
        patch.setattr(dataset_records, "JOB_SECONDS", -1.0)
        service.update(lines("d.png"))
    service.run()
    service.runner.run(late)
    assert service.names() == [*OLD, "d.png"]


def test_after_a_dead_deletion_a_dataset_is_deleted_again(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun(service, "delete")
    service.jobs.started.clear()
    with monkeypatch.context() as patch:
        patch.setattr(dataset_records, "JOB_SECONDS", -1.0)
        with pytest.raises(ConflictException, match="DELETE_FAILED"):
            service.names()
        service.delete()
    service.run()
    with pytest.raises(ResourceNotFoundException):
        service.describe()


@pytest.mark.parametrize("job", ["create", "update", "delete"])
def test_where_no_job_can_be_started_everything_is_as_before(service: Service, job: str) -> None:
    if job != "create":
        made(service)
    before = service.store.get("cars", "train")
    service.jobs.failure = lost_answer()
    call = {"create": lambda: service.create(lines(*NEW)), "update": lambda: service.update(lines("c.png"))}
    with pytest.raises(ClientError):
        call.get(job, service.delete)()
    after = service.store.get("cars", "train")
    assert (after and after.value) == (before and before.value)
    service.jobs.failure = None
    call.get(job, service.delete)()
    service.run()
    assert_done(service, job)


def test_two_updates_at_once_one_is_taken_and_one_is_told(service: Service) -> None:
    made(service)
    refused: list[str] = []

    def update_meanwhile() -> None:
        service.update(lines("d.png"))

    with service.at_call(4, update_meanwhile):  # its changes are in S3, and now its document is due
        try:
            service.update(lines("c.png"))
        except ConflictException as error:
            refused.append(error.message)
    service.run()
    assert len(refused) == 1
    assert service.names() == [*OLD, "d.png"]
    assert not [key for key in service.objects() if "changes-" in key]


def test_a_document_that_was_written_though_the_answer_was_lost_is_no_conflict(service: Service) -> None:
    event = begun(service, "update")
    lost: list[str] = []

    def lose_the_answer(params: dict[str, Any], **_: Any) -> None:
        key = "projects/cars/datasets/train/dataset.json"
        if params["url_path"].endswith(key) and not lost:
            lost.append(key)
            service.session.client("s3").put_object(Bucket=MODELS, Key=key, Body=params["body"])

    service.s3.meta.events.register("before-call.s3.PutObject", lose_the_answer)
    service.runner.run(event)
    assert lost
    assert service.names() == NEW
    service.time += timedelta(seconds=1)
    assert service.describe()["Status"] == "UPDATE_COMPLETE"
