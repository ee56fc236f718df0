"""Events on the default bus, against AWS's own examples (MediaConvert user guide, a page for each status)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from support_jobs import job_settings

from localaws.mediaconvert.config import config

if TYPE_CHECKING:
    import pytest

Studio = Any

HEAD = {"timestamp", "accountId", "queue", "jobId", "status", "userMetadata"}


def test_a_jobs_events_tell_its_course(studio: Studio) -> None:
    job = studio.create_job()["Id"]
    studio.finished(job)
    assert studio.statuses(job) == ["PROGRESSING", "INPUT_INFORMATION", "COMPLETE"]


def test_the_envelope_names_source_kind_and_job(studio: Studio) -> None:
    job = studio.create_job(UserMetadata={"video": "7"})
    studio.finished(job["Id"])
    event = studio.event(job["Id"], "PROGRESSING")
    assert event["source"] == "aws.mediaconvert"
    assert event["detail-type"] == "MediaConvert Job State Change"
    assert (event["account"], event["region"]) == ("123456789012", "us-east-1")
    assert event["resources"] == [job["Arn"]]
    detail = event["detail"]
    assert set(detail) == HEAD
    assert (detail["queue"], detail["userMetadata"]) == (job["Queue"], {"video": "7"})
    assert len(str(detail["timestamp"])) == 13, "milliseconds"


def test_input_information_describes_each_track(studio: Studio) -> None:
    job = studio.create_job()["Id"]
    studio.finished(job)
    detail = studio.event(job, "INPUT_INFORMATION")["detail"]
    assert set(detail) == HEAD | {"inputDetails"}
    assert detail["inputDetails"] == [
        {
            "id": 1,
            "uri": "s3://videos/film.mp4",
            "audio": [{"channels": 2, "codec": "AAC", "language": "UND", "sampleRate": 48000, "streamId": 2}],
            "video": [
                {
                    "bitDepth": 8,
                    "codec": "H_264",
                    "colorFormat": "YUV_420",
                    "fourCC": "avc1",
                    "frameRate": 10,
                    "height": 180,
                    "interlaceMode": "PROGRESSIVE",
                    "sar": "1:1",
                    "standard": "UNSPECIFIED",
                    "streamId": 1,
                    "width": 320,
                }
            ],
        }
    ]


def test_complete_names_the_files_and_of_captured_frames_the_last(studio: Studio) -> None:
    job = studio.create_job()["Id"]
    studio.finished(job)
    detail = studio.event(job, "COMPLETE")["detail"]
    assert set(detail) == HEAD | {"outputGroupDetails", "paddingInserted", "blackVideoDetected"}
    size = {"widthInPx": 320, "heightInPx": 180}
    assert detail["outputGroupDetails"] == [
        {
            "outputDetails": [
                {
                    "outputFilePaths": ["s3://images/out/film_f.0000002.jpg"],
                    "durationInMs": 3000,
                    "videoDetails": size,
                },
                {
                    "outputFilePaths": ["s3://images/out/film_m.mp4"],
                    "durationInMs": 2500,
                    "videoDetails": {**size, "qvbrAvgQuality": 7.0},
                },
            ],
            "type": "FILE_GROUP",
        }
    ]


def test_error_has_code_and_message(studio: Studio) -> None:
    job = studio.create_job(job_settings(FileInput="s3://videos/missing.mp4"))["Id"]
    studio.finished(job)
    detail = studio.event(job, "ERROR")["detail"]
    assert set(detail) == HEAD | {"errorCode", "errorMessage"}
    assert detail["errorCode"] == 1404
    assert studio.statuses(job) == ["PROGRESSING", "ERROR"]


def test_status_updates_tell_phase_and_frames(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(config, "status_update_seconds", 0.0)
    job = studio.create_job()["Id"]
    studio.finished(job)
    detail = studio.event(job, "STATUS_UPDATE")["detail"]
    assert set(detail) == HEAD | {"framesDecoded", "jobProgress"}
    assert detail["framesDecoded"] == 1
    assert detail["jobProgress"] == {
        "phaseProgress": {
            "PROBING": {"status": "COMPLETE", "percentComplete": 100},
            "TRANSCODING": {"status": "PROGRESSING", "percentComplete": 0},
            "UPLOADING": {"status": "PENDING", "percentComplete": 0},
        },
        "jobPercentComplete": 0,
        "currentPhase": "TRANSCODING",
        "retryCount": 0,
    }
    percentages = [
        event["detail"]["jobProgress"]["jobPercentComplete"]
        for event in studio.events
        if event["detail"]["status"] == "STATUS_UPDATE"
    ]
    assert percentages == sorted(percentages)
    assert percentages[-1] > 80


def test_events_come_twice_on_demand(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(config, "event_copies", 2)
    job = studio.create_job()["Id"]
    studio.finished(job)
    for status in ("PROGRESSING", "INPUT_INFORMATION", "COMPLETE"):
        assert studio.statuses(job).count(status) >= 1
    progressing = [e for e in studio.events if e["detail"]["status"] == "PROGRESSING"]
    assert len(progressing) == 2
    assert progressing[0]["detail"] == progressing[1]["detail"] | {
        "timestamp": progressing[0]["detail"]["timestamp"]
    }
