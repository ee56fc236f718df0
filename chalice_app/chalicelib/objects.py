"""Reads uploaded objects: exactly the version that an event names, into memory, or says why not."""

from __future__ import annotations

import re
from dataclasses import dataclass
from email.errors import HeaderParseError
from email.header import decode_header, make_header
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from chalicelib.exceptions import PictureRejectedError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mypy_boto3_s3 import S3Client

    from chalicelib.events import ObjectVersion

_GONE = {"NoSuchKey", "NoSuchVersion", "404", "MethodNotAllowed", "405"}
_REPLACED = {"PreconditionFailed", "412"}
_FORBIDDEN = {"AccessDenied", "403", "Forbidden"}
_KMS_KEY = re.compile(r"arn:[\w-]+:kms:[\w-]+:\d+:(?:key|alias)/[\w/-]+")


@dataclass(frozen=True, slots=True)
class StoredObject:
    """An object's content and its own metadata.

    Attributes:
        data: The content.
        metadata: `x-amz-meta-*`, names without the prefix, values decoded.
    """

    data: bytes
    metadata: Mapping[str, str]


class ObjectReader:
    """Reads versions of objects.

    Args:
        s3: S3 client.
        max_bytes: Nothing larger is read.
    """

    def __init__(self, s3: S3Client, max_bytes: int) -> None:
        self._s3 = s3
        self._max_bytes = max_bytes

    def read(self, version: ObjectVersion) -> StoredObject:
        """Reads one version.

        Raises:
            PictureRejectedError: It is gone, too large, archived, or encrypted with a key that the function
                may not use; trying again cannot help.
            ClientError: S3 failed in a way that a retry may mend.
        """
        try:
            answer = self._s3.get_object(**_address(version))
        except ClientError as error:
            raise self._rejection(version, error) from error
        with answer["Body"] as body:
            if answer["ContentLength"] > self._max_bytes:
                size, limit = answer["ContentLength"] / 1e6, self._max_bytes / 1e6
                reason = f"The file is too large: {size:.1f} MB, and the limit is {limit:g} MB."
                raise PictureRejectedError(reason)
            return StoredObject(body.read(), _decoded(answer["Metadata"]))

    def _rejection(self, version: ObjectVersion, error: ClientError) -> Exception:
        """The reason why a version can never be read, or the error itself when a retry may help."""
        code = error.response["Error"]["Code"]
        if code in _GONE:
            return PictureRejectedError("The object is gone: it was deleted before it could be judged.")
        if code in _REPLACED:
            return PictureRejectedError("The object is gone: it was replaced before it could be judged.")
        if code == "InvalidObjectState":
            return PictureRejectedError("The object is archived: restore it, then upload it again.")
        if code in _FORBIDDEN and (key := self._kms_key(version, error)) is not None:
            return PictureRejectedError(
                f"The object is encrypted with the KMS key {key}, which the function may not use: allow its "
                "role kms:Decrypt on that key, then upload the object again."
            )
        return error

    def _kms_key(self, version: ObjectVersion, error: ClientError) -> str | None:
        """The KMS key in the way, if that is why S3 said 403: in its message, or the object's head."""
        message = error.response["Error"].get("Message", "")
        if found := _KMS_KEY.search(message):
            return found[0]
        try:
            return self._s3.head_object(**_address(version)).get("SSEKMSKeyId")
        except ClientError:
            return None


def _address(version: ObjectVersion) -> Any:  # noqa: ANN401 - keyword arguments of two of boto3's methods
    address = {"Bucket": version.bucket, "Key": version.key}
    if version.version_id is not None:
        return address | {"VersionId": version.version_id}
    return address | ({"IfMatch": version.etag} if version.etag else {})


def _decoded(metadata: Mapping[str, str]) -> dict[str, str]:
    """Values as they were given: S3 hands those outside ASCII back encoded by RFC 2047."""
    return {name: _decoded_value(value) for name, value in metadata.items()}


def _decoded_value(value: str) -> str:
    try:
        return str(make_header(decode_header(value)))
    except (HeaderParseError, UnicodeDecodeError, LookupError, ValueError):
        return value
