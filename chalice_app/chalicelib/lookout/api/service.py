"""One request in, one answer out: checks it against the contract, calls the operation, speaks its errors."""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from chalicelib.lookout.api.contract import answer_of, members_of, success_status
from chalicelib.lookout.api.errors import ApiError, InternalServerException

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from chalicelib.lookout.api.answered_calls import AnsweredCalls
    from chalicelib.lookout.api.contract import HttpRequest

    Operation = Callable[[Mapping[str, Any]], Mapping[str, Any]]

_log = logging.getLogger("spotcheck.lookout")


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """What goes back.

    Attributes:
        status: HTTP status.
        headers: By name.
        body: JSON.
    """

    status: int
    headers: dict[str, str]
    body: str


class LookoutService:
    """Answers the API's requests.

    Args:
        operations: What answers each operation: members of its input in, members of its output out.
        log_fault: Is told of every error that is no answer to the caller.
        answered: Remembers what calls with a ClientToken were answered; None remembers nothing.
    """

    def __init__(
        self,
        operations: Mapping[str, Operation],
        log_fault: Callable[[str], None] = _log.exception,
        answered: AnsweredCalls | None = None,
    ) -> None:
        self._operations = operations
        self._log_fault = log_fault
        self._answered = answered

    def answer(self, operation: str, request: HttpRequest, request_id: str) -> HttpAnswer:
        """Answers one request.

        Args:
            operation: As in `CreateProject`.
            request: What came in.
            request_id: Comes back in `x-amzn-RequestId` and `x-amz-request-id`, where boto3 looks for it.

        Returns:
            The answer, or the error as the service model has it. Never raises.
        """
        identity = {"x-amzn-RequestId": request_id, "x-amz-request-id": request_id}
        try:
            body = self._answer(operation, members_of(operation, request))
        except ApiError as error:
            return _error_answer(error, identity)
        except Exception:  # noqa: BLE001 - whatever it is, the caller gets an answer
            self._log_fault(f"{operation} failed")
            message = f"{operation} failed; the log has the reason under request {request_id}. Try again."
            return _error_answer(InternalServerException(message), identity)
        headers = {"Content-Type": "application/json", **identity}
        # Unescaped: a page of the longest entries in any script stays within Lambda's 6 MB.
        return HttpAnswer(success_status(operation), headers, json.dumps(body, ensure_ascii=False))

    def _answer(self, operation: str, given: Mapping[str, Any]) -> dict[str, Any]:
        """Members of the answer, as they travel."""

        def perform() -> dict[str, Any]:
            return answer_of(operation, self._operations[operation](given))

        return self._answered.answer(operation, given, perform) if self._answered else perform()


def _error_answer(error: ApiError, identity: Mapping[str, str]) -> HttpAnswer:
    headers = {
        "Content-Type": "application/json",
        "x-amzn-ErrorType": error.code,
        **error.headers,
        **identity,
    }
    return HttpAnswer(error.status, headers, json.dumps(error.body()))
