"""Chalice's requests to the API's, and its answers to Chalice's."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import unquote

from chalice.app import Response

from chalicelib.lookout.api.contract import HttpRequest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from chalice.app import Request

    from chalicelib.lookout.api.service import LookoutService


class LookoutFront:
    """Stands between Chalice's routes and the service.

    Args:
        service: Answers the requests.
    """

    def __init__(self, service: LookoutService) -> None:
        self._service = service

    def respond(self, operation: str, path: Mapping[str, str], request: Request | None) -> Response:
        """Answers one request to one operation's route.

        Args:
            operation: As in `CreateProject`.
            path: Parameters of the path.
            request: As Chalice understood it.
        """
        assert request is not None  # noqa: S101 - Chalice calls a route with one
        query = request.query_params
        taken = HttpRequest(
            path=_whole_arn(path),
            query={name: query.getlist(name) for name in query} if query else {},
            headers={name.lower(): value for name, value in request.headers.items()},
            body=body.encode() if isinstance(body := request.raw_body, str) else body,
        )
        answer = self._service.answer(operation, taken, request.context["requestId"])
        return Response(answer.body, {**answer.headers}, answer.status)


def _whole_arn(path: Mapping[str, str]) -> Mapping[str, str]:
    """Puts an ARN together whose slashes were decoded on the way, and decodes one whose were not."""
    if "resourceArn" not in path:
        return path
    return {"resourceArn": unquote("/".join(path.values()))}
