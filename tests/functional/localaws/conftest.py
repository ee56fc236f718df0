"""One embedded AWS for all tests here, with Lambda's waits made short."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support_localaws import Desk

import localaws

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    state = tmp_path_factory.mktemp("localaws")
    with localaws.running(state, retry_scale=0.002, max_concurrency=3, init_seconds=2) as aws:
        desk = Desk(aws)
        desk.prepare()
        yield desk


@pytest.fixture(scope="session", params=["awslambdaric", "pure-python"])
def any_client(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """An embedded AWS for each Runtime API client."""
    if request.param == "awslambdaric":
        pytest.importorskip("awslambdaric", reason="AWS publishes awslambdaric for Linux only")
    state = tmp_path_factory.mktemp("localaws")
    with localaws.running(state, runtime_client=request.param, max_concurrency=3) as aws:
        desk = Desk(aws)
        desk.prepare()
        yield desk
