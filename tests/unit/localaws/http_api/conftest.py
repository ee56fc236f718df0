"""Requests made up."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from localaws.http_api.requests import Received

MakeRequest = Callable[..., Received]
NOW = datetime(2026, 11, 22, 10, 0, 0, tzinfo=UTC)


@pytest.fixture
def received() -> MakeRequest:
    """Makes a request; what is not given is a plain GET at ten o'clock."""
    plain = Received("GET", "/", "", {"host": "h"}, b"", "127.0.0.1", "4566", "HTTP/1.1", NOW)

    def make(**more: Any) -> Received:
        return dataclasses.replace(plain, **more)

    return make
