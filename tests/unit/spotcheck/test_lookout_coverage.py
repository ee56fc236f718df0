"""The coverage table is true: what it calls done is routed and answered, with errors that the service had."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from chalicelib.lookout.api import errors
from chalicelib.lookout.api.contract import service_model
from chalicelib.lookout.api.routes import ROUTES
from spotcheck.lookout_coverage import (
    DOCUMENT,
    EVERYWHERE,
    answered,
    documented_errors,
    is_done,
    own_errors,
    table,
)

if TYPE_CHECKING:
    from chalicelib.lookout.api.errors import ApiError

WIRED = answered()
ERRORS = [
    found
    for name, found in vars(errors).items()
    if name.endswith("Exception") and issubclass(found, errors.ApiError)
]


def test_the_document_is_generated() -> None:
    assert DOCUMENT.read_text(encoding="utf-8") == table(), "run: python -m spotcheck.lookout_coverage"


def test_whatever_has_a_route_is_answered_and_the_other_way_round() -> None:
    assert {name for name, _, _ in ROUTES} == set(WIRED)


@pytest.mark.parametrize("name", sorted(WIRED))
def test_an_operation_is_asked_where_the_service_was_asked(name: str) -> None:
    http = service_model().operation_model(name).http
    routes = {(method, path) for operation, method, path in ROUTES if operation == name}
    assert (http["method"], http["requestUri"]) in routes


@pytest.mark.parametrize("name", sorted(WIRED))
def test_an_operation_raises_no_error_that_the_service_did_not_have_for_it(name: str) -> None:
    assert set(own_errors(WIRED[name])) <= documented_errors(name)


@pytest.mark.parametrize("error", sorted(EVERYWHERE))
def test_every_operation_may_answer_the_errors_of_all(error: str) -> None:
    assert all(error in documented_errors(name) for name in service_model().operation_names)


@pytest.mark.parametrize("error", ERRORS)
def test_an_error_has_the_status_that_the_service_model_gives_it(error: type[ApiError]) -> None:
    assert service_model().shape_for(error.__name__).metadata["error"]["httpStatusCode"] == error.status


def test_what_is_not_answered_is_not_done() -> None:
    assert not is_done("CreateModel", {})
    assert not is_done("Nothing", {"Nothing": print})
