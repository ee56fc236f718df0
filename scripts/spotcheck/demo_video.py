"""The demo's film on its way through the pipeline: uploaded, followed, shown along its time line."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from chalicelib.measuring.pages import data_uri
from chalicelib.measuring.texts import number
from spotcheck.videos import VIDEO_PREFIX, follow, print_time_line, seconds_text, verdict_text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from chalicelib.videos import Video
    from spotcheck.demo_film import Film
    from spotcheck.targets import Target

_TIMEOUT = 90.0  # seconds


@dataclass(frozen=True)
class Judged:
    """What became of the film.

    Attributes:
        film: The film.
        key: Its key.
        video: As `spotcheck results --videos --json` gives it; none when it was never taken in.
        frames: Its frames' records as `spotcheck results --json` gives them, in their order.
        pictures: Each frame and its heat map, where there is one.
        seconds: From the end of the upload until the verdict was seen.
    """

    film: Film
    key: str
    video: Mapping[str, Any] | None
    frames: Sequence[Mapping[str, Any]]
    pictures: Sequence[tuple[bytes, bytes | None]]
    seconds: float

    def summary(self) -> dict[str, Any]:
        """Its entry in `summary.json`."""
        video = self.video or {}
        return {
            "video": video.get("video"),
            "verdict": _verdict(video.get("is_anomalous")),
            "expected_seconds": self.film.expected_seconds,
            "found_seconds": video.get("first_anomalous_seconds"),
            "key": self.key,
            "frames": len(self.frames),
            "verdict_seconds": round(self.seconds, 3),
            "error": "no result in time" if self.video is None else video["error"],
        }

    def print(self) -> None:
        """Prints its time line."""
        if self.video is not None:
            print_time_line(dict(self.video), [dict(frame) for frame in self.frames])

    def for_report(self) -> dict[str, Any]:
        """What the report's template shows of it."""
        video, step = self.video or {}, 100 / max(len(self.frames), 1)
        interval = video.get("seconds_per_frame") or 1
        cards = []
        for place, (frame, (picture, heat_map)) in enumerate(zip(self.frames, self.pictures, strict=True)):
            probability = frame["probability"] or 0.0
            cards.append(
                {
                    "x": round(place * step, 3),
                    "width": round(step * 0.9, 3),
                    "height": round(4 + 56 * probability, 1),
                    "time": seconds_text(frame["seconds"]),
                    "verdict": _verdict(frame["is_anomalous"]) or str(frame["status"]).capitalize(),
                    "probability": number(frame["probability"], ".3f"),
                    "reason": frame["reason"],
                    "picture": data_uri(picture),
                    "heat_map": data_uri(heat_map) if heat_map else None,
                }
            )
        return {
            "name": self.key.removeprefix(VIDEO_PREFIX),
            "verdict": verdict_text(dict(video)).plain if video else "no result",
            "confidence": number(video.get("confidence"), ".3f"),
            "expected": seconds_text(self.film.expected_seconds),
            "expected_x": round(self.film.expected_seconds / interval * step, 3),
            "found": seconds_text(video.get("first_anomalous_seconds")),
            "error": video.get("error"),
            "frames": cards,
        }


def judge_film(target: Target, film: Film, say: Callable[[str], None] = lambda _: None) -> Judged:
    """Uploads the film, waits for its verdict, and fetches what the report shows.

    Args:
        target: The stack.
        film: What to upload.
        say: Is told how far it is.
    """
    from spotcheck.upload import Sender

    s3 = target.client("s3")
    sender = Sender(s3, target.outputs["videos_bucket"], VIDEO_PREFIX, {"source": "demo"})
    sent = sender.send((f"demo/{film.path.name}", film.path))

    def show(video: Video) -> None:
        say(f"{video.status.value.lower()}, {len(video.judged)} of {len(film.slides)} frames judged")

    video = follow(target.video_table(), sent, show, timeout=_TIMEOUT)
    seconds = time.monotonic() - sent.finished
    if video is None:
        return Judged(film, sent.key, None, [], [], seconds)
    frames = [record.to_json() for record in target.results_table().of_video(video.video_id)]

    def read(role: str, key: str) -> bytes:
        return bytes(s3.get_object(Bucket=target.outputs[role], Key=key)["Body"].read())

    pictures = [
        (
            read("images_bucket", frame["key"]),
            read("results_bucket", frame["heat_map_key"]) if frame["heat_map_key"] else None,
        )
        for frame in frames
    ]
    return Judged(film, sent.key, video.to_json(), frames, pictures, seconds)


def _verdict(is_anomalous: bool | None) -> str | None:  # noqa: FBT001 - it is the verdict
    return None if is_anomalous is None else "Anomalous" if is_anomalous else "Normal"
