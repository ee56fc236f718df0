"""The same call again gets the same answer; the same token for another call is a conflict."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from support_datasets import MODELS

from chalicelib.documents import Documents
from chalicelib.lookout.api.answered_calls import AnsweredCalls
from chalicelib.lookout.api.errors import ConflictException, ValidationException

if TYPE_CHECKING:
    from support_datasets import Service


class Calls:
    """Calls of CreateDataset that count how often one was performed; the clock stands still."""

    def __init__(self, documents: Documents) -> None:
        self.performed = 0
        self.time = datetime(2026, 11, 26, tzinfo=UTC)
        self._answered = AnsweredCalls(documents, lambda: self.time)

    def __call__(
        self, *, operation: str = "CreateDataset", fault: Exception | None = None, **given: Any
    ) -> Any:
        def perform() -> dict[str, Any]:
            self.performed += 1
            if fault:
                raise fault
            return {"Number": self.performed}

        return self._answered.answer(operation, {"ProjectName": "cars", **given}, perform)


@pytest.fixture
def call(service: Service) -> Calls:
    return Calls(Documents(service.s3, MODELS))


def test_the_same_call_again_gets_the_first_answer(call: Calls) -> None:
    assert call(ClientToken="a") == call(ClientToken="a") == {"Number": 1}
    assert call.performed == 1


def test_the_same_token_with_other_input_is_a_conflict_whatever_it_is_about(call: Calls) -> None:
    call(ClientToken="a")
    with pytest.raises(ConflictException, match="ClientToken a was used for another call of CreateDataset"):
        call(ClientToken="a", ProjectName="ships")


def test_another_operation_may_have_the_same_token(call: Calls) -> None:
    call(ClientToken="a")
    assert call(ClientToken="a", operation="DeleteDataset") == {"Number": 2}


def test_without_a_token_every_call_is_performed(call: Calls) -> None:
    assert (call(), call()) == ({"Number": 1}, {"Number": 2})


def test_a_call_that_was_refused_leaves_its_token_free(call: Calls) -> None:
    with pytest.raises(ValidationException):
        call(ClientToken="a", fault=ValidationException("no"))
    assert call(ClientToken="a", Description="other") == {"Number": 2}


def test_a_call_that_died_is_performed_again_and_its_token_is_not_free(call: Calls) -> None:
    with pytest.raises(RuntimeError):
        call(ClientToken="a", fault=RuntimeError("killed"))
    with pytest.raises(ConflictException):
        call(ClientToken="a", Description="other")
    assert call(ClientToken="a") == {"Number": 2}
    assert call(ClientToken="a") == {"Number": 2}


def test_a_second_try_that_is_refused_does_not_free_the_token_of_the_first(call: Calls) -> None:
    with pytest.raises(RuntimeError):
        call(ClientToken="a", fault=RuntimeError("killed"))
    with pytest.raises(ValidationException):
        call(ClientToken="a", fault=ValidationException("busy"))
    with pytest.raises(ConflictException):
        call(ClientToken="a", Description="other")


def test_after_eight_hours_a_token_is_new(call: Calls) -> None:
    call(ClientToken="a")
    call.time += timedelta(hours=8)
    assert call(ClientToken="a") == {"Number": 1}
    call.time += timedelta(seconds=1)
    assert call(ClientToken="a", Description="other") == {"Number": 2}
