"""Manifests in S3, read line by line: they may be larger than the function's memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from chalicelib.aws_errors import error_code
from chalicelib.exceptions import ManifestUnreadableError
from chalicelib.lookout.api.dataset_entries import split_lines

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from mypy_boto3_s3 import S3Client

MAX_BYTES = 10**9
_GONE = {"NoSuchKey", "NoSuchVersion", "404", "MethodNotAllowed", "405"}
_FORBIDDEN = {"AccessDenied", "403", "Forbidden"}


class ManifestSource:
    """Reads manifests.

    Args:
        s3: S3 client.
    """

    def __init__(self, s3: S3Client) -> None:
        self._s3 = s3

    def lines(self, place: Mapping[str, Any]) -> Iterator[bytes]:
        """A manifest's lines, without their ends.

        Args:
            place: Members of `InputS3Object`.

        Raises:
            ManifestUnreadableError: It is not there, may not be read, or is larger than 1 GB.
            ClientError: S3 failed in a way that a retry may mend.
        """
        name = f"s3://{place['Bucket']}/{place['Key']}"
        try:
            answer = self._s3.get_object(
                **{key: place[key] for key in ("Bucket", "Key", "VersionId") if key in place}
            )
        except ClientError as error:
            if reason := _reason(error_code(error), name):
                raise ManifestUnreadableError(reason) from error
            raise
        if answer["ContentLength"] > MAX_BYTES:
            message = f"The manifest {name} has {answer['ContentLength'] / 1e9:.1f} GB; 1 GB is allowed."
            raise ManifestUnreadableError(message)
        return split_lines(answer["Body"].iter_chunks(1 << 20))


def _reason(code: str, name: str) -> str | None:
    if code in _GONE:
        return f"The manifest {name} is not there: check bucket, key and version (capitals count)."
    if code == "NoSuchBucket":
        return f"The bucket of the manifest {name} does not exist."
    if code == "InvalidObjectState":
        return f"The manifest {name} is archived: restore it first."
    if code in _FORBIDDEN:
        return (
            f"The manifest {name} may not be read: the Terraform variable dataset_bucket_arns has to name "
            "its bucket; the bucket's own policy, or the key that encrypts it, may refuse all the same."
        )
    return None
