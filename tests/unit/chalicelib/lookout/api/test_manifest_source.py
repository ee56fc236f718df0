"""A manifest in S3 is read line by line, or it is said why it can never be."""

from __future__ import annotations

import io
from typing import Any, cast

import pytest
from botocore.exceptions import ClientError
from botocore.response import StreamingBody

from chalicelib.exceptions import ManifestUnreadableError
from chalicelib.lookout.api.manifest_source import MAX_BYTES, ManifestSource

PLACE = {"Bucket": "my-bucket", "Key": "train.manifest"}


class S3:
    """Answers, or refuses with a code."""

    def __init__(self, content: bytes = b"", *, size: int | None = None, code: str = "") -> None:
        self._content, self._code = content, code
        self._size = len(content) if size is None else size
        self.asked: dict[str, Any] = {}

    def get_object(self, **request: Any) -> dict[str, Any]:
        self.asked = request
        if self._code:
            raise ClientError({"Error": {"Code": self._code, "Message": ""}}, "GetObject")
        body = StreamingBody(cast("Any", io.BytesIO(self._content)), len(self._content))
        return {"Body": body, "ContentLength": self._size}

    def lines(self, **more: str) -> list[bytes]:
        return list(ManifestSource(cast("Any", self)).lines({**PLACE, **more}))


def test_lines_come_without_their_ends() -> None:
    content = b'{"a": 1}\r\n' + b"x" * (3 << 20) + b"\n\nlast"
    assert len(S3(content).lines()) == 4
    assert S3(b"one\ntwo\n").lines() == [b"one", b"two"]


def test_the_version_that_is_named_is_asked_for() -> None:
    s3 = S3(b"one")
    s3.lines(VersionId="v1")
    assert s3.asked == {**PLACE, "VersionId": "v1"}
    s3.lines()
    assert s3.asked == PLACE


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("NoSuchKey", "is not there"),
        ("NoSuchVersion", "is not there"),
        ("MethodNotAllowed", "is not there"),
        ("NoSuchBucket", "does not exist"),
        ("InvalidObjectState", "restore it first"),
        ("AccessDenied", "the Terraform variable dataset_bucket_arns has to name its bucket"),
    ],
)
def test_what_no_retry_can_mend_is_told_with_what_to_do(code: str, said: str) -> None:
    with pytest.raises(ManifestUnreadableError, match=f"s3://my-bucket/train.manifest.*{said}"):
        S3(code=code).lines()


@pytest.mark.parametrize("code", ["SlowDown", "InternalError", "503"])
def test_what_a_retry_may_mend_is_a_fault(code: str) -> None:
    with pytest.raises(ClientError, match=code):
        S3(code=code).lines()


def test_a_manifest_of_more_than_a_gigabyte_is_refused() -> None:
    with pytest.raises(ManifestUnreadableError, match=r"has 1\.2 GB; 1 GB is allowed"):
        S3(size=1_200_000_000).lines()
    assert S3(b"one", size=MAX_BYTES).lines() == [b"one"]
