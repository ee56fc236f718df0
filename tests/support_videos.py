"""Makers of what MediaConvert says about a video."""

from __future__ import annotations

from typing import Any

import boto3

from chalicelib.video_table import VideoTable
from chalicelib.videos import Video, VideoStatus

QUEUE = "arn:aws:mediaconvert:us-east-1:123456789012:queues/spotcheck"
VIDEO_ID = "0f" * 16
JOB_ID = "1671476818694-phptj0"


def video(**changes: Any) -> Video:
    """A video just taken in."""
    facts: dict[str, Any] = {
        "video_id": VIDEO_ID,
        "date": "2026-11-22T10:00:00.000Z",
        "bucket": "videos",
        "key": "video_inputs/car.mp4",
        "version_id": "v1",
        "uploaded_at": "2026-11-22T09:59:59.000Z",
        "project": "cars",
        "status": VideoStatus.SUBMITTED,
        "seconds_per_frame": 5,
    }
    return Video(**(facts | changes))


def detail(status: str, **more: Any) -> dict[str, Any]:
    """The detail of a job state change of `video()`, in the shape of the user guide's examples."""
    return {
        "timestamp": 1671476845000,
        "accountId": "123456789012",
        "queue": QUEUE,
        "jobId": JOB_ID,
        "status": status,
        "userMetadata": {"spotcheck-video-id": VIDEO_ID},
    } | more


def progressing() -> dict[str, Any]:
    """The job has begun."""
    return detail("PROGRESSING")


def input_information() -> dict[str, Any]:
    """What MediaConvert found in the file."""
    track = {
        "bitDepth": 8,
        "codec": "H_264",
        "colorFormat": "YUV_420",
        "fourCC": "avc1",
        "frameRate": 29.97,
        "height": 1080,
        "interlaceMode": "PROGRESSIVE",
        "sar": "1:1",
        "standard": "UNSPECIFIED",
        "streamId": 1,
        "width": 1920,
    }
    return detail(
        "INPUT_INFORMATION",
        inputDetails=[{"id": 1, "uri": "s3://videos/video_inputs/car.mp4", "audio": [], "video": [track]}],
    )


def complete(frames: int) -> dict[str, Any]:
    """Every output is written; the frame capture output names its last file only."""
    last = f"s3://images/video_inputs/{VIDEO_ID}/frame.{max(frames - 1, 0):07}.jpg"
    size = {"widthInPx": 1280, "heightInPx": 720}
    groups = [
        {"type": "FILE_GROUP", "outputDetails": [output]}
        for output in (
            {"outputFilePaths": [last], "durationInMs": frames * 5000, "videoDetails": size},
            {
                "outputFilePaths": [f"s3://images/video_proxies/{VIDEO_ID}/proxy.mp4"],
                "durationInMs": 12_345,
                "videoDetails": size,
            },
        )
    ]
    return detail("COMPLETE", outputGroupDetails=groups)


def error() -> dict[str, Any]:
    """The job has failed."""
    return detail("ERROR", errorCode=1010, errorMessage="Unable to open input file")


def make_videos_table(name: str = "results") -> VideoTable:
    """A table with the keys and the index that videos need."""
    dynamodb = boto3.resource("dynamodb")
    keys = {"RequestID": "S", "VideoDayShard": "S", "DateId": "S"}
    dynamodb.create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": kind} for key, kind in keys.items()],  # type: ignore[typeddict-item]
        KeySchema=[{"AttributeName": "RequestID", "KeyType": "HASH"}],
        GlobalSecondaryIndexes=[
            {
                "IndexName": "videos-by-day",
                "KeySchema": [
                    {"AttributeName": "VideoDayShard", "KeyType": "HASH"},
                    {"AttributeName": "DateId", "KeyType": "RANGE"},
                ],
                "Projection": {"ProjectionType": "ALL"},
            }
        ],
    )
    return VideoTable(dynamodb, name)
