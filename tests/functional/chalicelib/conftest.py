"""moto's AWS with the stack in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import boto3
import pytest
from moto import mock_aws
from support_delivery import Stack
from support_models import tiny_model
from support_pictures import png_bytes

from chalicelib.detector import Detector

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def aws_session() -> boto3.Session:
    """One for all tests: it keeps the services' models, which take longest to load."""
    return boto3.Session("test", "test", region_name="us-east-1")


@pytest.fixture
def stack(aws_session: boto3.Session, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stack]:
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", "spotcheck")
    with mock_aws():
        monkeypatch.setattr(boto3, "DEFAULT_SESSION", aws_session)
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
