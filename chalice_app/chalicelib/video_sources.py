"""The object that MediaConvert reads: a copy of exactly the uploaded version, where nobody overwrites it.

A job's FileInput names a bucket and a key, never a version (service model, `Input.FileInput`), and
MediaConvert reads it whenever the job's turn comes. An upload of the same name in between would be judged in
the place of this one. docs/adr/0008-a-copy-for-each-job.md weighs the alternatives.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from boto3.s3.transfer import TransferConfig
from botocore.exceptions import ClientError

from chalicelib.exceptions import PictureRejectedError
from chalicelib.objects import ObjectReader

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

    from chalicelib.events import ObjectVersion

SOURCES_PREFIX = "video_sources/"
"""Where the copies lie in the videos bucket; nothing listens there, and they expire."""

_MAX_STEM = 200
_UNUSUAL = re.compile(r"[^A-Za-z0-9._-]")
# S3 copies on its own side; parts are for large videos, which would outlast one request's time-out.
_TRANSFER = TransferConfig(
    multipart_threshold=256 * 2**20, multipart_chunksize=64 * 2**20, max_concurrency=16
)


class VideoSources:
    """Copies uploaded versions to where their jobs read them.

    Args:
        s3: S3 client.
    """

    def __init__(self, s3: S3Client) -> None:
        self._s3 = s3
        self._objects = ObjectReader(s3)

    def copy(self, version: ObjectVersion, video_id: str) -> str:
        """Copies one version; again and again with the same outcome.

        Returns:
            The copy's address, `s3://bucket/key`.

        Raises:
            PictureRejectedError: The version is gone, archived, or encrypted with a key that the function may
                not use; trying again cannot help.
            ClientError: S3 failed in a way that a retry may mend.
        """
        key = source_key(video_id, version.key)
        # Tags would need permissions of their own, and say nothing about a copy.
        settings = {"TaggingDirective": "REPLACE"}
        source: Any = {"Bucket": version.bucket, "Key": version.key}
        if version.version_id is not None:
            source["VersionId"] = version.version_id
        elif version.etag:
            settings["CopySourceIfMatch"] = version.etag
        try:
            self._s3.copy(source, version.bucket, key, ExtraArgs=settings, Config=_TRANSFER)
        except ClientError as error:
            if (reason := self._objects.reason(version, error)) is None:
                raise
            raise PictureRejectedError(reason) from error
        return f"s3://{version.bucket}/{key}"


def source_key(video_id: str, key: str) -> str:
    """Where the copy of a video lies: a folder of its own, and the file's name in plain characters.

    The notebook profile names its frames after this file. A key may have 1,024 bytes of anything; a name of
    plain characters, cut at 200, leaves room for the frame's number and nothing to misread.
    """
    stem, dot, extension = _UNUSUAL.sub("_", key.rpartition("/")[2]).rpartition(".")
    if not stem:
        stem, dot, extension = extension, "", ""
    return f"{SOURCES_PREFIX}{video_id}/{stem[:_MAX_STEM]}{dot}{extension[:_MAX_STEM]}"
