"""The video pipeline as it is deployed: uploads, MediaConvert's jobs, frames, verdicts with a time.

Every job state change is delivered twice here (conftest.py).
"""

from __future__ import annotations

import io
import json
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image
from support_films import LONG, SCRATCHED_FROM, SHORT, broken_films, film, readable_films
from support_models import normal_png

from chalicelib.events import ObjectVersion, s3_event
from chalicelib.identity import request_id
from chalicelib.records import Status
from chalicelib.video_jobs import VIDEO_ID_KEY
from chalicelib.videos import Video, VideoStatus

if TYPE_CHECKING:
    from pathlib import Path

    from support_deployed import Deployed

    from chalicelib.records import Record

READABLE = [
    *("film.mp4", "film.mov", "film.mkv", "film.avi", "vp9.webm", "hevc.mp4", "UPPER.MP4", "film.cam7"),
    *("no-extension", "with sound.mp4", "phone.mp4", "one frame.mp4", "ünï+code 100%.mp4", "long"),
]
BROKEN = ["text.mp4", "truncated.mp4", "sound only.mp4", "empty.mp4"]


@dataclass(frozen=True)
class Videos:
    """What a person does with videos on the deployed stack."""

    deployed: Deployed
    folder: Path

    def put(self, key: str, data: bytes) -> str:
        """Uploads a video and gives its id."""
        bucket, key = self.deployed.outputs["videos_bucket"], f"video_inputs/{key}"
        answer = self.deployed.client("s3").put_object(Bucket=bucket, Key=key, Body=data)
        return request_id(bucket, key, answer["VersionId"])

    def film(self, **settings: Any) -> bytes:
        """A film of the test's own."""
        return film(self.folder, **settings)

    def end_of(self, video_id: str) -> Video:
        """Waits for a video's end."""
        return self.deployed.end_of_video(video_id)

    def frames_of(self, video_id: str) -> list[Record]:
        """The records of a video's frames, in their order."""
        return list(self.deployed.target.results_table().of_video(video_id))

    def jobs_of(self, video_id: str) -> int:
        """How many MediaConvert jobs a video has."""
        client = self.deployed.client("mediaconvert")
        pages = client.get_paginator("list_jobs").paginate()
        return Counter(job["UserMetadata"][VIDEO_ID_KEY] for page in pages for job in page["Jobs"])[video_id]

    def redeliver(self, video: Video) -> None:
        """Delivers a video's S3 event once more, and waits until it has been handled."""
        version = ObjectVersion(
            bucket=video.bucket,
            key=video.key,
            version_id=video.version_id,
            etag="0" * 32,
            sequencer="0055AED6DCD90281E5",
            size=1000,
            uploaded_at=video.uploaded_at,
        )
        answer = self.deployed.client("lambda").invoke(
            FunctionName=self.deployed.outputs["function_names"]["convert_video"],
            Qualifier="live",
            Payload=json.dumps(s3_event(version)),
        )
        assert "FunctionError" not in answer, answer["Payload"].read()


@pytest.fixture(scope="module")
def videos(pipeline: Deployed, tmp_path_factory: pytest.TempPathFactory) -> Videos:
    return Videos(pipeline, tmp_path_factory.mktemp("films"))


@pytest.fixture(scope="module")
def scratched(videos: Videos) -> Video:
    """A film in which a scratch comes into view after ten seconds."""
    return videos.end_of(videos.put("line 7/film.mp4", videos.film(scratched_from=SCRATCHED_FROM)))


# ---------------------------------------------------------------- a verdict with a time


def test_the_first_anomalous_second_is_the_one_at_which_the_scratch_comes_into_view(scratched: Video) -> None:
    assert (scratched.status, scratched.is_anomalous) == (VideoStatus.JUDGED, True)
    assert scratched.first_anomalous_seconds == SCRATCHED_FROM
    assert scratched.worst_seconds in {10, 15}
    assert 0.5 <= (scratched.confidence or 0) <= 1


def test_the_whole_video_is_looked_at_and_described(scratched: Video) -> None:
    assert (scratched.frames_expected, len(scratched.judged)) == (4, 4)
    assert scratched.duration_seconds == LONG
    assert (scratched.width, scratched.height, scratched.frame_rate) == (160, 120, 2.0)


def test_each_frame_tells_its_video_its_number_and_its_second(videos: Videos, scratched: Video) -> None:
    frames = videos.frames_of(scratched.video_id)
    assert [(one.frame, one.seconds) for one in frames] == [(0, 0.0), (1, 5.0), (2, 10.0), (3, 15.0)]
    assert [one.is_anomalous for one in frames] == [False, False, True, True]
    assert all(one.status is Status.JUDGED and one.heat_map_key for one in frames)


def test_a_film_without_a_scratch_is_normal(videos: Videos) -> None:
    video = videos.end_of(videos.put("normal.mp4", videos.film()))
    assert (video.status, video.is_anomalous) == (VideoStatus.JUDGED, False)
    assert video.first_anomalous_seconds is None


def test_the_proxy_starts_nothing(videos: Videos, scratched: Video) -> None:
    client, bucket = videos.deployed.client("s3"), videos.deployed.outputs["images_bucket"]
    listed = client.list_objects_v2(Bucket=bucket, Prefix=f"video_proxies/{scratched.video_id}/")["Contents"]
    assert [found["Key"].rpartition("/")[2] for found in listed] == ["proxy.mp4"]
    assert len(videos.frames_of(scratched.video_id)) == scratched.frames_expected
    assert not list(videos.deployed.target.results_table().of_image("proxy.mp4"))


# ---------------------------------------------------------------- one job, one verdict


def test_redeliveries_at_the_same_time_and_later_make_no_second_job(videos: Videos, scratched: Video) -> None:
    before = videos.deployed.item(scratched.video_id)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(videos.redeliver, [scratched] * 12))
    assert videos.jobs_of(scratched.video_id) == 1
    assert videos.deployed.item(scratched.video_id) == before


def test_two_uploads_of_the_same_name_are_two_videos(videos: Videos) -> None:
    data = videos.film(seconds=SHORT, scratched_from=0), videos.film(seconds=SHORT)
    ends = [videos.put("monday/1.mp4", data[0]), videos.put("tuesday/1.mp4", data[1])]
    assert [videos.end_of(one).is_anomalous for one in ends] == [True, False]


def test_a_video_uploaded_again_before_its_turn_keeps_its_own_verdict(videos: Videos) -> None:
    normal, scratchy = videos.film(seconds=SHORT), videos.film(seconds=SHORT, scratched_from=0)
    ends = [videos.put("camera.mp4", data) for data in (scratchy, normal, scratchy, normal)]
    assert [videos.end_of(one).is_anomalous for one in ends] == [True, False, True, False]


def test_a_shorter_upload_of_the_same_name_leaves_the_longer_ones_frames_alone(videos: Videos) -> None:
    longer = videos.end_of(videos.put("again.mp4", videos.film(scratched_from=SCRATCHED_FROM)))
    shorter = videos.end_of(videos.put("again.mp4", videos.film(seconds=SHORT)))
    assert (longer.frames_expected, shorter.frames_expected) == (4, 2)
    assert [one.is_anomalous for one in videos.frames_of(shorter.video_id)] == [False, False]
    assert [one.is_anomalous for one in videos.frames_of(longer.video_id)] == [False, False, True, True]


def test_a_picture_among_the_frames_of_no_known_video_is_judged_as_a_picture(videos: Videos) -> None:
    key = f"video_inputs/{'0f' * 16}/frame.0000003.jpg"
    record = videos.deployed.record(videos.deployed.put(key, normal_png(50)))
    assert (record.status, record.video, record.seconds) == (Status.JUDGED, None, None)


# ---------------------------------------------------------------- any file


@pytest.fixture(scope="module")
def uploaded(videos: Videos) -> dict[str, str]:
    """Films of every kind and files that are none, uploaded at once: name → video id."""
    files = readable_films(videos.folder) | {n: data for n, (data, _) in broken_films(videos.folder).items()}
    return {name: videos.put("k" * 1011 if name == "long" else name, data) for name, data in files.items()}


@pytest.mark.parametrize("name", READABLE)
def test_a_film_of_any_kind_and_name_is_judged(videos: Videos, uploaded: dict[str, str], name: str) -> None:
    video = videos.end_of(uploaded[name])
    assert (video.status, video.is_anomalous) == (VideoStatus.JUDGED, True), video.reason
    assert video.first_anomalous_seconds == 0
    assert video.frames_expected == (1 if name == "one frame.mp4" else 2)


@pytest.mark.parametrize("name", BROKEN)
def test_what_holds_no_video_is_recorded_with_the_reason(
    videos: Videos, uploaded: dict[str, str], name: str
) -> None:
    video = videos.end_of(uploaded[name])
    assert video.status in {VideoStatus.ERROR, VideoStatus.REJECTED}
    assert broken_films(videos.folder)[name][1] in (video.reason or "")
    assert not videos.frames_of(video.video_id)


def test_a_phones_film_is_judged_upright(videos: Videos, uploaded: dict[str, str]) -> None:
    video = videos.end_of(uploaded["phone.mp4"])
    key = f"video_inputs/{video.video_id}/frame.0000000.jpg"
    answer = videos.deployed.client("s3").get_object(Bucket=videos.deployed.outputs["images_bucket"], Key=key)
    with Image.open(io.BytesIO(answer["Body"].read())) as frame:
        assert frame.size == (120, 160)


def test_every_film_of_every_kind_has_had_one_job_at_most(videos: Videos, uploaded: dict[str, str]) -> None:
    ends = {name: videos.end_of(one) for name, one in uploaded.items()}
    assert {name: videos.jobs_of(end.video_id) for name, end in ends.items()} == {
        name: 0 if name == "empty.mp4" else 1 for name in uploaded
    }


def test_nothing_has_ended_in_the_dead_letter_queue(videos: Videos, uploaded: dict[str, str]) -> None:
    for one in uploaded.values():
        videos.end_of(one)
    attributes = videos.deployed.client("sqs").get_queue_attributes(
        QueueUrl=videos.deployed.outputs["dead_letter_queue_url"],
        AttributeNames=["ApproximateNumberOfMessages"],
    )
    assert attributes["Attributes"]["ApproximateNumberOfMessages"] == "0"


# ---------------------------------------------------------------- the command


def test_upload_follows_a_film_to_its_verdict_and_prints_its_time_line(
    videos: Videos, tmp_path: Path
) -> None:
    path = tmp_path / "desk.mp4"
    path.write_bytes(videos.film(scratched_from=SCRATCHED_FROM))
    done = videos.deployed.spotcheck("upload", path)
    assert done.returncode == 0, done.stderr
    assert "video_inputs/desk.mp4  Anomalous" in done.stdout
    assert "4 frames, one every 5 s" in done.stdout
    assert [line.split()[0] for line in done.stdout.splitlines() if "heatmaps/" in line] == ["0:10", "0:15"]


def test_upload_says_why_a_film_has_no_verdict(videos: Videos, tmp_path: Path) -> None:
    path = tmp_path / "text.mp4"
    path.write_bytes(b"This is no film.\n")
    done = videos.deployed.spotcheck("upload", path)
    assert done.returncode == 0, done.stderr
    assert "1010" in done.stdout


def test_results_list_videos_newest_first_with_the_frozen_keys(videos: Videos, scratched: Video) -> None:
    done = videos.deployed.spotcheck("results", "--videos", "--json")
    rows = json.loads(done.stdout)
    (row,) = [row for row in rows if row["video"] == scratched.video_id]
    assert list(row)[:10] == [
        *("video", "key", "status", "is_anomalous", "confidence", "frames_expected", "frames_judged"),
        *("first_anomalous_seconds", "worst_seconds", "error"),
    ]
    assert (row["is_anomalous"], row["first_anomalous_seconds"]) == (True, SCRATCHED_FROM)
    assert [row["date"] for row in rows] == sorted((row["date"] for row in rows), reverse=True)


def test_a_failed_job_is_visible_in_results(videos: Videos, uploaded: dict[str, str]) -> None:
    failed = videos.end_of(uploaded["text.mp4"])
    rows = json.loads(videos.deployed.spotcheck("results", "--videos", "--json").stdout)
    (row,) = [row for row in rows if row["video"] == failed.video_id]
    assert (row["status"], row["error_code"]) == ("ERROR", 1010)
    assert "1010" in row["error"]


def test_results_print_the_time_line_of_one_video(videos: Videos, scratched: Video) -> None:
    done = videos.deployed.spotcheck("results", "--video", scratched.video_id)
    assert "video_inputs/line 7/film.mp4" in done.stdout
    assert "4 frames, one every 5 s" in done.stdout
