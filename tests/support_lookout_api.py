"""boto3's own client for the deployed API, which looks at every answer."""

from __future__ import annotations

import base64
import json
from collections import Counter
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.exceptions import ClientError
from botocore.model import ListShape, StructureShape

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from botocore.model import Shape
    from support_deployed import Deployed

ANSWERED: Counter[str] = Counter()
"""Operations whose answers were compared with botocore's model, over all tests of a run."""

_SCALARS: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "boolean": (bool,),
    "integer": (int,),
    "float": (int, float),
    "timestamp": (int, float),
}


def lookout_client(deployed: Deployed, folder: Path) -> Iterator[Any]:
    """A client as `spotcheck lookout-env` sets it up: another signing name, our address.

    Every answer must have the shape that botocore's model (not ours) gives the operation.
    """
    done = deployed.spotcheck("lookout-env", "--folder", folder)
    assert done.returncode == 0, done.stderr
    exported = dict(line.removeprefix("export ").split("=", 1) for line in done.stdout.splitlines())
    with pytest.MonkeyPatch.context() as patch:
        for name, value in exported.items():
            patch.setenv(name, value)
        make: Any = boto3.Session("test", "test", region_name="us-east-1").client
        client = make("lookoutvision")
        model = client.meta.service_model

        def look(response_dict: dict[str, Any], model: Any = model, **more: Any) -> None:
            status, operation = response_dict["status_code"], more["operation_name"]
            described = model.operation_model(operation)
            if status < 300:
                assert status == described.http.get("responseCode", 200), operation
                assert_has_shape(described.output_shape, json.loads(response_dict["body"]), operation)
                ANSWERED[operation] += 1

        client.meta.events.register("before-parse.lookoutvision", look)
        yield client


def assert_has_shape(shape: Shape, value: Any, path: str) -> None:
    """Compares an answer as it came over the wire with its shape: no member more, every one of its type."""
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


def refused(call: Any, **given: Any) -> dict[str, Any]:
    """What a call that must fail was answered; the error is one of the client's typed ones."""
    with pytest.raises(ClientError) as error:
        call(**given)
    response: dict[str, Any] = dict(error.value.response)
    assert type(error.value).__name__ == response["Error"]["Code"]
    return response
