"""What holds for every test."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import botocore.session
import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from collections.abc import Iterator

# How long an example takes says how busy the machine is, nothing about the code.
settings.register_profile("spotcheck", deadline=None)
settings.load_profile("spotcheck")


@pytest.fixture(scope="session", autouse=True)
def _one_loader_of_service_models() -> Iterator[None]:
    """Every session of botocore's reads the services' models anew, which takes longer than most tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(botocore.session, "create_loader", cache(botocore.session.create_loader))
        yield
