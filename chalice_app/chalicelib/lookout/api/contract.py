"""The API's contract: requests taken apart and checked, answers put together, as the service model says.

`service-2.json` is Lookout for Vision's model as botocore 1.40 shipped it (Apache-2.0), without its prose.
botocore reads the shapes; its client checks no patterns, so the server's side has to.
"""

from __future__ import annotations

import base64
import json
import math
import re
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from botocore.model import ListShape, ServiceModel, Shape, StructureShape
from botocore.utils import parse_timestamp

from chalicelib.lookout.api.errors import ValidationException

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

MAX_BLOB = 4_500_000
"""Bytes that fit into a call: API Gateway hands a body on in base64, and Lambda takes 6 MB of that."""

# Within a character class: letters, numbers, separators.
_CATEGORIES = {
    r"\p{L}": r"\w",
    r"\p{N}": r"\w",
    r"\p{Z}": r" \u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000",
}


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """A request as it came in.

    Attributes:
        path: Parameters of the path, decoded.
        query: Values of each query parameter.
        headers: Names in lower case.
        body: The raw body.
    """

    path: Mapping[str, str]
    query: Mapping[str, Sequence[str]]
    headers: Mapping[str, str]
    body: bytes


@cache
def service_model() -> ServiceModel:
    """Lookout for Vision's service model."""
    text = Path(__file__).with_name("service-2.json").read_text(encoding="utf-8")
    return ServiceModel(json.loads(text), "lookoutvision")


def members_of(operation: str, request: HttpRequest) -> dict[str, Any]:
    """The operation's input, checked.

    Args:
        operation: As in `CreateProject`.
        request: What came in.

    Returns:
        Members by name: `str`, `int`, `bool`, `bytes`, `datetime`, lists and mappings of them. What was not
        sent is absent.

    Raises:
        ValidationException: Something is missing, of the wrong type, or outside what the model allows; the
            message names every such member.
    """
    shape = service_model().operation_model(operation).input_shape
    assert shape is not None  # noqa: S101 - every operation of this service has an input
    found = dict(_located(shape, request))
    if "payload" in shape.serialization:
        _check_payload(request.body)
        found[shape.serialization["payload"]] = request.body
    else:
        body = _json_object(request.body)
        located = [name for name, member in shape.members.items() if "location" in member.serialization]
        found |= {
            name: value for name, value in body.items() if name in shape.members and name not in located
        }
    problems: list[str] = []
    checked = _structure(shape, found, "", problems)
    if problems:
        count = f"{len(problems)} validation error{'s' if len(problems) > 1 else ''} detected"
        message = f"{count}: {'; '.join(problems)}"
        raise ValidationException(message)
    return dict(checked)


def success_status(operation: str) -> int:
    """The HTTP status of the operation's answer: 200, or 202 for what takes a while."""
    return int(service_model().operation_model(operation).http.get("responseCode", 200))


def answer_of(operation: str, result: Mapping[str, Any]) -> dict[str, Any]:
    """The operation's answer as JSON: only what its shape has, time stamps in seconds, blobs in base64."""
    shape = service_model().operation_model(operation).output_shape
    assert shape is not None  # noqa: S101 - every operation of this service has an output
    return dict(_serialised(shape, result))


def _located(shape: StructureShape, request: HttpRequest) -> Iterator[tuple[str, Any]]:
    for name, member in shape.members.items():
        place, wire = member.serialization.get("location"), member.serialization.get("name", name)
        value: Any = None
        if place == "uri":
            value = request.path.get(wire)
        elif place == "header":
            value = request.headers.get(wire.lower())
        elif place == "querystring":
            values = list(request.query.get(wire, ()))
            value = (values if member.type_name == "list" else values[-1]) if values else None
        if value is not None:
            yield name, value


def _check_payload(body: bytes) -> None:
    if len(body) > MAX_BLOB:
        message = (
            f"The body has {len(body)} bytes; {MAX_BLOB} fit into a call of this API: make the picture "
            "smaller, or upload it below image_inputs/ of the images bucket, where larger ones are judged."
        )
        raise ValidationException(message)


def _json_object(body: bytes) -> dict[str, Any]:
    if not body.strip():
        return {}
    try:
        value = json.loads(body)
    except ValueError as error:
        message = "The body of the request is no JSON."
        raise ValidationException(message) from error
    if not isinstance(value, dict):
        message = "The body of the request is no JSON object."
        raise ValidationException(message)
    return value


def _structure(shape: StructureShape, value: Any, path: str, problems: list[str]) -> dict[str, Any]:  # noqa: ANN401
    if not isinstance(value, dict):
        problems.append(f"Value at '{path}' has to be an object")
        return {}
    problems += [
        f"Value null at '{_join(path, name)}' failed to satisfy constraint: Member must not be null"
        for name in shape.required_members
        if value.get(name) is None
    ]
    return {
        name: _checked(member, value[name], _join(path, name), problems)
        for name, member in shape.members.items()
        if value.get(name) is not None
    }


def _checked(shape: Shape, value: Any, path: str, problems: list[str]) -> Any:  # noqa: ANN401
    if isinstance(shape, StructureShape):
        return _structure(shape, value, path, problems)
    if isinstance(shape, ListShape):
        if not isinstance(value, list):
            problems.append(f"Value at '{path}' has to be a list")
            return []
        _check_length(shape, value, path, problems)
        return [
            _checked(shape.member, one, f"{path}.{index}", problems)
            for index, one in enumerate(value, start=1)
        ]
    try:
        typed = _typed(shape, value)
    except (ValueError, TypeError, OverflowError):
        problems.append(f"Value at '{path}' is no {shape.type_name}")
        return None
    if shape.type_name in {"string", "blob"}:
        _check_length(shape, typed, path, problems)
    if shape.type_name == "string":
        _check_text(shape, typed, path, problems)
    if shape.type_name == "integer":
        _check_number(shape, typed, path, problems)
    return typed


def _typed(shape: Shape, value: Any) -> Any:  # noqa: ANN401
    typed: Any = None
    match shape.type_name, value:
        case ("string", str()) | ("blob", bytes()) | ("boolean", bool()):
            typed = value
        case "blob", str():
            typed = base64.b64decode(value, validate=True)
        case "boolean", "true" | "false":
            typed = value == "true"
        case "integer", int() | str() if not isinstance(value, bool):
            typed = int(value)
        case "timestamp", str() | int() | float() if not isinstance(value, bool):
            typed = parse_timestamp(str(value))
    if typed is None:
        raise TypeError
    return typed


def _check_length(shape: Shape, value: Any, path: str, problems: list[str]) -> None:  # noqa: ANN401
    _check_range(shape, len(value), f"Value at '{path}'", "length", problems)


def _check_number(shape: Shape, value: int, path: str, problems: list[str]) -> None:
    _check_range(shape, value, f"Value '{value}' at '{path}'", "value", problems)


def _check_range(shape: Shape, number: int, what: str, measure: str, problems: list[str]) -> None:
    least, most = shape.metadata.get("min", -math.inf), shape.metadata.get("max", math.inf)
    if not least <= number <= most:
        relation, limit = ("greater", least) if number < least else ("less", most)
        rule = f"Member must have {measure} {relation} than or equal to {limit}"
        problems.append(f"{what} failed to satisfy constraint: {rule}")


def _check_text(shape: Shape, value: str, path: str, problems: list[str]) -> None:
    choices, pattern = shape.metadata.get("enum"), shape.metadata.get("pattern")
    rule = None
    if choices and value not in choices:
        rule = f"enum value set: [{', '.join(choices)}]"
    elif pattern and not _python_pattern(pattern).fullmatch(value):
        rule = f"regular expression pattern: {pattern}"
    if rule:
        problems.append(f"Value at '{path}' failed to satisfy constraint: Member must satisfy {rule}")


@cache
def _python_pattern(pattern: str) -> re.Pattern[str]:
    r"""The model's patterns are Java's, which has classes by Unicode category.

    Python's `\w` is letters, numbers and the underscore, which the only class with categories allows, too.
    """
    for category, characters in _CATEGORIES.items():
        pattern = pattern.replace(category, characters)
    return re.compile(pattern, re.DOTALL)


def _join(path: str, name: str) -> str:
    name = name[:1].lower() + name[1:]
    return f"{path}.{name}" if path else name


def _serialised(shape: Shape, value: Any) -> Any:  # noqa: ANN401
    if isinstance(shape, StructureShape):
        return {
            name: _serialised(member, value[name])
            for name, member in shape.members.items()
            if value.get(name) is not None
        }
    if isinstance(shape, ListShape):
        return [_serialised(shape.member, one) for one in value]
    if isinstance(value, datetime):
        return round(value.timestamp(), 3)
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    return value
