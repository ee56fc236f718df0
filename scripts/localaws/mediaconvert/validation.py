"""Requests, checked against AWS's own service model as botocore ships it.

`parse_request` walks a request along the model's shapes: it refuses what the model does not know or allow
(types, enums, ranges, lengths, patterns, required members) and gives back the members under the model's
names (`FileInput`), whatever they are called on the wire (`fileInput`). Messages have MediaConvert's form,
`/outputGroups/0/outputs: Should have at least 1 items`: a path from the job's settings and a sentence.
"""

from __future__ import annotations

import json
import re
from functools import cache
from typing import TYPE_CHECKING, Any, NoReturn

import botocore.session
from botocore.model import ListShape, MapShape, ServiceModel, Shape, StructureShape

from localaws.mediaconvert.exceptions import BadRequestException

if TYPE_CHECKING:
    from collections.abc import Mapping

_TYPES: dict[str, tuple[type, ...]] = {
    "boolean": (bool,),
    "double": (int, float),
    "integer": (int,),
    "list": (list,),
    "long": (int,),
    "map": (dict,),
    "string": (str,),
    "structure": (dict,),
    "timestamp": (int, float),
}


@cache
def service_model() -> ServiceModel:
    """AWS's description of MediaConvert, from the installed botocore."""
    return botocore.session.get_session().get_service_model("mediaconvert")


def parse_request(
    operation: str,
    body: str,
    *,
    uri: Mapping[str, str] | None = None,
    query: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Checks a request and takes it apart.

    Args:
        operation: Name in the service model, such as `CreateJob`.
        body: The request's body: JSON or empty.
        uri: Members found in the path, by wire name.
        query: Members found in the query string, by wire name; values as text or lists of text.

    Returns:
        The members that were given, by their names in the service model.

    Raises:
        BadRequestException: with the path of the first member that is wrong.
    """
    shape = service_model().operation_model(operation).input_shape
    assert shape is not None  # noqa: S101  # every operation of MediaConvert has one
    given = _json(body)
    for name, member in shape.members.items():
        place, wire = member.serialization.get("location"), _wire_name(name, member)
        if place == "uri" and wire in (uri or {}):
            given[wire] = (uri or {})[wire]
        elif place == "querystring" and wire in (query or {}):
            given[wire] = _from_query(member, (query or {})[wire])
    parsed: dict[str, Any] = _structure(shape, given, "")
    return parsed


def refuse(path: str, problem: str) -> NoReturn:
    """Refuses one member, in MediaConvert's words.

    Args:
        path: JSON pointer of the member; below `/settings` AWS counts from the settings.
        problem: What is wrong with it.

    Raises:
        BadRequestException: always.
    """
    place = path.removeprefix("/settings") or "/"
    message = f"{place}: {problem}"
    raise BadRequestException(message)


def _json(body: str) -> dict[str, Any]:
    try:
        given = json.loads(body or "{}")
    except ValueError as error:
        message = "Unable to parse the request body as JSON."
        raise BadRequestException(message) from error
    if not isinstance(given, dict):
        refuse("", "Should be object")
    return given


def _from_query(shape: Shape, value: object) -> object:
    text = value[0] if isinstance(value, list) and shape.type_name != "list" else value
    if shape.type_name in {"integer", "long"} and isinstance(text, str) and re.fullmatch(r"-?\d+", text):
        return int(text)
    return text


def _wire_name(name: str, shape: Shape) -> str:
    return str(shape.serialization.get("name", name))


def _value(shape: Shape, value: object, path: str) -> Any:  # noqa: ANN401  # JSON
    allowed = _TYPES.get(shape.type_name, (object,))
    if not isinstance(value, allowed) or (isinstance(value, bool) and bool not in allowed):
        refuse(path, f"Should be {shape.type_name}")
    if isinstance(shape, StructureShape):
        assert isinstance(value, dict)  # noqa: S101  # told by _TYPES
        return _structure(shape, value, path)
    if isinstance(shape, ListShape):
        assert isinstance(value, list)  # noqa: S101
        return [_value(shape.member, item, f"{path}/{index}") for index, item in enumerate(value)]
    if isinstance(shape, MapShape):
        assert isinstance(value, dict)  # noqa: S101
        return {key: _value(shape.value, item, f"{path}/{key}") for key, item in value.items()}
    _check_scalar(shape, value, path)
    return value


def _structure(shape: StructureShape, given: Mapping[str, Any], path: str) -> dict[str, Any]:
    names = {_wire_name(name, member): name for name, member in shape.members.items()}
    unknown = [wire for wire in given if wire not in names]
    if unknown:
        refuse(path, f"{unknown[0]} is not a known property")
    for name in shape.required_members:
        wire = _wire_name(name, shape.members[name])
        if given.get(wire) is None:
            refuse(path, f"{wire} is a required property")
    return {
        names[wire]: _value(shape.members[names[wire]], value, f"{path}/{wire}")
        for wire, value in given.items()
        if value is not None
    }


def _check_scalar(shape: Shape, value: Any, path: str) -> None:  # noqa: ANN401  # JSON
    rules = shape.metadata
    if rules.get("enum") and value not in rules["enum"]:
        refuse(path, f"Should be one of [{', '.join(rules['enum'])}]")
    if rules.get("pattern") and not re.search(_python_pattern(rules["pattern"]), str(value)):
        refuse(path, f"Should match pattern {rules['pattern']}")
    size, unit = (len(value), " characters") if isinstance(value, str) else (value, "")
    if "min" in rules and size < rules["min"]:
        refuse(path, f"Should be at least {rules['min']}{unit}")
    if "max" in rules and size > rules["max"]:
        refuse(path, f"Should be at most {rules['max']}{unit}")


@cache
def _python_pattern(pattern: str) -> re.Pattern[str]:
    try:
        return re.compile(pattern)
    except re.error:  # a few of the model's patterns are ECMAScript only
        return re.compile("")
