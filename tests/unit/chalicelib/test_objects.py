"""An upload is read, can never be read, or cannot be read this time."""

from __future__ import annotations

import io
from typing import Any, cast

import pytest
from botocore.exceptions import ClientError
from support_events import object_version

from chalicelib.exceptions import PictureRejectedError
from chalicelib.objects import ObjectReader

KEY_ARN = "arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
# What S3 says where neither identity nor key policy allows kms:Decrypt (observed on AWS, shortened).
NO_DECRYPT = (
    "User: arn:aws:sts::123456789012:assumed-role/spotcheck/detect_image is not authorized to perform: "
    f"kms:Decrypt on resource: {KEY_ARN} because no identity-based policy allows the kms:Decrypt action"
)


class FakeS3:
    """Answers GetObject and HeadObject with what it is given, and remembers what it was asked."""

    def __init__(self, get: object, head: object = None) -> None:
        self._answers = {"get": get, "head": head}
        self.asked: list[dict[str, Any]] = []

    def get_object(self, **request: Any) -> Any:
        return self._answer("get", request)

    def head_object(self, **request: Any) -> Any:
        return self._answer("head", request)

    def _answer(self, operation: str, request: dict[str, Any]) -> Any:
        self.asked.append(request)
        answer = self._answers[operation]
        if isinstance(answer, Exception):
            raise answer
        return answer


def found(content: bytes = b"content", metadata: dict[str, str] | None = None) -> dict[str, Any]:
    return {"Body": io.BytesIO(content), "ContentLength": len(content), "Metadata": metadata or {}}


def refused(code: str, message: str = "") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, "GetObject")


def reader(s3: FakeS3) -> ObjectReader:
    return ObjectReader(cast("Any", s3))


def reason(s3: FakeS3) -> str:
    with pytest.raises(PictureRejectedError) as rejected:
        reader(s3).open(object_version())
    return rejected.value.reason


def test_exactly_the_events_version_is_read() -> None:
    s3 = FakeS3(found())
    assert reader(s3).open(object_version()).read(100) == b"content"
    assert s3.asked == [{"Bucket": "images", "Key": "image_inputs/cell.png", "VersionId": "v1"}]


def test_in_an_unversioned_bucket_the_etag_keeps_a_successor_out() -> None:
    s3 = FakeS3(found())
    reader(s3).open(object_version(version_id=None, etag="abc"))
    assert s3.asked == [{"Bucket": "images", "Key": "image_inputs/cell.png", "IfMatch": "abc"}]


def test_metadata_is_known_before_the_content_is_read() -> None:
    body = found(metadata={"camera-id": "7"})
    assert reader(FakeS3(body)).open(object_version()).metadata == {"camera-id": "7"}
    assert body["Body"].tell() == 0


@pytest.mark.parametrize(
    ("stored", "given"),
    [
        ("=?UTF-8?B?TGluZSBOwrA0?=", "Line N°4"),
        ("=?UTF-8?Q?caf=C3=A9?=", "café"),
        ("plain", "plain"),
        ("=?no-such-charset?B?eA==?=", "=?no-such-charset?B?eA==?="),
    ],
)
def test_metadata_outside_ascii_is_decoded(stored: str, given: str) -> None:
    assert reader(FakeS3(found(metadata={"line": stored}))).open(object_version()).metadata == {"line": given}


def test_a_file_over_the_limit_is_not_downloaded() -> None:
    body = found(b"x" * 2_500_001)
    with pytest.raises(PictureRejectedError, match=r"2\.5 MB, and the limit is 1 MB"):
        reader(FakeS3(body)).open(object_version()).read(1_000_000)
    assert body["Body"].closed


@pytest.mark.parametrize("code", ["NoSuchKey", "NoSuchVersion", "404", "MethodNotAllowed"])
def test_a_deleted_object_is_gone(code: str) -> None:
    assert reason(FakeS3(refused(code))) == "The object is gone: it was deleted before it could be judged."


def test_a_replaced_object_is_gone() -> None:
    assert "replaced" in reason(FakeS3(refused("PreconditionFailed")))


def test_an_archived_object_says_what_to_do() -> None:
    assert "restore it" in reason(FakeS3(refused("InvalidObjectState")))


def test_an_object_with_its_uploaders_own_key_is_rejected() -> None:
    message = "The object was stored using a form of Server Side Encryption. The correct parameters ..."
    assert "SSE-C" in reason(FakeS3(refused("InvalidRequest", message)))


def test_a_kms_key_that_may_not_be_used_is_named_from_s3s_message() -> None:
    assert KEY_ARN in reason(FakeS3(refused("AccessDenied", NO_DECRYPT)))


def test_a_kms_key_that_s3_does_not_name_is_named_from_the_objects_head() -> None:
    assert KEY_ARN in reason(FakeS3(refused("AccessDenied", "Access Denied"), {"SSEKMSKeyId": KEY_ARN}))


def test_a_disabled_kms_key_is_named() -> None:
    error = refused("KMS.DisabledException", f"{KEY_ARN} is disabled.")
    assert KEY_ARN in reason(FakeS3(error))


@pytest.mark.parametrize("head", [refused("403"), {}])
def test_any_other_403_is_a_fault(head: object) -> None:
    with pytest.raises(ClientError, match="AccessDenied"):
        reader(FakeS3(refused("AccessDenied"), head)).open(object_version())


@pytest.mark.parametrize("code", ["SlowDown", "InternalError", "503", "InvalidRequest", "NoSuchBucket"])
def test_what_a_retry_may_mend_is_a_fault(code: str) -> None:
    with pytest.raises(ClientError, match=code):
        reader(FakeS3(refused(code))).open(object_version())
