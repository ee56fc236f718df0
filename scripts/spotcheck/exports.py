"""Where an exported Lookout for Vision dataset lies: a folder or S3, and which of its files are manifests.

AWS's export script wrote `datasets/<split>.manifest`, `<split>/images/<old key>` and
`<split>/masks/<old key>` below a prefix; the console wrote
`datasets/<project>/<split>/manifests/output/output.manifest`, far from the pictures.
"""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, Protocol

from spotcheck.exceptions import DatasetError, InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from chalicelib.lookout.entries import Location

_MANIFEST_FOLDERS = ("datasets", "manifests")
_OTHER_ENDINGS = (".jsonl", ".json", ".txt", ".lst")
_EVALUATION = re.compile(r"Evaluation(Result|Manifest)-")
_TEST = re.compile(r"(?<![a-z])(test|testing|validation)(?![a-z])")
_TRAIN = re.compile(r"(?<![a-z])(train|training)(?![a-z])")


class Export(Protocol):
    """The files of an export, by their paths below its top."""

    @property
    def title(self) -> str:
        """Where it lies, for people."""

    @property
    def name(self) -> str:
        """The last part of that."""

    def names(self) -> Sequence[str]:
        """All files, in order."""

    def read(self, name: str) -> bytes:
        """A file's content; `name` may be an S3 URI, too, where the export lies in S3.

        Raises:
            InputError: It cannot be read.
        """

    def direct(self, location: Location) -> str | None:
        """A name for a file outside the export, where there may be one."""


class LocalExport:
    """An export in a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.title = str(folder)
        self.name = folder.resolve().name

    def names(self) -> Sequence[str]:
        """All files that are not hidden, in order."""
        relative = (path.relative_to(self._folder) for path in self._folder.rglob("*") if path.is_file())
        return sorted(path.as_posix() for path in relative if not any(p.startswith(".") for p in path.parts))

    def path(self, name: str) -> Path:
        """The file itself."""
        return self._folder / name

    def read(self, name: str) -> bytes:
        """A file's content."""
        try:
            return self.path(name).read_bytes()
        except OSError as error:
            message = f"{self.path(name)} cannot be read: {error.strerror or error}"
            raise InputError(message) from error

    def direct(self, location: Location) -> str | None:
        """Nothing: a folder has no outside."""
        del location
        return None


class S3Export:
    """An export below a prefix in S3."""

    def __init__(self, s3: Any, bucket: str, prefix: str) -> None:  # noqa: ANN401 - made at run time
        self._s3, self._bucket = s3, bucket
        self._names: Sequence[str] | None = None
        self._prefix = prefix.strip("/") + "/" if prefix.strip("/") else ""
        self.title = f"s3://{bucket}/{self._prefix}"
        self.name = PurePosixPath(self._prefix or bucket).name

    def names(self) -> Sequence[str]:
        """All objects below the prefix, in order.

        Raises:
            InputError: The bucket cannot be listed.
        """
        from botocore.exceptions import BotoCoreError, ClientError

        if self._names is not None:
            return self._names
        pages = self._s3.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=self._prefix)
        try:
            keys = [item["Key"] for page in pages for item in page.get("Contents", ())]
        except (BotoCoreError, ClientError) as error:
            message = (
                f"{self.title} cannot be listed ({error}): check the name, the credentials and their rights"
            )
            raise InputError(message) from error
        self._names = sorted(key[len(self._prefix) :] for key in keys if not key.endswith("/"))
        return self._names

    def read(self, name: str) -> bytes:
        """An object's content."""
        from botocore.exceptions import BotoCoreError, ClientError

        bucket, key = self._bucket, self._prefix + name
        if name.startswith("s3://"):
            bucket, _, key = name.removeprefix("s3://").partition("/")
        try:
            content: bytes = self._s3.get_object(Bucket=bucket, Key=key)["Body"].read()
        except (BotoCoreError, ClientError) as error:
            message = f"s3://{bucket}/{key} cannot be read ({error})"
            raise InputError(message) from error
        return content

    def direct(self, location: Location) -> str | None:
        """The object that the manifest itself names: the console's manifests lie apart from the pictures."""
        return str(location) if location.bucket else None


class OneManifest:
    """An export of which one manifest was named: the others do not count."""

    def __init__(self, export: Export, manifest: str) -> None:
        self._export, self.manifest = export, manifest
        self.title, self.name = export.title, export.name
        self.read, self.direct = export.read, export.direct

    def names(self) -> Sequence[str]:
        """All files."""
        return self._export.names()


def top_of_manifest(path: PurePosixPath) -> PurePosixPath:
    """The folder below which a single manifest's pictures are looked for.

    Examples:
        >>> str(top_of_manifest(PurePosixPath("export/datasets/train.manifest")))
        'export'
        >>> str(top_of_manifest(PurePosixPath("cookies/template.manifest")))
        'cookies'
    """
    folder = path.parent
    return folder.parent if folder.name in _MANIFEST_FOLDERS else folder


def find_manifests(export: Export, names: Iterable[str]) -> dict[str, str]:
    """The manifests of an export: file name by split (`train`, `test`).

    Raises:
        DatasetError: There is none, or more than one for a split.
    """
    if isinstance(export, OneManifest):
        return {split_of(export.manifest): export.manifest}
    plain = [name for name in names if not _EVALUATION.match(PurePosixPath(name).name)]
    found = [name for name in plain if name.endswith(".manifest")]
    found = [name for name in found if "intermediate" not in PurePosixPath(name).parts]
    if not found:
        found = [name for name in plain if name.endswith(_OTHER_ENDINGS) and _is_manifest(export.read(name))]
    by_split: dict[str, str] = {}
    for name in found:
        split = split_of(name)
        if split in by_split:
            message = (
                f"{export.title} holds two manifests of the {split} dataset ({by_split[split]}, {name}): "
                "name the folder of one export, or one manifest"
            )
            raise DatasetError(message)
        by_split[split] = name
    if not by_split:
        message = (
            f"{export.title} holds no manifest (a file *.manifest with one JSON object for each picture): "
            "name the folder that the export script wrote"
        )
        raise DatasetError(message)
    return dict(sorted(by_split.items(), reverse=True))


def split_of(name: str) -> str:
    """Which dataset a manifest is, by the nearest part of its path that tells.

    Examples:
        >>> split_of("datasets/test.manifest"), split_of("test/manifests/output/output.manifest")
        ('test', 'test')
        >>> split_of("template.manifest")
        'train'
    """
    for part in reversed(PurePosixPath(name.lower()).parts):
        if _TEST.search(part):
            return "test"
        if _TRAIN.search(part):
            return "train"
    return "train"


def _is_manifest(content: bytes) -> bool:
    from chalicelib.lookout.manifest import parse_lines

    first = content[:16_384].lstrip().split(b"\n", 1)[0]
    return bool(parse_lines(first, allow_paths=True).manifest.entries)
