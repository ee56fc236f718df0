"""The model stays loaded while its version is current."""

from __future__ import annotations

from typing import Any, cast

import pytest

from chalicelib.exceptions import ModelInvalidError
from chalicelib.models import Models
from chalicelib.registry import ModelEntry, ModelRegistry


class FakeRegistry:
    def __init__(self) -> None:
        self.version = "1"
        self.downloads: list[str] = []

    def current(self) -> ModelEntry:
        return ModelEntry("cells", self.version, "", 0)

    def entry(self, version: str) -> ModelEntry:
        return ModelEntry("cells", version, "", 0)

    def download(self, entry: ModelEntry) -> bytes:
        self.downloads.append(entry.version)
        return b"model " + entry.version.encode()


@pytest.fixture
def registry() -> FakeRegistry:
    return FakeRegistry()


def models(registry: FakeRegistry, load: Any = bytes.decode) -> Models:
    return Models(cast("ModelRegistry", registry), load)


def test_a_version_is_loaded_once(registry: FakeRegistry) -> None:
    kept = models(registry)
    first, second = kept.current(), kept.current()
    assert first is second
    assert registry.downloads == ["1"]


def test_the_next_version_takes_its_place(registry: FakeRegistry) -> None:
    kept = models(registry)
    kept.current()
    registry.version = "2"
    version, detector = kept.current()
    assert (version, str(detector)) == ("2", "model 2")


def test_a_version_that_cannot_be_loaded_is_tried_again(registry: FakeRegistry) -> None:
    def load(model: bytes) -> None:
        raise ModelInvalidError(model.decode())

    kept = models(registry, load)
    for _ in range(2):
        with pytest.raises(ModelInvalidError):
            kept.current()
    assert registry.downloads == ["1", "1"]


def test_a_version_that_is_about_to_become_current_is_loaded_before(registry: FakeRegistry) -> None:
    kept = models(registry)
    kept.prepare("2")
    registry.version = "2"
    assert kept.current()[0] == "2"
    assert registry.downloads == ["2"]


def test_without_one_the_current_version_is_loaded_before(registry: FakeRegistry) -> None:
    kept = models(registry)
    kept.prepare(None)
    kept.current()
    assert registry.downloads == ["1"]
