"""Records of S3 events, and when they are delivered."""

from __future__ import annotations

import pytest

from localaws.notifications import Sequencer, complete, deliver, encode_key, held_back


@pytest.mark.parametrize(
    ("key", "encoded"),
    [
        ("image_inputs/red flower.jpg", "image_inputs/red+flower.jpg"),
        ("a+b%", "a%2Bb%25"),
        ("é/😀", "%C3%A9/%F0%9F%98%80"),
        ("plain-_.~name", "plain-_.~name"),
    ],
)
def test_a_key_is_encoded_as_a_form_field_that_keeps_its_slashes(key: str, encoded: str) -> None:
    assert encode_key(key) == encoded


def test_sequencers_have_s3s_form_and_grow() -> None:
    sequencer = Sequencer()

    values = [sequencer.next() for _ in range(100)]

    assert values == sorted(set(values))
    assert {len(value) for value in values} == {18}


def record() -> dict[str, list[dict[str, dict[str, dict[str, str]]]]]:
    return {"Records": [{"s3": {"bucket": {"name": "b"}, "object": {"key": "a%2Fb+c"}}}]}


def test_a_record_names_the_version_of_a_versioned_object_only() -> None:
    versioned, unversioned = record(), record()

    complete(versioned, "v1")
    complete(unversioned, None)

    assert versioned["Records"][0]["s3"]["object"]["versionId"] == "v1"
    assert "versionId" not in unversioned["Records"][0]["s3"]["object"]


def test_deliveries_of_a_request_wait_until_it_is_done() -> None:
    done = []

    with held_back("127.0.0.1"):
        deliver(lambda: done.append("delivered"))
        done.append("stored")

    assert done == ["stored", "delivered"]


def test_outside_a_request_a_delivery_is_made_at_once() -> None:
    done: list[int] = []

    deliver(lambda: done.append(1))

    assert done == [1]
