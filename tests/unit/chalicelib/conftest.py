"""A real trained model, shared by the tests of detection."""

from __future__ import annotations

import pytest
from support_models import tiny_model

from chalicelib.detector import Detector


@pytest.fixture(scope="session")
def model() -> bytes:
    return tiny_model()


@pytest.fixture(scope="session")
def detector(model: bytes) -> Detector:
    return Detector.load(model, threads=2)
