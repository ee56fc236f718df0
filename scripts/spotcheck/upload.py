"""`spotcheck upload`: pictures and videos into their buckets, verdicts as they arrive."""

from __future__ import annotations

import mimetypes
import os
import time
from email.header import Header
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.text import Text

from spotcheck import targets
from spotcheck.console import err, out
from spotcheck.exceptions import UploadError
from spotcheck.verdicts import Upload, line, send_and_follow
from spotcheck.videos import VIDEO_PREFIX, follow_with_progress, is_video, print_time_line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from spotcheck.verdicts import Outcome

IMAGE_PREFIX = "image_inputs/"
_ONE_REQUEST_BYTES = 8 * 2**20  # larger files go in parts


def upload(
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE…", help="Pictures and videos, or folders of them.")
    ],
    *,
    prefix: Annotated[str, typer.Option(help="Put pictures under this key prefix.")] = IMAGE_PREFIX,
    metadata: Annotated[
        list[str] | None, typer.Option(metavar="NAME=VALUE", help="Object metadata; kept with the result.")
    ] = None,
    wait: Annotated[bool, typer.Option("--wait/--no-wait", help="Wait for the verdicts.")] = True,
    timeout: Annotated[float, typer.Option(help="Seconds to wait for each picture's verdict.")] = 60.0,
    video_timeout: Annotated[float, typer.Option(help="Seconds to wait for each video's verdict.")] = 3600.0,
    local: Annotated[bool, typer.Option("--local", help="To the embedded AWS.")] = False,
    aws: Annotated[bool, typer.Option("--aws", help="To the AWS account.")] = False,
) -> None:
    """Upload pictures and videos and print each verdict as it arrives.

    Folders are uploaded whole, hidden files left out. Exit code 1 when an upload failed, or has no result
    in time.
    """
    named = name_files(files)
    marks = parse_metadata(metadata or [])
    prefix = as_prefix(prefix)
    target = targets.resolve(local=local, aws=aws)
    films = [source for source in named if is_video(source[1])]
    pictures = [source for source in named if source not in films]
    s3 = target.client("s3")
    to_images = Sender(s3, target.outputs["images_bucket"], prefix, marks)
    to_videos = Sender(s3, target.outputs["videos_bucket"], VIDEO_PREFIX, marks)
    if wait:
        outcomes = send_and_follow(pictures, to_images.send, record_finder(target), timeout=timeout)
    else:
        outcomes = _send_only(to_images, pictures)
    failed = _show(outcomes, len(pictures), wait=wait)
    if wait:
        failed += sum(not _follow_video(target, to_videos, film, video_timeout) for film in films)
    else:
        failed += _show(_send_only(to_videos, films), len(films), wait=wait)
    if failed:
        raise typer.Exit(1)


def _follow_video(target: targets.Target, sender: Sender, source: tuple[str, Path], timeout: float) -> bool:
    """Uploads a video and prints its time line; False when it failed or has no verdict in time."""
    table = target.video_table()
    try:
        sent = sender.send(source)
    except UploadError as error:
        err.print(Text(str(error), style="red"), soft_wrap=True)
        return False
    video = follow_with_progress(table, sent, timeout)
    if video is None:
        err.print(Text(f"s3://{sent.bucket}/{sent.key}: no result in time", style="red"), soft_wrap=True)
        return False
    frames = [record.to_json() for record in target.results_table().of_video(video.video_id)]
    print_time_line(video.to_json(), frames)
    return video.status.is_final


class Sender:
    """Uploads files into one bucket under one prefix.

    Args:
        s3: The S3 client; used from several threads.
        bucket: The images bucket.
        prefix: What every key begins with.
        metadata: The object metadata of every upload.
    """

    def __init__(self, s3: Any, bucket: str, prefix: str, metadata: dict[str, str] | None = None) -> None:  # noqa: ANN401 - boto3's client, or a fake
        self._s3 = s3
        self._bucket = bucket
        self._prefix = prefix
        self._metadata = metadata or {}

    def send(self, named: tuple[str, Path]) -> Upload:
        """Uploads one file under its name and tells which object version it became.

        Raises:
            UploadError: The file cannot be read, or S3 refused it.
        """
        from boto3.exceptions import S3UploadFailedError
        from botocore.exceptions import BotoCoreError, ClientError

        from chalicelib.identity import request_id

        name, path = named
        key = f"{self._prefix}{name}"
        try:
            version = self._put(key, path)
        except (OSError, BotoCoreError, ClientError, S3UploadFailedError) as error:
            msg = f"{path}: not uploaded: {error}"
            raise UploadError(msg) from error
        finished = time.monotonic()
        return Upload(self._bucket, key, version, request_id(self._bucket, key, version), finished)

    def _put(self, key: str, path: Path) -> str:
        content_type = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
        settings = {"ContentType": content_type, "Metadata": self._metadata}
        if path.stat().st_size <= _ONE_REQUEST_BYTES:
            answer = self._s3.put_object(Bucket=self._bucket, Key=key, Body=path.read_bytes(), **settings)
        else:
            self._s3.upload_file(str(path), self._bucket, key, ExtraArgs=settings)
            answer = self._s3.head_object(Bucket=self._bucket, Key=key)
        version = answer.get("VersionId")
        if version in (None, "null"):
            msg = f"bucket {self._bucket} is not versioned: apply the stack again"
            raise UploadError(msg)
        return str(version)


def record_finder(target: targets.Target) -> Callable[[str], dict[str, Any] | None]:
    """A function that gives the record of a request id as `spotcheck results --json` shows it, or none."""
    table = target.results_table()

    def find(request_id: str) -> dict[str, Any] | None:
        record = table.get(request_id)
        return None if record is None else record.to_json()

    return find


def name_files(paths: Sequence[Path]) -> list[tuple[str, Path]]:
    """Gives each file the name that it gets below the prefix; no two files get the same.

    A file keeps its base name, a file of a folder its path inside that folder. Where that would give two
    files one name, every file gets its path below the folder that all have in common.

    Raises:
        UploadError: A path does not exist, or there is no file at all.
    """
    names: dict[Path, str] = {}
    for path in paths:
        if not path.exists():
            msg = f"{path}: no such file or folder"
            raise UploadError(msg)
        for file in _files_below(path) if path.is_dir() else [path]:
            name = file.relative_to(path) if path.is_dir() else PurePosixPath(file.name)
            names.setdefault(Path(os.path.abspath(file)), name.as_posix())  # noqa: PTH100 - keeps links
    if not names:
        msg = f"no files in {', '.join(str(path) for path in paths)}"
        raise UploadError(msg)
    if len(set(names.values())) < len(names):
        common = os.path.commonpath([file.parent for file in names])
        names = {file: file.relative_to(common).as_posix() for file in names}
    return [(name, file) for file, name in names.items()]


def parse_metadata(pairs: Iterable[str]) -> dict[str, str]:
    """Reads `name=value` options; values beyond ASCII are encoded as S3 wants them (RFC 2047).

    Raises:
        typer.BadParameter: An option has no `=`, or an empty name.
    """
    metadata = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or not name.strip():
            msg = f"{pair!r} is not NAME=VALUE"
            raise typer.BadParameter(msg)
        metadata[name.strip()] = value if value.isascii() else Header(value, "utf-8").encode(maxlinelen=0)
    return metadata


def _files_below(folder: Path) -> list[Path]:
    return sorted(
        file
        for file in folder.rglob("*")
        if file.is_file() and not any(part.startswith(".") for part in file.relative_to(folder).parts)
    )


def as_prefix(prefix: str) -> str:
    """A key prefix, with its slash, that a handler listens to.

    Raises:
        typer.BadParameter: No handler judges what is uploaded there.
    """
    known = (IMAGE_PREFIX, VIDEO_PREFIX)
    prefix = prefix if not prefix or prefix.endswith("/") else f"{prefix}/"
    if not prefix.startswith(known):
        msg = f"nothing judges uploads under {prefix!r}: it must begin with {' or '.join(known)}"
        raise typer.BadParameter(msg)
    return prefix


def _send_only(sender: Sender, named: list[tuple[str, Path]]) -> Iterator[Outcome]:
    from concurrent.futures import ThreadPoolExecutor

    from spotcheck.verdicts import Outcome

    def attempt(source: tuple[str, Path]) -> Outcome:
        try:
            return Outcome(source, sender.send(source))
        except UploadError as error:
            return Outcome(source, None, error=str(error))

    with ThreadPoolExecutor(8) as pool:
        yield from pool.map(attempt, named)


def _show(outcomes: Iterable[Outcome], total: int, *, wait: bool) -> int:
    """Prints each outcome beside a progress bar; gives how many are failures."""
    from rich.progress import Progress

    failed = 0
    with Progress(console=err, transient=True) as progress:
        task = progress.add_task("uploading", total=total)
        for outcome in outcomes:
            _print_outcome(outcome, wait=wait)
            failed += outcome.error is not None or (wait and not outcome.has_result)
            progress.advance(task)
    return failed


def _print_outcome(outcome: Outcome, *, wait: bool) -> None:
    if outcome.upload is None:
        err.print(Text(outcome.error or "", style="red"), soft_wrap=True)
        return
    where = f"s3://{outcome.upload.bucket}/{outcome.upload.key}"
    if outcome.record is not None:
        out.print(line(outcome.record, outcome.seconds), soft_wrap=True)
    elif wait:
        err.print(Text(f"{where}: no result in time", style="red"), soft_wrap=True)
    else:
        out.print(Text(where), soft_wrap=True)
    if outcome.record is not None and not outcome.has_result:
        err.print("[dim]no model is published: `spotcheck publish` releases it[/]")
