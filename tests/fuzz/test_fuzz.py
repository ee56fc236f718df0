"""Bytes from strangers: whatever comes, the answer is a result or an error of ours.

`make fuzz` looks for what fails (atheris_run.py); what it found lies in the corpus. Here every file of the
corpus is tried, and a bounded number of random changes of them.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support_fuzz import TARGETS, try_target

CORPUS = Path(__file__).parent / "corpus"
FILES = sorted(CORPUS.glob("*/*"))
SEEDS = {target: [path.read_bytes() for path in FILES if path.parent.name == target] for target in TARGETS}

Change = tuple[str, float, bytes]
CHANGES = st.lists(
    st.tuples(
        st.sampled_from(["overwrite", "insert", "cut", "truncate", "repeat"]),
        st.floats(0, 1, allow_nan=False),
        st.binary(min_size=1, max_size=6),
    ),
    min_size=1,
    max_size=5,
)


def changed(data: bytes, changes: list[Change]) -> bytes:
    for kind, where, content in changes:
        place = round(where * len(data))
        head, tail = data[:place], data[place:]
        match kind:
            case "overwrite":
                data = head + content + tail[len(content) :]
            case "insert":
                data = head + content + tail
            case "cut":
                data = head + tail[len(content) :]
            case "truncate":
                data = head
            case "repeat":
                data = head + head[-len(content) * 8 :] + tail
    return data


def test_every_target_has_a_corpus_and_every_corpus_a_target() -> None:
    assert {path.parent.name for path in FILES} == set(TARGETS)


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}-{path.name}")
def test_the_corpus_is_answered(path: Path) -> None:
    try_target(path.parent.name, path.read_bytes())


@pytest.mark.parametrize("target", TARGETS)
@settings(max_examples=80, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_random_changes_of_the_corpus_are_answered(target: str, data: st.DataObject) -> None:
    seed = data.draw(st.sampled_from(SEEDS[target]))
    try_target(target, changed(seed, data.draw(CHANGES)))


@pytest.mark.parametrize("target", TARGETS)
@settings(max_examples=40)
@given(data=st.binary(max_size=200))
def test_noise_is_answered(target: str, data: bytes) -> None:
    try_target(target, data)
