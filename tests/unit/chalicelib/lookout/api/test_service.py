"""One request in, one answer out; whatever happens, the caller gets an answer."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from chalicelib.lookout.api.contract import HttpRequest
from chalicelib.lookout.api.errors import ConflictException, ThrottlingException
from chalicelib.lookout.api.service import HttpAnswer, LookoutService

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

MOMENT = datetime(2026, 11, 26, tzinfo=UTC)
GIVEN = HttpRequest({}, {}, {}, b'{"ProjectName": "cars"}')


class Operation:
    """Answers, or raises, and remembers what it was given."""

    def __init__(self, outcome: Any) -> None:
        self.outcome = outcome
        self.given: list[Mapping[str, Any]] = []
        self.faults: list[str] = []

    def __call__(self, given: Mapping[str, Any]) -> Mapping[str, Any]:
        self.given.append(given)
        if isinstance(self.outcome, Exception):
            raise self.outcome
        return dict(self.outcome)

    def answer(self, request: HttpRequest = GIVEN, operation: str = "CreateProject") -> HttpAnswer:
        service = LookoutService({operation: self}, self.faults.append)
        return service.answer(operation, request, "r-1")


def test_an_operation_gets_the_checked_members_and_its_result_goes_back() -> None:
    operation = Operation({"ProjectMetadata": {"ProjectName": "cars"}})
    answer = operation.answer()
    assert operation.given == [{"ProjectName": "cars"}]
    assert answer.status == 200
    assert json.loads(answer.body) == {"ProjectMetadata": {"ProjectName": "cars"}}
    assert answer.headers["Content-Type"] == "application/json"


def test_the_request_id_stands_where_clients_look_for_it() -> None:
    for operation in (Operation({}), Operation(ThrottlingException("m"))):
        headers = operation.answer().headers
        assert (headers["x-amzn-RequestId"], headers["x-amz-request-id"]) == ("r-1", "r-1")


def test_what_takes_a_while_is_accepted() -> None:
    request = HttpRequest({"projectName": "cars", "datasetType": "train"}, {}, {}, b"")
    assert Operation({}).answer(request, "DeleteDataset").status == 202


def test_a_request_that_is_wrong_never_reaches_the_operation() -> None:
    operation = Operation({})
    answer = operation.answer(HttpRequest({}, {}, {}, b"{}"))
    assert operation.given == []
    assert (answer.status, answer.headers["x-amzn-ErrorType"]) == (400, "ValidationException")
    assert "projectName" in json.loads(answer.body)["Message"]


def test_an_error_of_the_services_goes_back_with_its_fields() -> None:
    answer = Operation(ConflictException("There is one.", "cars", "PROJECT")).answer()
    assert (answer.status, answer.headers["x-amzn-ErrorType"]) == (409, "ConflictException")
    assert json.loads(answer.body) == {
        "Message": "There is one.",
        "ResourceId": "cars",
        "ResourceType": "PROJECT",
    }


def test_a_retry_is_advised_where_it_helps() -> None:
    assert Operation(ThrottlingException("m")).answer().headers["Retry-After"] == "1"


def test_a_fault_is_logged_and_the_caller_is_told_where_to_look() -> None:
    operation = Operation(OSError("the network and a secret"))
    answer = operation.answer()
    assert operation.faults == ["CreateProject failed"]
    assert (answer.status, answer.headers["x-amzn-ErrorType"]) == (500, "InternalServerException")
    message = json.loads(answer.body)["Message"]
    assert "request r-1" in message
    assert "secret" not in message


def test_an_answer_is_written_without_escapes() -> None:
    request = HttpRequest({"projectName": "cars", "datasetType": "train"}, {}, {}, b"")
    answer = Operation({"DatasetEntries": ['{"a":"ä"}']}).answer(request, "ListDatasetEntries")
    assert "ä" in answer.body


class Remembering:
    """Answers every call as the first one was answered."""

    def __init__(self) -> None:
        self.first: dict[str, Any] | None = None

    def answer(self, _: str, __: Mapping[str, Any], perform: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        self.first = self.first or perform()
        return self.first


def test_what_a_call_was_answered_goes_back_again_as_it_travelled() -> None:
    operation, remembering = Operation({"ProjectMetadata": {"CreationTimestamp": MOMENT}}), Remembering()
    service = LookoutService({"CreateProject": operation}, answered=remembering)  # type: ignore[arg-type]
    bodies = [service.answer("CreateProject", GIVEN, "r-1").body for _ in range(2)]
    assert bodies == ['{"ProjectMetadata": {"CreationTimestamp": 1795651200.0}}'] * 2
    assert len(operation.given) == 1
