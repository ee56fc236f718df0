"""The jobs that Spotcheck creates run as they are."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import av
import numpy as np
from PIL import Image
from support_clips import make_clip
from support_jobs import ROLE

from chalicelib.notebook_job import notebook_job
from chalicelib.video_jobs import JobConfig, create_job_request

if TYPE_CHECKING:
    from pathlib import Path

Studio = Any
QUEUE = "arn:aws:mediaconvert:us-east-1:123456789012:queues/Default"


def test_the_notebooks_job_gives_the_notebooks_frames(studio: Studio) -> None:
    job = notebook_job("s3://images/video_inputs/", "s3://videos/film.mp4")
    made = studio.finished(studio.mediaconvert.create_job(Role=ROLE, **job)["Job"]["Id"])
    assert made["Status"] == "COMPLETE"
    assert studio.keys() == ["video_inputs/filmjpg.0000000.jpg", "video_inputs/filmmp4.mp4"]
    body = studio.s3.get_object(Bucket="images", Key="video_inputs/filmjpg.0000000.jpg")["Body"].read()
    pixels = np.asarray(Image.open(io.BytesIO(body)))
    assert pixels.shape == (500, 500, 3)
    assert pixels[:105].max() < 30, "a bar above"
    assert pixels[395:].max() < 30, "a bar below"
    movie = studio.s3.get_object(Bucket="images", Key="video_inputs/filmmp4.mp4")["Body"].read()
    with av.open(io.BytesIO(movie), "r") as file:
        assert [stream.codec_context.name for stream in file.streams.get()] == ["h264", "aac"]


def test_the_inspection_job_takes_a_silent_phone_video_upright_and_at_its_own_size(
    studio: Studio, tmp_path: Path
) -> None:
    phone = make_clip(tmp_path / "phone.mov", frames=60, rotation=270)
    studio.s3.put_object(Bucket="videos", Key="phone.MOV", Body=phone.read_bytes())
    config = JobConfig(queue_arn=QUEUE, role_arn=ROLE, images_bucket="images")
    request = create_job_request(config, video_id="v1", file_input="s3://videos/phone.MOV")
    made = studio.finished(studio.mediaconvert.create_job(**request)["Job"]["Id"])
    assert made["Status"] == "COMPLETE"
    assert studio.keys() == [
        "video_inputs/v1/frame.0000000.jpg",
        "video_inputs/v1/frame.0000001.jpg",
        "video_proxies/v1/proxy.mp4",
    ]
    sizes = [detail["OutputDetails"][0]["VideoDetails"] for detail in made["OutputGroupDetails"]]
    assert sizes == [{"WidthInPx": 180, "HeightInPx": 320}] * 2
