"""Errors have the service's names, HTTP codes and fields."""

from __future__ import annotations

import pytest

from chalicelib.lookout.api import errors
from chalicelib.lookout.api.contract import service_model

RAISED = {
    "AccessDeniedException": errors.AccessDeniedException("m"),
    "ConflictException": errors.ConflictException("m", "cars", "PROJECT"),
    "InternalServerException": errors.InternalServerException("m"),
    "ResourceNotFoundException": errors.ResourceNotFoundException("m", "cars", "PROJECT"),
    "ServiceQuotaExceededException": errors.ServiceQuotaExceededException("m", "cars", "PROJECT"),
    "ThrottlingException": errors.ThrottlingException("m"),
    "ValidationException": errors.ValidationException("m"),
}


def test_every_error_of_the_model_can_be_raised() -> None:
    assert {shape.name for shape in service_model().error_shapes} == set(RAISED)


@pytest.mark.parametrize("name", RAISED)
def test_an_error_has_what_the_model_says(name: str) -> None:
    shape, error = service_model().shape_for(name), RAISED[name]
    assert (error.code, error.status) == (name, shape.metadata["error"]["httpStatusCode"])
    members = shape.members  # type: ignore[attr-defined]
    in_headers = {key for key, one in members.items() if one.serialization.get("location") == "header"}
    assert set(error.body()) == set(members) - in_headers
    assert error.headers.keys() == {"Retry-After"} if in_headers else not error.headers


@pytest.mark.parametrize("name", ["ConflictException", "ResourceNotFoundException"])
def test_an_error_of_a_resource_names_it(name: str) -> None:
    assert RAISED[name].body() == {"Message": "m", "ResourceId": "cars", "ResourceType": "PROJECT"}
