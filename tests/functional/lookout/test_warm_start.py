"""An environment that is kept warm has its models loaded before anybody asks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import pytest
from support_delivery import MODELS, RESULTS, TABLE
from support_hosting import PROJECT, Hosts

from chalicelib import clients, warm_start
from chalicelib.lookout.api import wiring
from chalicelib.telemetry import Telemetry

if TYPE_CHECKING:
    from collections.abc import Iterator

    from chalicelib.judging import Judge

ENVIRONMENT = {
    "PROJECT_NAME": PROJECT,
    "OUTPUT_BUCKET": RESULTS,
    "MODELS_BUCKET": MODELS,
    "RESULTS_TABLE": TABLE,
}


class FakeJudge:
    """Writes down what it was told to load."""

    def __init__(self) -> None:
        self.prepared: list[str | None] = []

    def prepare(self, version: str | None) -> None:
        self.prepared.append(version)


class FakeDetectors:
    """Likewise."""

    def __init__(self) -> None:
        self.loaded: list[tuple[str, str]] = []

    def get(self, project: str, version: str) -> None:
        self.loaded.append((project, version))


@pytest.fixture
def started(hosts: Hosts) -> Iterator[Hosts]:
    """Version 1 is hosted, version 2 is being started, and another project's is hosted."""
    clients.s3.cache_clear()
    for _ in range(2):
        hosts.publish(current=False)
    hosts.publish("Doors", current=False)
    hosts.start("1")
    hosts.start("1", "Doors")
    hosts.work()
    hosts.start("2")
    yield hosts
    clients.s3.cache_clear()


def prepared(kind: str | None) -> list[str | None]:
    judge = FakeJudge()
    environment = ENVIRONMENT if kind is None else {**ENVIRONMENT, "WARM_START": kind}
    warm_start.warm_start(environment, Telemetry(), lambda: cast("Judge", judge))
    return judge.prepared


@pytest.mark.usefixtures("started")
def test_uploads_are_warm_for_the_version_that_is_being_started() -> None:
    assert prepared("uploads") == ["2"]


def test_uploads_are_warm_for_the_current_version_otherwise(started: Hosts) -> None:
    started.work()
    assert prepared("uploads") == [None]


@pytest.mark.usefixtures("started")
def test_detection_is_warm_for_everything_that_is_started(monkeypatch: pytest.MonkeyPatch) -> None:
    detectors = FakeDetectors()
    monkeypatch.setattr(wiring, "detectors", lambda _: detectors)
    assert prepared("detection") == []
    assert sorted(detectors.loaded) == [(PROJECT, "1"), (PROJECT, "2"), ("Doors", "1")]


@pytest.mark.usefixtures("started")
def test_other_functions_load_nothing() -> None:
    assert prepared(None) == []


@pytest.mark.usefixtures("started")
@pytest.mark.parametrize(("kind", "said"), [("uploads", 1), (None, 0)])
def test_the_log_says_that_an_environment_is_warm(
    monkeypatch: pytest.MonkeyPatch, kind: str | None, said: int
) -> None:
    told: list[str] = []
    monkeypatch.setattr(Telemetry, "info", lambda _, message: told.append(message))
    prepared(kind)
    assert told == ["The environment is warm: its models are loaded."] * said


@pytest.mark.usefixtures("started")
def test_a_fault_leaves_the_loading_to_the_first_event(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(_: Any) -> None:
        message = "damaged"
        raise ValueError(message)

    told: list[str] = []
    monkeypatch.setattr(wiring, "detectors", fail)
    monkeypatch.setattr(Telemetry, "fault", lambda _, message: told.append(message))
    assert prepared("detection") == []
    assert told == ["The environment is not warm: its first event loads the model."]
