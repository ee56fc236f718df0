"""The permissions that calls of S3 need: https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-with-s3-policy-actions.html."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import unquote

from localaws.exceptions import OperationUnknownError
from localaws.iam.needs import Need

if TYPE_CHECKING:
    from collections.abc import Mapping

# Query parameters that only shape or name what is read; any other makes the request another operation.
_PLAIN = frozenset(
    {
        "versionId", "x-id", "list-type", "prefix", "delimiter", "max-keys", "continuation-token", "marker",
        "start-after", "encoding-type", "fetch-owner", "key-marker", "version-id-marker", "partNumber",
        "uploadId", "uploads", "versions",
    }
)  # fmt: skip


def split(path: str) -> tuple[str, str]:
    """Bucket and key of a path-style address; the key is empty for the bucket itself."""
    bucket, _, key = path.removeprefix("/").partition("/")
    return bucket, key


def needs(method: str, path: str, query: Mapping[str, str], headers: Mapping[str, str]) -> list[Need]:
    """What a request must be allowed.

    Args:
        method: HTTP method.
        path: Decoded path; the bucket comes first.
        query: Decoded query.
        headers: By lower-case name.

    Raises:
        OperationUnknownError: It is none of the operations that functions use.
    """
    bucket, key = split(path)
    plain = all(name in _PLAIN or name.startswith(("X-Amz-", "response-")) for name in query)
    needed = _of_object(method, f"arn:aws:s3:::{bucket}/{key}", query, headers) if key else None
    if bucket and not key:
        needed = _of_bucket(method, f"arn:aws:s3:::{bucket}", query)
    if needed is None or not plain:
        message = f"s3 {method} {path} {sorted(query)} is not known to the IAM of the embedded AWS."
        raise OperationUnknownError(message)
    return needed


def _of_bucket(method: str, arn: str, query: Mapping[str, str]) -> list[Need] | None:
    context = {f"s3:{name}": query[name] for name in ("prefix", "delimiter", "max-keys") if name in query}
    if method == "HEAD" or (method == "GET" and not {"versions", "uploads"} & set(query)):
        return [Need("s3:ListBucket", arn, context)]
    if method == "GET" and "versions" in query:
        return [Need("s3:ListBucketVersions", arn, context)]
    return None


def _of_object(
    method: str, arn: str, query: Mapping[str, str], headers: Mapping[str, str]
) -> list[Need] | None:
    version = "Version" if "versionId" in query else ""
    if method in {"GET", "HEAD"} and "uploadId" not in query:
        return [Need(f"s3:GetObject{version}", arn)]
    if method == "DELETE":
        return [Need("s3:AbortMultipartUpload" if "uploadId" in query else f"s3:DeleteObject{version}", arn)]
    if method == "PUT" or (method == "POST" and {"uploads", "uploadId"} & set(query)):
        return [Need("s3:PutObject", arn), *_of_headers(arn, headers)]
    return None


def _of_headers(arn: str, headers: Mapping[str, str]) -> list[Need]:
    """What headers of a PUT ask for besides: If-Match looks at the old object, a copy reads its source."""
    needed = []
    if "if-match" in headers:
        needed.append(Need("s3:GetObject", arn))
    if "x-amz-tagging" in headers:
        needed.append(Need("s3:PutObjectTagging", arn))
    if "x-amz-acl" in headers:
        needed.append(Need("s3:PutObjectAcl", arn))
    if source := unquote(headers.get("x-amz-copy-source", "")).lstrip("/"):
        name, _, version = source.partition("?versionId=")
        needed.append(Need("s3:GetObjectVersion" if version else "s3:GetObject", f"arn:aws:s3:::{name}"))
    return needed
