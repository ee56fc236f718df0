"""Projects and tags, as documents in the models bucket."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from support_datasets import MODELS, NAMES

from chalicelib.documents import Documents
from chalicelib.lookout.api.errors import (
    ConflictException,
    ResourceNotFoundException,
    ServiceQuotaExceededException,
    ValidationException,
)
from chalicelib.lookout.api.model_store import ModelStore, Published
from chalicelib.lookout.api.tags import Tags
from chalicelib.registry import ModelRegistry

if TYPE_CHECKING:
    from support_datasets import Service

ARN = NAMES.model_arn("cars", "1")


@pytest.fixture
def tags(service: Service) -> Tags:
    """Tags, of a project with one model."""
    documents = Documents(service.s3, MODELS)
    ModelRegistry(service.s3, MODELS, "cars").publish(b"model", {})
    return Tags(documents, ModelStore(documents, NAMES, [Published(documents)]), NAMES)


def listed(tags: Tags, arn: str = ARN) -> dict[str, str]:
    return {one["Key"]: one["Value"] for one in tags.list({"ResourceArn": arn})["Tags"]}


def pairs(**tags: str) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]


# ---------------------------------------------------------------- projects


def test_a_project_is_created_and_described(service: Service) -> None:
    created = service.projects.create({"ProjectName": "cars"})["ProjectMetadata"]
    described = service.projects.describe({"ProjectName": "cars"})["ProjectDescription"]
    assert created["ProjectArn"] == NAMES.project_arn("cars")
    assert described == {**created, "Datasets": []}


def test_projects_are_listed_by_name_in_pages(service: Service) -> None:
    for name in ("doors", "Cars", "cars-2"):
        service.project(name)
    first = service.projects.list({"MaxResults": 2})
    rest = service.projects.list({"MaxResults": 2, "NextToken": first["NextToken"]})
    assert [one["ProjectName"] for one in first["Projects"]] == ["Cars", "cars-2"]
    assert [one["ProjectName"] for one in rest["Projects"]] == ["doors"]
    assert rest["NextToken"] is None


def test_a_project_that_publish_began_exists_too(service: Service, tags: Tags) -> None:
    del tags
    assert service.projects.describe({"ProjectName": "cars"})["ProjectDescription"]["ProjectName"] == "cars"
    with pytest.raises(ConflictException, match="already exists"):
        service.project("cars")


def test_two_that_create_the_same_project_at_once_one_is_told(service: Service) -> None:
    def create(token: str) -> None:
        service.projects.create({"ProjectName": "cars", "ClientToken": token})

    with service.at_call(3, lambda: create("1")), pytest.raises(ConflictException):
        create("2")


@pytest.mark.parametrize("operation", ["describe", "delete"])
def test_a_project_that_does_not_exist_is_not_found(service: Service, operation: str) -> None:
    call: Any = getattr(service.projects, operation)
    with pytest.raises(ResourceNotFoundException, match="capitals count") as error:
        call({"ProjectName": "Cars"})
    assert (error.value.resource_id, error.value.resource_type) == ("Cars", "PROJECT")


# ---------------------------------------------------------------- tags


def test_tags_are_added_replaced_and_removed(tags: Tags) -> None:
    tags.tag({"ResourceArn": ARN, "Tags": pairs(line="7", Werk="Köln")})
    tags.tag({"ResourceArn": ARN, "Tags": pairs(line="8")})
    assert listed(tags) == {"line": "8", "Werk": "Köln"}
    tags.untag({"ResourceArn": ARN, "TagKeys": ["line", "never there"]})
    assert listed(tags) == {"Werk": "Köln"}


def test_a_model_without_tags_has_none(tags: Tags) -> None:
    assert listed(tags) == {}
    tags.untag({"ResourceArn": ARN, "TagKeys": ["a"]})
    assert listed(tags) == {}


def test_a_model_has_at_most_two_hundred_tags(tags: Tags) -> None:
    tags.tag({"ResourceArn": ARN, "Tags": pairs(**{str(number): "" for number in range(200)})})
    tags.tag({"ResourceArn": ARN, "Tags": pairs(**{"0": "replaced"})})
    with pytest.raises(ServiceQuotaExceededException, match="at most 200 tags: remove some first"):
        tags.tag({"ResourceArn": ARN, "Tags": pairs(more="")})
    assert len(listed(tags)) == 200


def test_a_key_that_comes_twice_is_refused(tags: Tags) -> None:
    with pytest.raises(ValidationException, match="comes twice"):
        tags.tag({"ResourceArn": ARN, "Tags": [*pairs(a="1"), *pairs(a="2")]})


@pytest.mark.parametrize("call", range(1, 5))
def test_tags_that_are_added_at_once_are_all_there(service: Service, tags: Tags, call: int) -> None:
    def add(key: str) -> None:
        tags.tag({"ResourceArn": ARN, "Tags": pairs(**{key: ""})})

    add("first")
    with service.at_call(call, lambda: add("rival")) as seen:
        add("own")
    assert len(seen) >= call
    assert set(listed(tags)) == {"first", "own", "rival"}


@pytest.mark.parametrize("arn", [NAMES.model_arn("cars", "2"), NAMES.model_arn("doors", "1")])
def test_a_model_that_does_not_exist_has_no_tags(tags: Tags, arn: str) -> None:
    for call in (tags.list, lambda given: tags.tag({**given, "Tags": pairs(a="1")})):
        with pytest.raises(ResourceNotFoundException):
            call({"ResourceArn": arn})
