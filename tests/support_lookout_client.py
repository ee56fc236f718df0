"""boto3's own Lookout for Vision client on the deployed stack."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from support_deployed import Deployed


@contextmanager
def lookout_client(pipeline: Deployed, folder: Path) -> Iterator[Any]:
    """A client as `spotcheck lookout-env` sets it up: another signing name, our address."""
    done = pipeline.spotcheck("lookout-env", "--folder", folder)
    assert done.returncode == 0, done.stderr
    exported = dict(line.removeprefix("export ").split("=", 1) for line in done.stdout.splitlines())
    with pytest.MonkeyPatch.context() as patch:
        for name, value in exported.items():
            patch.setenv(name, value)
        make: Any = boto3.Session("test", "test", region_name="us-east-1").client
        yield make("lookoutvision")


def refused(call: Any, **given: Any) -> dict[str, Any]:
    """The answer to a call that the service refuses with an exception of its own."""
    with pytest.raises(ClientError) as error:
        call(**given)
    response: dict[str, Any] = dict(error.value.response)
    assert type(error.value).__name__ == response["Error"]["Code"]  # a typed exception of the client's
    return response
