"""Videos at the desk: told from pictures, followed to their verdict, shown along their time line."""

from __future__ import annotations

import mimetypes
import time
from typing import TYPE_CHECKING, Any

from rich.table import Table
from rich.text import Text

from chalicelib.measuring.texts import number
from spotcheck.console import err, out
from spotcheck.verdicts import clock_time

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from datetime import date
    from pathlib import Path

    from chalicelib.video_table import VideoTable
    from chalicelib.videos import Video
    from spotcheck.verdicts import Upload

VIDEO_PREFIX = "video_inputs/"
_POLL_SECONDS = 0.2
_BLOCKS = "▁▂▃▄▅▆▇█"


def is_video(path: Path) -> bool:
    """Whether a file is a video: by its first bytes, else by its name.

    ISO media (MP4, MOV), Matroska and WebM, AVI, MPEG transport and program streams, Flash video.
    """
    with path.open("rb") as file:
        head = file.read(12)
    if head[4:8] == b"ftyp" or (head[:4] == b"RIFF" and head[8:] == b"AVI "):
        return True
    if head.startswith((b"\x1a\x45\xdf\xa3", b"\x00\x00\x01\xba", b"FLV\x01")):
        return True
    return (mimetypes.guess_type(path.name)[0] or "").startswith("video/")


def follow(
    table: VideoTable,
    upload: Upload,
    show: Callable[[Video], None],
    *,
    timeout: float,
    sleep: Callable[[float], None] = time.sleep,
    clock: Callable[[], float] = time.monotonic,
) -> Video | None:
    """Waits until a video has its verdict, or a reason why not.

    Args:
        table: The videos' items.
        upload: The uploaded version.
        show: Is told of every look at the video.
        timeout: Seconds after which waiting ends.
        sleep: Waits some seconds between two looks.
        clock: Seconds, monotonic.

    Returns:
        The video as it was last seen, final or not; None when it was never taken in.
    """
    deadline = clock() + timeout
    while True:
        video = table.get(upload.request_id)
        if video is not None:
            show(video)
        if clock() >= deadline or (video is not None and video.status.is_final):
            return video
        sleep(_POLL_SECONDS)


def follow_with_progress(table: VideoTable, upload: Upload, timeout: float) -> Video | None:
    """Follows a video with a progress bar: the state of its job, then its frames."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=err, transient=True) as progress:
        task = progress.add_task(upload.key, total=None)

        def show(video: Video) -> None:
            progress.update(
                task,
                description=f"{upload.key}  {video.status.value.lower()}",
                completed=len(video.judged),
                total=video.frames_expected,
            )

        return follow(table, upload, show, timeout=timeout)


def rows(table: VideoTable, since: date, until: date) -> Iterator[dict[str, Any]]:
    """Videos of a span of days as `spotcheck results --videos --json` shows them, newest first."""
    return (video.to_json() for video in table.newest(since=since, until=until))


def print_videos(videos: Iterable[dict[str, Any]]) -> None:
    """Prints a table of videos."""
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("time", style="dim", no_wrap=True)
    table.add_column("video", overflow="fold")
    table.add_column("verdict", no_wrap=True)
    for name in ("confidence", "frames", "first at", "worst at"):
        table.add_column(name, justify="right", no_wrap=True)
    for video in videos:
        title = Text.assemble(video["key"].removeprefix(VIDEO_PREFIX), (f"\n{video['video']}", "dim"))
        if video["error"]:
            title.append(f"\n{video['error']}", "yellow")
        table.add_row(
            clock_time(video["date"]),
            title,
            verdict_text(video),
            number(video["confidence"], ".3f"),
            f"{video['frames_judged']}/{number(video['frames_expected'], 'd')}",
            seconds_text(video["first_anomalous_seconds"]),
            seconds_text(video["worst_seconds"]),
        )
    if table.row_count:
        out.print(table)
    else:
        err.print("no videos")


def print_time_line(video: dict[str, Any], frames: list[dict[str, Any]]) -> None:
    """Prints one video: its verdict, a bar a frame as high as its probability, its anomalous frames."""
    heading = Text.assemble((video["key"], "bold"), "  ", verdict_text(video))
    if video["confidence"] is not None:
        heading.append(f"  confidence {video['confidence']:.3f}")
    if video["error"]:
        heading.append(f"\n{video['error']}", "yellow")
    out.print(heading, soft_wrap=True)
    if not frames:
        return
    out.print(Text.assemble(*map(_bar, frames)))
    out.print(f"[dim]0 s[/]  {len(frames)} frames, one every {video['seconds_per_frame']} s", highlight=False)
    for frame in frames:
        if frame["is_anomalous"] or frame["reason"]:
            line = Text.assemble(f"{seconds_text(frame['seconds']):>8}  ", verdict_of_frame(frame))
            out.print(line.append(f"  {frame['reason'] or frame['heat_map_key']}", "dim"), soft_wrap=True)


def verdict_text(video: dict[str, Any]) -> Text:
    """A video's verdict or its state, in a word or two, coloured."""
    if video["is_anomalous"] is None:
        failed = video["status"] in {"ERROR", "CANCELED", "REJECTED"}
        return Text(video["status"].lower(), style="yellow" if failed else "cyan")
    return Text("Anomalous", style="bold red") if video["is_anomalous"] else Text("Normal", style="green")


def verdict_of_frame(frame: dict[str, Any]) -> Text:
    """A frame's verdict with its probability of being anomalous."""
    if frame["is_anomalous"] is None:
        return Text(frame["status"].lower(), style="yellow")
    style = "red" if frame["is_anomalous"] else "green"
    return Text(f"p {frame['probability']:.3f}", style=style)


def seconds_text(seconds: float | None) -> str:
    """A time in a video, `1:05` or `0:05`; a dash where there is none."""
    return "-" if seconds is None else f"{int(seconds) // 60}:{int(seconds) % 60:02}"


def _bar(frame: dict[str, Any]) -> tuple[str, str]:
    if frame["probability"] is None:
        return "?", "yellow"
    height = min(int(frame["probability"] * len(_BLOCKS)), len(_BLOCKS) - 1)
    return _BLOCKS[height], "red" if frame["is_anomalous"] else "green"
