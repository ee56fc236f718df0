"""Whatever has happened to the versions of a key, clean deliveries in any order leave the same state."""

from __future__ import annotations

from contextlib import suppress
from itertools import count
from typing import TYPE_CHECKING, NamedTuple

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support_delivery import FixedDetector, FixedModels, Killed, Stack, deliver, killed

from chalicelib.identity import request_id_of
from chalicelib.records import Record, Status

if TYPE_CHECKING:
    from chalicelib.events import ObjectVersion

_keys = count()


class Delivery(NamedTuple):
    """One delivery: of which version, under which model, and at which write the function dies (0: never)."""

    version: int
    model: str
    dies_at: int
    after: bool


deliveries = st.lists(
    st.builds(Delivery, st.integers(0, 2), st.sampled_from(["1", "2"]), st.integers(0, 4), st.booleans()),
    max_size=5,
)


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(past=deliveries, order=st.permutations(range(3)))
def test_every_version_has_one_outcome_and_the_newest_is_current(
    stack: Stack, picture: bytes, past: list[Delivery], order: list[int]
) -> None:
    key = f"image_inputs/{next(_keys)}.png"
    versions = [stack.upload(key, content) for content in (picture, b"no picture", picture)]
    judges = {
        name: stack.judge(FixedModels(name, FixedDetector(anomalous=name == "1"))) for name in ("1", "2")
    }
    for one in past:
        with stack.at_write(one.dies_at, killed, after=one.after), suppress(Killed):
            deliver(judges[one.model], versions[one.version])
    for number in order:
        deliver(judges["2"], versions[number])

    records = [the_outcome(stack, version) for version in versions]
    assert [record.status for record in records] == [Status.JUDGED, Status.REJECTED, Status.JUDGED]
    newest = Record.from_json(stack.result(f"results/{key}.json")["Spotcheck"])
    assert newest == records[-1]
    assert sum(item["Key"] == key for item in stack.items()) == len(versions)


def the_outcome(stack: Stack, version: ObjectVersion) -> Record:
    """A version's record; table and history say the same, and history was written once."""
    record = stack.table.get(request_id_of(version))
    assert record is not None
    assert Record.from_json(stack.result(str(record.result_key))["Spotcheck"]) == record
    assert stack.writes_of(str(record.result_key)) == 1
    return record
