"""Which stage and route a request takes, as API Gateway's documentation has it."""

from __future__ import annotations

import pytest

from localaws.http_api.routing import Match, select, split_stage

# The example of the documentation.
KEYS = ["GET /pets/dog/1", "GET /pets/dog/{id}", "GET /pets/{proxy+}", "ANY /{proxy+}", "$default"]


@pytest.mark.parametrize(
    ("method", "path", "key"),
    [
        ("GET", "/pets/dog/1", "GET /pets/dog/1"),
        ("GET", "/pets/dog/2", "GET /pets/dog/{id}"),
        ("GET", "/pets/cat/1", "GET /pets/{proxy+}"),
        ("POST", "/test/5", "ANY /{proxy+}"),
        ("POST", "/pets/dog/1", "ANY /{proxy+}"),
        ("GET", "/", "$default"),
    ],
)
def test_the_best_route_is_taken(method: str, path: str, key: str) -> None:
    match = select(KEYS, method, path)

    assert match is not None
    assert match.route_key == key


def test_the_order_of_routes_does_not_matter() -> None:
    assert select(KEYS[::-1], "GET", "/pets/dog/1") == select(KEYS, "GET", "/pets/dog/1")


def test_a_methods_own_route_is_taken_before_any() -> None:
    keys = ["ANY /pets", "GET /pets"]

    assert select(keys, "GET", "/pets") == Match("GET /pets", "/pets")
    assert select(keys, "PUT", "/pets") == Match("ANY /pets", "/pets")


def test_a_whole_path_is_taken_before_a_greedy_one() -> None:
    match = select(["GET /pets/{proxy+}", "ANY /{kind}/{id}"], "GET", "/pets/1")

    assert match == Match("ANY /{kind}/{id}", "/{kind}/{id}", {"kind": "pets", "id": "1"})


def test_parameters_are_decoded_and_an_encoded_slash_separates_nothing() -> None:
    match = select(["GET /tags/{arn}"], "GET", "/tags/arn%3Aaws%3Amodel%2Fp%20q")

    assert match is not None
    assert match.parameters == {"arn": "arn:aws:model/p q"}


def test_a_greedy_parameter_is_the_rest_of_the_path() -> None:
    match = select(["GET /files/{name+}"], "GET", "/files/a/b%20c/")

    assert match is not None
    assert match.parameters == {"name": "a/b c/"}


@pytest.mark.parametrize("path", ["/files", "/files/", "/other", "/pets/", "/pets/1/2"])
def test_what_matches_no_route_has_none(path: str) -> None:
    assert select(["GET /files/{name+}", "GET /pets/{id}"], "GET", path) is None


def test_a_named_stage_is_the_first_segment() -> None:
    assert split_stage("/v1/pets/1", {"v1", "$default"}) == ("v1", "/pets/1")
    assert split_stage("/v1", {"v1"}) == ("v1", "/")


def test_everything_else_goes_to_the_default_stage() -> None:
    assert split_stage("/v2/pets", {"v1", "$default"}) == ("$default", "/v2/pets")
    assert split_stage("/v2/pets", {"v1"}) is None
