from __future__ import annotations

import contextlib
import io
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import av
import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from support_jobs import ROLE, capture_output, job_settings, movie_output

from localaws.mediaconvert import models
from localaws.mediaconvert.config import config
from localaws.mediaconvert.job_rules import check_job
from localaws.mediaconvert.models import mediaconvert_backends

Studio = Any


def refusal(action: Any, **arguments: Any) -> tuple[str, str, int]:
    with pytest.raises(ClientError) as refused:
        action(**arguments)
    response = refused.value.response
    status = response["ResponseMetadata"]["HTTPStatusCode"]
    return response["Error"]["Code"], response["Error"]["Message"], status


def test_a_job_is_accepted_at_once_and_submitted(studio: Studio) -> None:
    response = studio.mediaconvert.create_job(
        Role=ROLE, Settings=job_settings(), UserMetadata={"id": "7"}, Priority=3
    )
    job = response["Job"]
    assert response["ResponseMetadata"]["HTTPStatusCode"] == 201
    assert job["Status"] == "SUBMITTED"
    assert job["Arn"] == f"arn:aws:mediaconvert:us-east-1:123456789012:jobs/{job['Id']}"
    milliseconds, characters = job["Id"].split("-")
    assert (len(milliseconds), len(characters)) == (13, 6)
    assert job["Queue"] == "arn:aws:mediaconvert:us-east-1:123456789012:queues/Default"
    assert (job["UserMetadata"], job["Priority"], job["Role"]) == ({"id": "7"}, 3, ROLE)
    assert job["Settings"]["Inputs"][0]["FileInput"] == "s3://videos/film.mp4"


def test_a_job_ends_complete_with_its_outputs_in_s3(studio: Studio) -> None:
    job = studio.finished(studio.create_job()["Id"])
    assert job["Status"] == "COMPLETE"
    assert job["JobPercentComplete"] == 100
    assert job["Timing"]["SubmitTime"] <= job["Timing"]["StartTime"] <= job["Timing"]["FinishTime"]
    frames, movie = job["OutputGroupDetails"][0]["OutputDetails"]
    assert frames == {"DurationInMs": 3000, "VideoDetails": {"WidthInPx": 320, "HeightInPx": 180}}
    assert movie["DurationInMs"] == 2500
    assert studio.keys() == [
        "out/film_f.0000000.jpg",
        "out/film_f.0000001.jpg",
        "out/film_f.0000002.jpg",
        "out/film_m.mp4",
    ]


def test_outputs_have_their_content_types_and_the_movie_plays(studio: Studio) -> None:
    studio.finished(studio.create_job()["Id"])
    frame = studio.s3.head_object(Bucket="images", Key="out/film_f.0000000.jpg")
    movie = studio.s3.get_object(Bucket="images", Key="out/film_m.mp4")
    assert (frame["ContentType"], movie["ContentType"]) == ("image/jpeg", "video/mp4")
    with av.open(io.BytesIO(movie["Body"].read()), "r") as file:
        assert sum(1 for _ in file.decode(video=0)) == 25


def test_every_frame_fires_the_buckets_notification_as_a_clients_upload_does(studio: Studio) -> None:
    sqs = boto3.client("sqs", "us-east-1")
    queue = sqs.create_queue(QueueName="uploads")["QueueUrl"]
    studio.s3.put_bucket_notification_configuration(
        Bucket="images",
        NotificationConfiguration={
            "QueueConfigurations": [
                {"QueueArn": "arn:aws:sqs:us-east-1:123456789012:uploads", "Events": ["s3:ObjectCreated:*"]}
            ]
        },
    )
    studio.finished(studio.create_job()["Id"])
    bodies = [m["Body"] for m in sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10)["Messages"]]
    assert sum("ObjectCreated:Put" in body for body in bodies) == 4


def test_the_same_token_within_a_minute_gives_the_same_job(
    studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1_700_000_000.0
    monkeypatch.setattr(config, "clock", lambda: now)
    first = studio.create_job(ClientRequestToken="upload-1")["Id"]
    now += 59
    assert studio.create_job(ClientRequestToken="upload-1")["Id"] == first
    assert studio.create_job(ClientRequestToken="upload-2")["Id"] != first
    now += 1
    assert studio.create_job(ClientRequestToken="upload-1")["Id"] != first


def test_the_same_token_from_two_sides_at_once_gives_the_same_job(
    studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    both = threading.Barrier(2, timeout=0.5)

    def check_together(request: Any) -> None:
        with contextlib.suppress(threading.BrokenBarrierError):
            both.wait()
        check_job(request)

    monkeypatch.setattr(models, "check_job", check_together)
    with ThreadPoolExecutor(2) as pool:
        jobs = list(pool.map(lambda _: studio.create_job(ClientRequestToken="upload-1"), range(2)))
    assert jobs[0]["Id"] == jobs[1]["Id"]


def test_a_refused_job_uses_no_token(studio: Studio) -> None:
    refusal(
        studio.mediaconvert.create_job,
        Role=ROLE,
        Settings=job_settings(capture_output()),
        ClientRequestToken="t",
    )
    assert studio.create_job(ClientRequestToken="t")["Status"] == "SUBMITTED"


def test_a_job_of_frame_captures_alone_is_refused(studio: Studio) -> None:
    code, message, status = refusal(
        studio.mediaconvert.create_job, Role=ROLE, Settings=job_settings(capture_output())
    )
    assert (code, status) == ("BadRequestException", 400)
    assert message.startswith(
        "/outputGroups: Frame capture outputs are only supported in jobs that also have"
    )


@pytest.mark.usefixtures("studio")
def test_a_value_outside_the_models_range_is_refused_by_its_path() -> None:
    settings: Any = job_settings(capture_output(Quality=101), movie_output())
    unchecked = boto3.client("mediaconvert", "us-east-1", config=Config(parameter_validation=False))
    code, message, _status = refusal(unchecked.create_job, Role=ROLE, Settings=settings)
    assert code == "BadRequestException"
    assert message == (
        "/outputGroups/0/outputs/0/videoDescription/codecSettings/frameCaptureSettings/quality: "
        "Should be at most 100"
    )


def test_an_unknown_job_is_not_found(studio: Studio) -> None:
    expected = ("NotFoundException", "The job with id 1-none was not found.", 404)
    assert refusal(studio.mediaconvert.get_job, Id="1-none") == expected
    assert refusal(studio.mediaconvert.cancel_job, Id="1-none") == expected


def test_an_unknown_queue_is_not_found(studio: Studio) -> None:
    code, message, status = refusal(
        studio.mediaconvert.create_job, Role=ROLE, Settings=job_settings(), Queue="nowhere"
    )
    assert (code, status) == ("NotFoundException", 404)
    assert message == "The queue with name nowhere was not found."


def test_a_waiting_job_can_be_cancelled_and_a_finished_one_cannot(studio: Studio) -> None:
    studio.mediaconvert.update_queue(Name="Default", Status="PAUSED")
    job = studio.create_job()["Id"]
    assert studio.mediaconvert.cancel_job(Id=job)["ResponseMetadata"]["HTTPStatusCode"] == 202
    assert studio.mediaconvert.get_job(Id=job)["Job"]["Status"] == "CANCELED"
    assert studio.statuses(job) == ["CANCELED"]
    code, message, status = refusal(studio.mediaconvert.cancel_job, Id=job)
    assert (code, status) == ("ConflictException", 409)
    assert message == f"The job with id {job} is CANCELED and can no longer be canceled."
    studio.mediaconvert.update_queue(Name="Default", Status="ACTIVE")
    studio.finished(studio.create_job()["Id"])
    assert studio.statuses(job) == ["CANCELED"]


def test_a_running_job_can_be_cancelled(studio: Studio) -> None:
    running: list[str] = []
    store = mediaconvert_backends["123456789012"]["us-east-1"]

    def cancel_at_the_first_frame(_account: str, _event: str, _bucket: object, key: Any) -> None:
        running.append(key.name)
        store.cancel_job(job_id)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("moto.s3.notifications.send_event", cancel_at_the_first_frame)
        studio.mediaconvert.update_queue(Name="Default", Status="PAUSED")
        job_id = studio.create_job()["Id"]
        studio.mediaconvert.update_queue(Name="Default", Status="ACTIVE")
        job = studio.finished(job_id)
        store.reset()
    assert job["Status"] == "CANCELED"
    assert running == ["out/film_f.0000000.jpg"], "nothing more is uploaded"


def test_jobs_are_listed_newest_first_by_state_and_queue(studio: Studio) -> None:
    studio.mediaconvert.create_queue(Name="slow", Status="PAUSED")
    waiting = [studio.create_job(Queue="slow")["Id"] for _ in range(3)]
    done = studio.finished(studio.create_job()["Id"])["Id"]

    def listed(**query: str) -> list[str]:
        return [job["Id"] for job in studio.mediaconvert.list_jobs(**query)["Jobs"]]

    assert listed() == [done, *reversed(waiting)]
    assert listed(Status="SUBMITTED", Order="ASCENDING") == waiting
    assert listed(Queue="arn:aws:mediaconvert:us-east-1:123456789012:queues/Default") == [done]


def test_long_lists_come_in_pages(studio: Studio) -> None:
    studio.mediaconvert.update_queue(Name="Default", Status="PAUSED")
    made = [studio.create_job()["Id"] for _ in range(5)]
    pages = list(
        studio.mediaconvert.get_paginator("list_jobs").paginate(
            Order="ASCENDING", PaginationConfig={"PageSize": 2}
        )
    )
    assert [[job["Id"] for job in page["Jobs"]] for page in pages] == [made[:2], made[2:4], made[4:]]
    code, message, _status = refusal(studio.mediaconvert.list_jobs, NextToken="bm9uc2Vuc2U=")
    assert (code, message) == ("BadRequestException", "The nextToken is not valid.")


def test_jobs_are_found_by_their_input(studio: Studio) -> None:
    job = studio.finished(studio.create_job()["Id"])["Id"]
    assert studio.mediaconvert.search_jobs(InputFile="other.mp4")["Jobs"] == []
    assert [found["Id"] for found in studio.mediaconvert.search_jobs(InputFile="film.mp4")["Jobs"]] == [job]


def test_the_endpoint_is_the_regional_one(studio: Studio) -> None:
    endpoints = studio.mediaconvert.describe_endpoints()["Endpoints"]
    assert endpoints == [{"Url": "https://mediaconvert.us-east-1.amazonaws.com"}]
