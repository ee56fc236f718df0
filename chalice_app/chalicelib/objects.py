"""Reads uploaded objects: exactly the version that an event names, into memory, or says why not."""

from __future__ import annotations

import re
from email.errors import HeaderParseError
from email.header import decode_header, make_header
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from chalicelib.exceptions import PictureRejectedError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import GetObjectOutputTypeDef

    from chalicelib.events import ObjectVersion

_GONE = {"NoSuchKey", "NoSuchVersion", "404", "MethodNotAllowed", "405"}
_REPLACED = {"PreconditionFailed", "412"}
_FORBIDDEN = {"AccessDenied", "403", "Forbidden"}
_UNUSABLE_KEY = {"KMS.DisabledException", "KMS.KMSInvalidStateException", "KMS.NotFoundException"}
_KMS_KEY = re.compile(r"arn:[\w-]+:kms:[\w-]+:\d+:(?:key|alias)/[\w/-]+")


class StoredObject:
    """One version of an object, whose content has not been read yet.

    Args:
        answer: What GetObject said.

    Attributes:
        metadata: `x-amz-meta-*`, names without the prefix, values decoded.
    """

    def __init__(self, answer: GetObjectOutputTypeDef) -> None:
        self._body = answer["Body"]
        self._size = answer["ContentLength"]
        self.metadata: Mapping[str, str] = _decoded(answer["Metadata"])

    def read(self, max_bytes: int) -> bytes:
        """Reads the content, once.

        Args:
            max_bytes: Nothing larger is read.

        Raises:
            PictureRejectedError: It is larger.
        """
        with self._body as body:
            if self._size > max_bytes:
                size, limit = self._size / 1e6, max_bytes / 1e6
                reason = f"The file is too large: {size:.1f} MB, and the limit is {limit:g} MB."
                raise PictureRejectedError(reason)
            return body.read()


class ObjectReader:
    """Opens versions of objects.

    Args:
        s3: S3 client.
    """

    def __init__(self, s3: S3Client) -> None:
        self._s3 = s3

    def open(self, version: ObjectVersion) -> StoredObject:
        """Opens exactly one version, never its successor.

        Raises:
            PictureRejectedError: It is gone, archived, or encrypted with a key that the function may not use;
                trying again cannot help.
            ClientError: S3 failed in a way that a retry may mend.
        """
        try:
            return StoredObject(self._s3.get_object(**_address(version)))
        except ClientError as error:
            if (reason := self.reason(version, error)) is None:
                raise
            raise PictureRejectedError(reason) from error

    def reason(self, version: ObjectVersion, error: ClientError) -> str | None:
        """Why a version can never be read; None when a retry may help."""
        code, message = error.response["Error"]["Code"], error.response["Error"].get("Message", "")
        if code in _GONE:
            return "The object is gone: it was deleted before it could be judged."
        if code in _REPLACED:
            return "The object is gone: it was replaced before it could be judged."
        if code == "InvalidObjectState":
            return "The object is archived: restore it, then upload it again."
        if code == "InvalidRequest" and "Server Side Encryption" in message:
            return "The object is encrypted with a key that only its uploader has (SSE-C): upload it without."
        if code in _FORBIDDEN | _UNUSABLE_KEY and (key := self._kms_key(version, message)) is not None:
            return (
                f"The object is encrypted with the KMS key {key}, which the function may not use: allow its "
                "role kms:Decrypt on that key, then upload the object again."
            )
        return None

    def _kms_key(self, version: ObjectVersion, message: str) -> str | None:
        """The KMS key in the way, if that is why S3 refused: in its message, or the object's head.

        HeadObject needs no kms:Decrypt: where it succeeds, s3:GetObject is not what was missing.
        """
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
