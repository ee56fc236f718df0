"""Names made from an object version."""

from __future__ import annotations

from hashlib import sha256

import pytest
from support_events import object_version

from chalicelib.identity import MAX_KEY_BYTES, request_id, request_id_of, result_keys, version_name


def test_the_request_id_is_made_of_bucket_key_and_version_alone() -> None:
    assert request_id("images", "a.png", "v1") == sha256(b"images\0a.png\0v1").hexdigest()[:32]
    later = object_version(sequencer="FF", size=1, uploaded_at="2027-01-01T00:00:00.000Z")
    assert request_id_of(object_version()) == request_id_of(later)


def test_every_version_of_a_key_has_a_request_id_of_its_own() -> None:
    ids = {request_id_of(object_version(version_id=version)) for version in ("v1", "v2", "v3")}
    assert len(ids) == 3


def test_etag_and_sequencer_tell_versions_apart_where_the_bucket_does_not() -> None:
    one = object_version(version_id=None, etag="e", sequencer="01")
    again = object_version(version_id=None, etag="e", sequencer="02")
    assert version_name(one) == "e+01"
    assert request_id_of(one) != request_id_of(again)


def test_results_lie_under_the_key_of_their_picture() -> None:
    keys = result_keys(object_version(key="image_inputs/a b/é.png"))
    assert keys.newest == "results/image_inputs/a b/é.png.json"
    assert keys.history == "history/image_inputs/a b/é.png/v1.json"
    assert keys.heat_map("3") == "heatmaps/image_inputs/a b/é.png/v1/3.png"


@pytest.mark.parametrize("letter", ["a", "é", "📷"])
def test_no_derived_key_is_longer_than_s3_allows(letter: str) -> None:
    room = MAX_KEY_BYTES - len("image_inputs/")
    key = "image_inputs/" + letter * (room // len(letter.encode()))
    keys = result_keys(object_version(key=key, version_id="v" * 32))
    derived = [keys.newest, keys.history, keys.heat_map("9999999999")]
    assert max(len(name.encode()) for name in derived) <= MAX_KEY_BYTES
    assert keys.newest == f"results/hashed/{sha256(key.encode()).hexdigest()}.json"


def test_keys_are_measured_in_bytes_and_not_in_letters() -> None:
    letters = 480
    assert "hashed" not in result_keys(object_version(key="a" * letters)).newest
    assert "hashed" in result_keys(object_version(key="📷" * letters)).newest


def test_two_long_keys_do_not_share_a_result() -> None:
    one, other = (result_keys(object_version(key="a" * 1000 + end)) for end in "xy")
    assert one.newest != other.newest
    assert one.history != other.history
