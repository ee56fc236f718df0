"""Real S3 event bodies, taken apart and made."""

from __future__ import annotations

import pytest
from support_events import event, object_version

from chalicelib.events import ObjectVersion, newer_than, object_versions, s3_event
from chalicelib.exceptions import EventError


def test_a_record_names_exactly_one_version() -> None:
    assert object_versions(event("s3-put")) == [
        ObjectVersion(
            bucket="spotcheck-images-123456789012-us-east-1",
            key="image_inputs/line-2/cell0001.png",
            version_id="096fKKXTRTtl3on89fVO.nfljtsv6qko",
            etag="d41d8cd98f00b204e9800998ecf8427e",
            sequencer="0055AED6DCD90281E5",
            size=40213,
            uploaded_at="2026-11-22T09:30:12.345Z",
        )
    ]


def test_every_record_of_an_event_is_read() -> None:
    versions = object_versions(event("s3-several-records"))
    assert [version.key[-8:-4] for version in versions] == ["0001", "0002", "0001"]
    assert len({version.version_id for version in versions}) == 3


def test_a_key_is_decoded() -> None:
    (version,) = object_versions(event("s3-encoded-key"))
    assert version.key == "image_inputs/line 2/café 50% a+b (copy) 📷.jpg"


@pytest.mark.parametrize("way", ["s3-multipart", "s3-copy", "s3-post"])
def test_an_upload_of_any_kind_is_an_upload(way: str) -> None:
    assert len(object_versions(event(way))) == 1


def test_a_multipart_etag_is_no_md5_and_is_kept() -> None:
    (version,) = object_versions(event("s3-multipart"))
    assert version.etag.endswith("-3")


def test_an_unversioned_bucket_gives_no_version_id() -> None:
    (version,) = object_versions(event("s3-unversioned"))
    assert version.version_id is None


def test_the_null_version_of_a_suspended_bucket_is_no_version_id() -> None:
    body = event("s3-put")
    body["Records"][0]["s3"]["object"]["versionId"] = "null"
    assert object_versions(body)[0].version_id is None


@pytest.mark.parametrize("news", ["s3-test-event", "s3-removed"])
def test_what_tells_of_no_upload_is_left_out(news: str) -> None:
    assert object_versions(event(news)) == []


@pytest.mark.parametrize("body", [{}, {"Records": None}, {"Records": [{"eventSource": "aws:sqs"}]}])
def test_what_is_no_s3_event_says_so(body: dict[str, object]) -> None:
    with pytest.raises(EventError, match="no S3 event"):
        object_versions(body)


def test_the_consoles_folder_is_a_folder_marker() -> None:
    (version,) = object_versions(event("s3-folder-marker"))
    assert version.is_folder_marker


@pytest.mark.parametrize(("key", "size"), [("a/b/", 7), ("a/b/", None), ("a/b", 0)])
def test_what_has_content_or_a_name_is_no_folder_marker(key: str, size: int | None) -> None:
    assert not object_version(key=key, size=size).is_folder_marker


@pytest.mark.parametrize(
    ("key", "image"), [("a/b.png", "b.png"), ("b.png", "b.png"), ("a/b/", "b"), ("//", "//")]
)
def test_the_image_is_the_keys_last_component(key: str, image: str) -> None:
    assert object_version(key=key).image == image


@pytest.mark.parametrize(
    "version",
    [
        object_version(),
        object_version(key="image_inputs/line 2/café 50% a+b 📷.jpg"),
        object_version(version_id=None, size=None, sequencer=""),
    ],
)
def test_an_event_made_here_reads_back_the_same(version: ObjectVersion) -> None:
    assert object_versions(s3_event(version)) == [version]


def test_the_longer_sequencer_wins_when_it_only_goes_on() -> None:
    assert newer_than("0055AED6DCD90281E501", "0055AED6DCD90281E5")
    assert not newer_than("0055AED6DCD90281E500", "0055AED6DCD90281E5")


def test_sequencers_are_padded_on_the_right_as_s3_says() -> None:
    assert newer_than("0066", "0055AED6DCD90281E5")
    assert not newer_than("0055aed6", "0055AED6DCD90281E5")
