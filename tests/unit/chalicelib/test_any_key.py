"""Whatever S3 allows as a key is read as it was written; what is derived from it fits, and is its own."""

from __future__ import annotations

from itertools import product

from hypothesis import given
from hypothesis import strategies as st
from support_events import object_version

from chalicelib.events import ObjectVersion, newer_than, object_versions, s3_event
from chalicelib.identity import MAX_KEY_BYTES, request_id, request_id_of, result_keys

KEYS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=MAX_KEY_BYTES).filter(
    lambda key: len(key.encode()) <= MAX_KEY_BYTES
)
LONG_KEYS = st.tuples(st.sampled_from("aé€📷"), st.integers(1, MAX_KEY_BYTES)).map(
    lambda made: ("image_inputs/" + made[0] * made[1]).encode()[:MAX_KEY_BYTES].decode(errors="ignore")
)
WORDS = st.text("abcdefghijklmnopqrstuvwxyzABC0123456789._-", min_size=1, max_size=40)
SEQUENCERS = st.text("0123456789ABCDEF", min_size=1, max_size=20)
VERSIONS = st.builds(
    ObjectVersion,
    bucket=WORDS,
    key=KEYS | LONG_KEYS,
    version_id=st.none() | WORDS.filter(lambda name: name != "null"),
    etag=WORDS,
    sequencer=st.just("") | SEQUENCERS,
    size=st.none() | st.integers(0, 5 * 2**40),
    uploaded_at=st.just("2026-11-22T09:30:12.345Z"),
)


@given(VERSIONS)
def test_an_event_made_of_a_version_names_that_version(version: ObjectVersion) -> None:
    assert object_versions(s3_event(version)) == [version]


@given(VERSIONS)
def test_no_derived_key_is_longer_than_s3_allows(version: ObjectVersion) -> None:
    keys = result_keys(version)
    derived = (keys.newest, keys.history, keys.heat_map("4294967296"))
    assert max(len(key.encode()) for key in derived) <= MAX_KEY_BYTES


@given(VERSIONS, VERSIONS)
def test_two_versions_share_no_identity_and_no_history(one: ObjectVersion, other: ObjectVersion) -> None:
    def identity(version: ObjectVersion) -> tuple[str, ...]:
        name = version.version_id or f"{version.etag}+{version.sequencer}"
        return version.bucket, version.key, name

    if identity(one) != identity(other):
        assert request_id_of(one) != request_id_of(other)
    if identity(one)[1:] != identity(other)[1:]:
        assert result_keys(one).history != result_keys(other).history
    if one.key != other.key:
        assert result_keys(one).newest != result_keys(other).newest


def test_the_parts_of_an_identity_do_not_run_into_each_other() -> None:
    parts = ["a", "b", "ab", "a/b", "a+b", "b/"]
    ids = {request_id(*names) for names in product(parts, repeat=3)}
    assert len(ids) == len(parts) ** 3


@given(SEQUENCERS, SEQUENCERS, SEQUENCERS)
def test_sequencers_have_one_order(a: str, b: str, c: str) -> None:
    assert not newer_than(a, a)
    assert not (newer_than(a, b) and newer_than(b, a))
    if newer_than(a, b) and newer_than(b, c):
        assert newer_than(a, c)


@given(st.integers(0, 16**18 - 2))
def test_a_sequencer_that_counts_on_is_newer(number: int) -> None:
    assert newer_than(f"{number + 1:018X}", f"{number:018X}")


def test_a_version_id_as_long_as_s3_allows_still_gives_keys_that_fit() -> None:
    keys = result_keys(object_version(key="a" * MAX_KEY_BYTES, version_id="v" * MAX_KEY_BYTES))
    assert max(len(key) for key in (keys.history, keys.heat_map("9999999999"))) <= MAX_KEY_BYTES
