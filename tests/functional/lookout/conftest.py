"""moto's S3 with the stack's buckets in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import boto3
import pytest
from moto import mock_aws
from support_datasets import Service

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def session() -> boto3.Session:
    """One for all tests: it keeps the services' models, which take longest to load."""
    return boto3.Session("test", "test", region_name="us-east-1")


@pytest.fixture
def service(session: boto3.Session) -> Iterator[Service]:
    with mock_aws():
        yield Service(session)
