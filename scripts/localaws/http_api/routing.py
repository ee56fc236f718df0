"""Which stage and route of an HTTP API a request takes.

https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-routes.html
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import unquote

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

DEFAULT = "$default"  # the stage, and the route, of whatever matches no other
ANY = "ANY"
_LITERAL, _PARAMETER, _GREEDY = range(3)


@dataclass(frozen=True, slots=True)
class Match:
    """A route that a request takes.

    Attributes:
        route_key: such as `GET /pets/{id}`, or `$default`.
        resource: the key's path, such as `/pets/{id}`, or `$default`.
        parameters: of the path, by name, decoded.
    """

    route_key: str
    resource: str
    parameters: Mapping[str, str] = field(default_factory=dict)


def split_stage(path: str, stages: Collection[str]) -> tuple[str, str] | None:
    """Takes the stage off a path.

    Args:
        path: percent-encoded, begins with a slash.
        stages: names of the API's stages.

    Returns:
        The stage that the first segment names, else `$default`, and the path that routes see; None when the
        API has no such stage.
    """
    first, _, rest = path[1:].partition("/")
    if first != DEFAULT and unquote(first) in stages:
        return unquote(first), f"/{rest}"
    return (DEFAULT, path) if DEFAULT in stages else None


def select(route_keys: Iterable[str], method: str, path: str) -> Match | None:
    """Finds the best route: whole path before greedy, literal before parameter, method before `ANY`.

    Args:
        route_keys: the API's.
        method: upper case.
        path: percent-encoded; an encoded slash separates nothing.

    Returns:
        The route, `$default` when there is one and no other matches, else None.
    """
    found: list[tuple[tuple[object, ...], Match]] = []
    has_default = False
    for key in route_keys:
        if key == DEFAULT:
            has_default = True
            continue
        wanted, _, resource = key.partition(" ")
        matched = _match(resource, path) if wanted in (method, ANY) else None
        if matched is not None:
            kinds, parameters = matched
            rank = (_GREEDY in kinds, kinds, wanted == ANY)
            found.append((rank, Match(key, resource, parameters)))
    if found:
        return min(found, key=lambda item: item[0])[1]
    return Match(DEFAULT, DEFAULT) if has_default else None


def _match(resource: str, path: str) -> tuple[tuple[int, ...], dict[str, str]] | None:
    """The kind of each of the pattern's segments, and the parameters; None when it does not match."""
    segments = path.split("/")[1:]
    pattern = resource.split("/")[1:]
    kinds: list[int] = []
    parameters: dict[str, str] = {}
    for position, part in enumerate(pattern):
        rest = "/".join(segments[position:])
        if part.startswith("{") and part.endswith("+}"):
            if not rest:
                return None
            parameters[part[1:-2]] = unquote(rest)
            return (*kinds, _GREEDY), parameters
        if position >= len(segments):
            return None
        segment = unquote(segments[position])
        if part.startswith("{") and part.endswith("}") and segment:
            parameters[part[1:-1]] = segment
            kinds.append(_PARAMETER)
        elif part == segment:
            kinds.append(_LITERAL)
        else:
            return None
    return (tuple(kinds), parameters) if len(pattern) == len(segments) else None
