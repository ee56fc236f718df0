"""moto's S3 with the stack's buckets in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import boto3
import pytest
from moto import mock_aws
from support_datasets import Service

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def service() -> Iterator[Service]:
    with mock_aws():
        yield Service(boto3.Session("test", "test", region_name="us-east-1"))
