"""Measures videos, into build/bench/video.json (`make bench`).

A 30 s, 768 x 432 H.264 video from upload to verdict on the embedded AWS; the converter's speed beside real
time, and its memory beside the video's length; how many jobs a thousand redeliveries make.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import platform
import re
import statistics
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spotcheck import embedded, targets
from spotcheck.bench_films import RATE, SECONDS, SIZE, repeat_video, scene, write_video
from spotcheck.console import err, print_json
from spotcheck.exceptions import EmbeddedAwsError

if TYPE_CHECKING:
    from chalicelib.videos import Video
    from spotcheck.targets import Target
    from spotcheck.verdicts import Upload

BENCH_DIR = targets.BUILD_DIR / "bench"

_TIMES_LONGER = 20  # ten minutes
_UPLOADS = 3
_REDELIVERIES = 1000
_AT_ONCE = 8
_TRAIN = 24


def main() -> None:
    """Runs all measurements, prints them as JSON and writes them to build/bench/video.json."""
    folder = BENCH_DIR / "video"
    folder.mkdir(parents=True, exist_ok=True)
    err.print("videos ...")
    short = write_video(folder / "short.mp4")
    long = repeat_video(short, folder / "long.mp4", _TIMES_LONGER)
    err.print("converter ...")
    converter = measure_converter(short, long)
    err.print("embedded AWS, deployed with Terraform ...")
    pipeline = measure_pipeline(short, BENCH_DIR / "localaws-video")
    figures = {
        "machine": {
            "cpus": os.cpu_count(),
            "system": platform.platform(),
            "python": platform.python_version(),
        },
        "video": f"{SECONDS} s, {SIZE[0]} x {SIZE[1]}, {RATE} frames a second, H.264",
        "converter": converter,
        **pipeline,
    }
    figures["goals"] = goals(figures)
    (BENCH_DIR / "video.json").write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    print_json(figures)


def goals(figures: dict[str, Any]) -> dict[str, bool]:
    """What was promised, and whether it is kept."""
    capture = figures["converter"]["frame_capture"]
    return {
        "upload to verdict in 10 s": figures["verdict_seconds"] <= 10,
        "frame capture at 10 times real time": capture["times_real_time"] >= 10,
        "memory flat in the video's length": capture["memory_ratio"] <= 1.1,
        "one job for 1000 redeliveries": figures["redeliveries"]["jobs"] == 1,
    }


# ---------------------------------------------------------------- the converter alone


def measure_converter(short: Path, long: Path) -> dict[str, Any]:
    """Speed and memory of conversions, each in a process of its own.

    Args:
        short: A video of `SECONDS`.
        long: The same many times over.

    Returns:
        `frame_capture` alone, which is what the promises are about, and the whole `job` with its proxy:
        seconds, multiples of real time, and the process's peak memory in MB after the short and the long
        video. What a job grows by is its proxy, which is read whole to be put into S3.
    """
    return {
        "frame_capture": _speed_and_memory(short, long, frames_only=True),
        "job": _speed_and_memory(short, long, frames_only=False),
    }


def _speed_and_memory(short: Path, long: Path, *, frames_only: bool) -> dict[str, float]:
    runs = [_in_own_process(short, frames_only=frames_only) for _ in range(3)]
    seconds, memory = min(run["seconds"] for run in runs), runs[0]["memory_mb"]
    longer = _in_own_process(long, frames_only=frames_only)["memory_mb"]
    return {
        "seconds": round(seconds, 3),
        "times_real_time": round(SECONDS / seconds, 1),
        f"memory_mb_{SECONDS}_s": memory,
        f"memory_mb_{SECONDS * _TIMES_LONGER}_s": longer,
        "memory_ratio": round(longer / memory, 3),
    }


def _in_own_process(path: Path, *, frames_only: bool) -> dict[str, float]:
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(convert, path, frames_only=frames_only).result()


def convert(path: Path, *, frames_only: bool) -> dict[str, float]:
    """Runs the inspection profile's conversion, as MediaConvert's emulation does; nothing is kept.

    Args:
        path: The video.
        frames_only: Leave the proxy out.

    Returns:
        `seconds` it took, and `memory_mb`, the peak of this process so far.
    """
    from chalicelib.video_jobs import JobConfig, create_job_request
    from localaws.mediaconvert.converter import Converter

    config = JobConfig("queue", "role", "images")
    settings = create_job_request(config, video_id="0" * 32, file_input="s3://videos/v.mp4")["Settings"]
    if frames_only:
        settings["OutputGroups"] = settings["OutputGroups"][:1]
    began = time.monotonic()
    Converter(settings, [path], lambda _uri, _body: None).run()
    return {"seconds": time.monotonic() - began, "memory_mb": _peak_memory_mb()}


def _peak_memory_mb() -> float:
    """The most memory that this process has had, in MB."""
    status = Path("/proc/self/status")
    if status.is_file():  # getrusage would tell the parent's peak where that is higher
        kilobytes = re.search(r"^VmHWM:\s+(\d+)", status.read_text(encoding="utf-8"), re.MULTILINE)
        if kilobytes:
            return round(int(kilobytes[1]) / 1e3, 1)
    import resource

    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6, 1)  # bytes on macOS


# ---------------------------------------------------------------- the whole pipeline


def measure_pipeline(video: Path, state_dir: Path) -> dict[str, Any]:
    """Uploads on an embedded AWS of its own, and redeliveries of one of them.

    Args:
        video: What to upload.
        state_dir: Where that embedded AWS keeps its files.

    Returns:
        `verdict_seconds_cold` of the first upload; `verdict_seconds`, the median of the next ones; of the
        redeliveries how many there were, their seconds, and the jobs that they made.
    """
    from spotcheck.up import bring_up

    try:
        standing = bring_up(0, state_dir=state_dir)
        target = targets.Target("local", standing.outputs, targets.LOCAL_ACCOUNT)
        target.registry().publish(_model(), {})
        cold, *warm = [_upload(target, video, number) for number in range(1 + _UPLOADS)]
        return {
            "verdict_seconds_cold": round(cold[1], 3),
            "verdict_seconds": round(statistics.median(seconds for _, seconds in warm), 3),
            "frames": len(cold[0].judged),
            "redeliveries": _redeliver(target, cold[0]),
        }
    finally:
        embedded.stop_server(state_dir)


def _upload(target: Target, path: Path, number: int) -> tuple[Video, float]:
    """Uploads a video; gives it with its verdict, and the seconds until then."""
    from spotcheck.upload import Sender
    from spotcheck.videos import VIDEO_PREFIX, follow

    sender = Sender(target.client("s3"), target.outputs["videos_bucket"], VIDEO_PREFIX)
    sent: Upload = sender.send((f"bench/{number}.mp4", path))
    video = follow(target.video_table(), sent, lambda _: None, timeout=120)
    seconds = time.monotonic() - sent.finished
    if video is None or video.is_anomalous is None:
        msg = f"the video has no verdict: {video and (video.reason or video.status)}"
        raise EmbeddedAwsError(msg)
    return video, seconds


def _redeliver(target: Target, video: Video) -> dict[str, Any]:
    """Delivers a video's event again and again, and counts its MediaConvert jobs."""
    from chalicelib.events import ObjectVersion, s3_event
    from chalicelib.video_jobs import VIDEO_ID_KEY

    version = ObjectVersion(
        bucket=video.bucket,
        key=video.key,
        version_id=video.version_id,
        etag="0" * 32,
        sequencer="0",
        size=1,
        uploaded_at=video.uploaded_at,
    )
    event, client = json.dumps(s3_event(version)), target.client("lambda")

    def deliver(_: int) -> bool:
        name = target.outputs["function_names"]["convert_video"]
        answer = client.invoke(FunctionName=name, Qualifier="live", Payload=event)
        return "FunctionError" not in answer

    began = time.monotonic()
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        succeeded = sum(pool.map(deliver, range(_REDELIVERIES)))
    seconds = time.monotonic() - began
    pages = target.client("mediaconvert").get_paginator("list_jobs").paginate()
    jobs = Counter(job["UserMetadata"].get(VIDEO_ID_KEY) for page in pages for job in page["Jobs"])
    return {
        "count": _REDELIVERIES,
        "succeeded": succeeded,
        "seconds": round(seconds, 1),
        "jobs": jobs[video.video_id],
    }


def _model() -> bytes:
    import io

    from PIL import Image

    from chalicelib.training import NamedPicture, TrainingConfig, train

    pictures = []
    for seed in range(_TRAIN):
        with io.BytesIO() as file:
            Image.fromarray(scene(1000 + seed)).save(file, "JPEG", quality=80)
            pictures.append(NamedPicture.of_bytes(f"{seed}.jpg", file.getvalue()))
    return train(pictures, TrainingConfig()).model


if __name__ == "__main__":
    main()
