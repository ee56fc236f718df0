"""moto's AWS with the stack in it, and datasets and hosting around its models bucket."""

from __future__ import annotations

from typing import TYPE_CHECKING

import boto3
import pytest
from moto import mock_aws
from support_datasets import Service
from support_delivery import Stack
from support_hosting import Hosts

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def aws_session() -> boto3.Session:
    """One for all tests: it keeps the services' models, which take longest to load."""
    return boto3.Session("test", "test", region_name="us-east-1")


@pytest.fixture
def service(aws_session: boto3.Session) -> Iterator[Service]:
    with mock_aws():
        yield Service(aws_session)


@pytest.fixture
def stack(aws_session: boto3.Session, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stack]:
    with mock_aws():
        monkeypatch.setattr(boto3, "DEFAULT_SESSION", aws_session)
        yield Stack()


@pytest.fixture
def hosts(stack: Stack) -> Hosts:
    return Hosts(stack)
