from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from localaws.mediaconvert.config import config

Studio = Any
ARN = "arn:aws:mediaconvert:us-east-1:123456789012:queues/"


def refusal(action: Any, **arguments: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as refused:
        action(**arguments)
    error = refused.value.response["Error"]
    return error["Code"], error["Message"]


def test_the_default_queue_is_there_from_the_beginning(studio: Studio) -> None:
    queue = studio.mediaconvert.get_queue(Name="Default")["Queue"]
    assert (queue["Arn"], queue["Type"], queue["Status"]) == (f"{ARN}Default", "SYSTEM", "ACTIVE")
    assert queue["PricingPlan"] == "ON_DEMAND"
    assert (queue["SubmittedJobsCount"], queue["ProgressingJobsCount"]) == (0, 0)


def test_a_queue_is_made_with_description_tags_and_limit(studio: Studio) -> None:
    created = studio.mediaconvert.create_queue(
        Name="spotcheck", Description="Frames", Tags={"Stack": "a"}, ConcurrentJobs=2
    )
    assert created["ResponseMetadata"]["HTTPStatusCode"] == 201
    queue = studio.mediaconvert.get_queue(Name="spotcheck")["Queue"]
    assert (queue["Name"], queue["Description"], queue["ConcurrentJobs"]) == ("spotcheck", "Frames", 2)
    assert queue["Type"] == "CUSTOM"
    tags = studio.mediaconvert.list_tags_for_resource(Arn=queue["Arn"])["ResourceTags"]
    assert tags == {"Arn": f"{ARN}spotcheck", "Tags": {"Stack": "a"}}


def test_queues_have_different_names(studio: Studio) -> None:
    studio.mediaconvert.create_queue(Name="spotcheck")
    assert refusal(studio.mediaconvert.create_queue, Name="spotcheck") == (
        "ConflictException",
        "The queue with name spotcheck already exists.",
    )


def test_a_queue_can_be_changed(studio: Studio) -> None:
    studio.mediaconvert.create_queue(Name="spotcheck", Description="Frames")
    queue = studio.mediaconvert.update_queue(Name="spotcheck", Status="PAUSED")["Queue"]
    assert (queue["Status"], queue["Description"]) == ("PAUSED", "Frames")


def test_a_deleted_queue_is_gone(studio: Studio) -> None:
    studio.mediaconvert.create_queue(Name="spotcheck")
    deleted = studio.mediaconvert.delete_queue(Name="spotcheck")
    assert deleted["ResponseMetadata"]["HTTPStatusCode"] == 202
    assert refusal(studio.mediaconvert.get_queue, Name="spotcheck") == (
        "NotFoundException",
        "The queue with name spotcheck was not found.",
    )


def test_the_default_queue_cannot_be_deleted(studio: Studio) -> None:
    assert refusal(studio.mediaconvert.delete_queue, Name="Default") == (
        "BadRequestException",
        "The Default queue cannot be deleted.",
    )


def test_a_queue_with_waiting_jobs_cannot_be_deleted(studio: Studio) -> None:
    studio.mediaconvert.create_queue(Name="slow", Status="PAUSED")
    studio.create_job(Queue="slow")
    assert refusal(studio.mediaconvert.delete_queue, Name="slow") == (
        "ConflictException",
        "The queue with name slow has jobs that are not finished.",
    )


def test_queues_are_listed_by_name_in_pages(studio: Studio) -> None:
    for name in ("b", "c", "a"):
        studio.mediaconvert.create_queue(Name=name)
    listed = studio.mediaconvert.list_queues(ListBy="NAME", MaxResults=3)
    assert [queue["Name"] for queue in listed["Queues"]] == ["Default", "a", "b"]
    rest = studio.mediaconvert.list_queues(ListBy="NAME", NextToken=listed["NextToken"], Order="ASCENDING")
    assert [queue["Name"] for queue in rest["Queues"]] == ["c"]
    assert listed["TotalConcurrentJobs"] >= 1


def test_tags_come_and_go(studio: Studio) -> None:
    arn = studio.mediaconvert.create_queue(Name="spotcheck", Tags={"a": "1"})["Queue"]["Arn"]
    studio.mediaconvert.tag_resource(Arn=arn, Tags={"b": "2"})
    studio.mediaconvert.untag_resource(Arn=arn, TagKeys=["a"])
    assert studio.mediaconvert.list_tags_for_resource(Arn=arn)["ResourceTags"]["Tags"] == {"b": "2"}


def test_tags_of_nothing_are_not_found(studio: Studio) -> None:
    code, message = refusal(studio.mediaconvert.list_tags_for_resource, Arn=f"{ARN}none")
    assert (code, message) == ("NotFoundException", f"The resource with ARN {ARN}none was not found.")


def test_a_job_has_tags_too(studio: Studio) -> None:
    job = studio.create_job(Tags={"video": "7"})
    tags = studio.mediaconvert.list_tags_for_resource(Arn=job["Arn"])["ResourceTags"]["Tags"]
    assert tags == {"video": "7"}


def test_a_paused_queue_accepts_jobs_and_holds_them(studio: Studio) -> None:
    studio.mediaconvert.create_queue(Name="slow", Status="PAUSED")
    job = studio.create_job(Queue=f"{ARN}slow")["Id"]
    studio.finished(studio.create_job()["Id"])
    assert studio.mediaconvert.get_job(Id=job)["Job"]["Status"] == "SUBMITTED"
    assert studio.mediaconvert.get_queue(Name="slow")["Queue"]["SubmittedJobsCount"] == 1
    studio.mediaconvert.update_queue(Name="slow", Status="ACTIVE")
    assert studio.finished(job)["Status"] == "COMPLETE"


def test_the_higher_priority_goes_first_and_then_the_earlier_job(
    studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(config, "concurrent_jobs", 1)
    studio.mediaconvert.update_queue(Name="Default", Status="PAUSED")
    low, middle, high, late = (studio.create_job(Priority=priority)["Id"] for priority in (-5, 0, 50, 0))
    studio.mediaconvert.update_queue(Name="Default", Status="ACTIVE")
    studio.finished(low)
    started = [e["detail"]["jobId"] for e in studio.events if e["detail"]["status"] == "PROGRESSING"]
    assert started == [high, middle, late, low]


@pytest.mark.parametrize(("queue_limit", "total_limit"), [(1, 4), (4, 1)])
def test_no_more_jobs_run_at_once_than_queue_and_account_allow(
    studio: Studio, monkeypatch: pytest.MonkeyPatch, queue_limit: int, total_limit: int
) -> None:
    monkeypatch.setattr(config, "concurrent_jobs", total_limit)
    studio.mediaconvert.create_queue(Name="q", Status="PAUSED", ConcurrentJobs=queue_limit)
    jobs = [studio.create_job(Queue="q")["Id"] for _ in range(3)]
    studio.mediaconvert.update_queue(Name="q", Status="ACTIVE")
    for job in jobs:
        studio.finished(job)
    running = most = 0
    for event in studio.events:
        running += {"PROGRESSING": 1, "COMPLETE": -1}.get(event["detail"]["status"], 0)
        most = max(most, running)
    assert most == 1
