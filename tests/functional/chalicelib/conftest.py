"""moto's AWS with the stack in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from moto import mock_aws
from support_delivery import Stack
from support_models import tiny_model
from support_pictures import png_bytes

from chalicelib.detector import Detector

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def stack(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stack]:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", "spotcheck")
    with mock_aws():
        yield Stack()


@pytest.fixture(scope="session")
def picture() -> bytes:
    return png_bytes()


@pytest.fixture(scope="session")
def model() -> bytes:
    return tiny_model()


@pytest.fixture(scope="session")
def detector(model: bytes) -> Detector:
    return Detector.load(model, threads=2)
