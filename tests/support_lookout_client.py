"""boto3's own Lookout for Vision client on the deployed stack; it looks at every answer."""

from __future__ import annotations

import base64
import json
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.exceptions import ClientError
from botocore.model import ListShape, StructureShape

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from botocore.model import OperationModel, Shape
    from support_deployed import Deployed

_SCALARS: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "boolean": (bool,),
    "integer": (int,),
    "float": (int, float),
    "timestamp": (int, float),
}


@contextmanager
def lookout_client(pipeline: Deployed, folder: Path) -> Iterator[Any]:
    """A client as `spotcheck lookout-env` sets it up: another signing name, our address.

    Every answer must have the shape that botocore's model (not ours) gives the operation.
    """
    done = pipeline.spotcheck("lookout-env", "--folder", folder)
    assert done.returncode == 0, done.stderr
    exported = dict(line.removeprefix("export ").split("=", 1) for line in done.stdout.splitlines())
    with pytest.MonkeyPatch.context() as patch:
        for name, value in exported.items():
            patch.setenv(name, value)
        make: Any = boto3.Session("test", "test", region_name="us-east-1").client
        client = make("lookoutvision")

        def look(response_dict: dict[str, Any], operation_model: OperationModel, **_: Any) -> None:
            status, name = response_dict["status_code"], operation_model.name
            if status < 300:
                assert status == operation_model.http.get("responseCode", 200), name
                assert_has_shape(operation_model.output_shape, json.loads(response_dict["body"]), name)

        client.meta.events.register("before-parse.lookoutvision", look)
        yield client


def refused(call: Any, **given: Any) -> dict[str, Any]:
    """The answer to a call that the service refuses with an exception of its own."""
    with pytest.raises(ClientError) as error:
        call(**given)
    response: dict[str, Any] = dict(error.value.response)
    assert type(error.value).__name__ == response["Error"]["Code"]  # a typed exception of the client's
    return response


def assert_has_shape(shape: Shape | None, value: Any, path: str) -> None:
    """Compares an answer as it came over the wire with its shape: no member more, every one of its type."""
    assert shape is not None, f"{path} has no answer"
    if isinstance(shape, StructureShape):
        assert isinstance(value, dict), path
        assert set(value) <= set(shape.members), f"{path}: {set(value) - set(shape.members)} are no members"
        assert set(shape.required_members) <= set(value), f"{path} lacks a required member"
        for name, member in value.items():
            assert_has_shape(shape.members[name], member, f"{path}.{name}")
    elif isinstance(shape, ListShape):
        assert isinstance(value, list), path
        for index, member in enumerate(value):
            assert_has_shape(shape.member, member, f"{path}[{index}]")
    elif shape.type_name == "blob":
        base64.b64decode(value, validate=True)
    else:
        allowed = _SCALARS[shape.type_name]
        assert isinstance(value, allowed), f"{path}: {value!r} is no {shape.type_name}"
        assert not (isinstance(value, bool) and bool not in allowed), path
        choices = shape.metadata.get("enum")
        assert not choices or value in choices, f"{path}: {value} is none of {choices}"
