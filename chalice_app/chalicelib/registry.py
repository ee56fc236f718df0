"""The models bucket: versions of a project's model, and which of them is current.

`projects/<project>/models/<n>/` holds `model.onnx` and what belongs to it; `model.json`, written last, makes
the version exist. `projects/<project>/current.json` names the version to judge with, or none when hosting was
stopped.
"""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from chalicelib.aws_errors import error_code
from chalicelib.exceptions import ModelInvalidError, ModelNotFoundError
from chalicelib.onnx_file import MAX_MODEL_BYTES
from chalicelib.records import timestamp

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from mypy_boto3_s3 import S3Client

_POINTER_SECONDS = 60.0
_TAKEN = {"PreconditionFailed", "412", "ConditionalRequestConflict", "409"}
_MISSING = {"NoSuchKey", "404"}


@dataclass(frozen=True, slots=True)
class ModelEntry:
    """One published version.

    Attributes:
        project: Lookout project.
        version: `1`, `2`, ...
        sha256: Of `model.onnx`, hexadecimal.
        size: Of `model.onnx`, in bytes.
    """

    project: str
    version: str
    sha256: str
    size: int


class ModelRegistry:
    """Finds, fetches and publishes models of one project.

    Args:
        s3: S3 client.
        bucket: The models bucket.
        project: Lookout project.
        pinned_version: Judge with this version whatever the pointer says.
        clock: Seconds, monotonic.
    """

    def __init__(
        self,
        s3: S3Client,
        bucket: str,
        project: str,
        *,
        pinned_version: str | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._s3 = s3
        self._bucket = bucket
        self._project = project
        self._pinned = pinned_version
        self._clock = clock
        self._current: tuple[float, ModelEntry] | None = None

    def current(self) -> ModelEntry:
        """The version to judge with: the pinned one, else the pointer's, read at most once a minute.

        Raises:
            ModelNotFoundError: Nothing is published, nothing is hosted, or the pinned version does not exist.
                Never remembered: the next call looks again.
        """
        now = self._clock()
        if self._current is not None and now - self._current[0] < _POINTER_SECONDS:
            return self._current[1]
        entry = self._entry(self._pinned or self._pointer())
        self._current = (now, entry)
        return entry

    def download(self, entry: ModelEntry) -> bytes:
        """Fetches a version's ONNX file.

        Raises:
            ModelInvalidError: It is not what was published.
        """
        answer = self._s3.get_object(Bucket=self._bucket, Key=self._key(entry.version, "model.onnx"))
        # No more than was published (and may be loaded) comes into memory, whatever lies there.
        model = answer["Body"].read(min(entry.size, MAX_MODEL_BYTES) + 1)
        if len(model) != entry.size or sha256(model).hexdigest() != entry.sha256:
            message = (
                f"Model {entry.version} of project {entry.project} in bucket {self._bucket} is damaged: its "
                "checksum is not the one it was published with. Publish it again."
            )
            raise ModelInvalidError(message)
        return model

    def publish(self, model: bytes, files: Mapping[str, bytes]) -> ModelEntry:
        """Uploads a model as the next version and makes it current.

        Args:
            model: The ONNX file.
            files: What belongs to it, by name (`evaluation.json`, `report.html`).

        Returns:
            The new version. Two publishers at once get two versions.
        """
        entry = self.register(self.claim(), model, files)
        self._point_at(int(entry.version))
        return entry

    def claim(self) -> str:
        """Takes the next version number for the caller alone; it is never given again."""
        number = max((int(version) for version, _ in self._files()), default=0) + 1
        while not self._claim(str(number)):
            number += 1
        return str(number)

    def register(self, version: str, model: bytes, files: Mapping[str, bytes]) -> ModelEntry:
        """Uploads a model as a version, which exists from then on; what is current stays so.

        Args:
            version: From `claim`.
            model: The ONNX file.
            files: What belongs to it, by name.

        Returns:
            The version, by whoever registered it first.
        """
        if "model.json" in {file for taken, file in self._files() if taken == version}:
            return self._entry(version)
        entry = ModelEntry(self._project, version, sha256(model).hexdigest(), len(model))
        for name, content in {"model.onnx": model, **files}.items():
            self._put(self._key(version, name), content)
        details = {**asdict(entry), "created_at": timestamp(datetime.now(UTC))}
        try:
            self._put(self._key(version, "model.json"), json.dumps(details).encode(), IfNoneMatch="*")
        except ClientError as error:
            if error_code(error) not in _TAKEN:
                raise
            return self._entry(version)
        return entry

    def entry(self, version: str) -> ModelEntry:
        """One published version, whichever is current.

        Raises:
            ModelNotFoundError: There is none of that number.
        """
        return self._entry(version)

    def point_at(self, version: str) -> ModelEntry:
        """Makes a published version current, be it older or newer than the one that is.

        Raises:
            ModelNotFoundError: There is none of that number.
        """
        entry = self._entry(version)
        self._put_pointer({"version": version})
        return entry

    def pointed_at(self) -> str | None:
        """The version to judge with, read anew: the pinned one, else the pointer's, else None."""
        return self._pinned or self._read_pointer()[0]["version"]

    def point_at_none(self, version: str, instead: str | None = None) -> bool:
        """Takes a version's place away; without another its project's uploads wait from then on.

        Args:
            version: Only if it is this one that is current.
            instead: The version that is current from then on; None is none.

        Returns:
            Whether it was.
        """
        while True:
            pointer, etag = self._read_pointer()
            if etag is None or pointer["version"] != version:
                return False
            if self._put_pointer({"version": instead, "stopped": version}, IfMatch=etag):
                return True

    def versions(self) -> list[ModelEntry]:
        """Every published version, oldest first."""
        versions = [version for version, file in self._files() if file == "model.json"]
        return [self._entry(version) for version in sorted(versions, key=int)]

    def _files(self) -> Iterator[tuple[str, str]]:
        """Version and name of every file of every version, claimed and unfinished ones included."""
        prefix = f"projects/{self._project}/models/"
        pages = self._s3.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=prefix)
        for found in (found for page in pages for found in page.get("Contents", [])):
            version, _, file = found["Key"].removeprefix(prefix).partition("/")
            if version.isdecimal():
                yield version, file

    def _claim(self, version: str) -> bool:
        """Takes a version number for this publisher alone; False when it is taken."""
        try:
            self._put(self._key(version, "claimed"), b"", IfNoneMatch="*")
        except ClientError as error:
            if error_code(error) in _TAKEN:
                return False
            raise
        return True

    def _point_at(self, number: int) -> None:
        """Makes a version current, unless a publisher that began later was quicker."""
        while True:
            pointer, etag = self._read_pointer()
            if int(pointer["version"] or 0) > number:
                return
            condition = {"IfMatch": etag} if etag else {"IfNoneMatch": "*"}
            if self._put_pointer({"version": str(number)}, **condition):
                return

    def _read_pointer(self) -> tuple[dict[str, Any], str | None]:
        """The pointer and its ETag; an empty one and None where there is none yet."""
        try:
            answer = self._s3.get_object(Bucket=self._bucket, Key=self._pointer_key)
        except ClientError as error:
            if error_code(error) not in _MISSING:
                raise
            return {"version": None}, None
        return dict(json.loads(answer["Body"].read())), answer["ETag"]

    def _put_pointer(self, pointer: Mapping[str, str | None], **condition: str) -> bool:
        """Writes the pointer; False when the condition is not met."""
        self._current = None
        try:
            self._put(self._pointer_key, json.dumps(pointer).encode(), **condition)
        except ClientError as error:
            if condition and error_code(error) in _TAKEN | _MISSING:
                return False
            raise
        return True

    def _pointer(self) -> str:
        missing = f"No model is published for project {self._project}: train one, then `spotcheck publish`."
        version = self._json(self._pointer_key, missing)["version"]
        if version is None:
            message = f"No model of project {self._project} is hosted: start one, or `spotcheck publish`."
            raise ModelNotFoundError(message)
        return str(version)

    def _entry(self, version: str) -> ModelEntry:
        missing = f"Model version {version} of project {self._project} does not exist in {self._bucket}."
        details = self._json(self._key(version, "model.json"), missing)
        return ModelEntry(self._project, version, details["sha256"], details["size"])

    def _json(self, key: str, missing: str) -> dict[str, Any]:
        try:
            content = self._s3.get_object(Bucket=self._bucket, Key=key)["Body"].read()
        except ClientError as error:
            if error_code(error) in _MISSING:
                raise ModelNotFoundError(missing) from error
            raise
        return dict(json.loads(content))

    def _put(self, key: str, content: bytes, **conditions: Any) -> None:  # noqa: ANN401 - boto3's own
        self._s3.put_object(Bucket=self._bucket, Key=key, Body=content, **conditions)

    def _key(self, version: str, file: str) -> str:
        return f"projects/{self._project}/models/{version}/{file}"

    @property
    def _pointer_key(self) -> str:
        return f"projects/{self._project}/current.json"
