"""The models bucket: versions that are whole, and a pointer that only goes forward."""

from __future__ import annotations

import json
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.exceptions import ClientError
from support_delivery import MODELS

from chalicelib.exceptions import ModelInvalidError, ModelNotFoundError
from chalicelib.registry import ModelEntry, ModelRegistry

if TYPE_CHECKING:
    from support_delivery import Stack

PROJECT = "Cells"
POINTER = f"projects/{PROJECT}/current.json"


class Seconds:
    """A clock that stands still until it is moved."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Seconds:
    return Seconds()


@pytest.fixture
def registry(stack: Stack, clock: Seconds) -> ModelRegistry:
    return ModelRegistry(stack.s3, MODELS, PROJECT, clock=clock)


def names(stack: Stack) -> set[str]:
    return {found["Key"] for found in stack.s3.list_objects_v2(Bucket=MODELS).get("Contents", [])}


def test_what_is_published_is_current(registry: ModelRegistry) -> None:
    entry = registry.publish(b"model", {"report.html": b"<html>"})
    assert entry == ModelEntry(PROJECT, "1", sha256(b"model").hexdigest(), 5)
    assert registry.current() == entry
    assert registry.download(entry) == b"model"


def test_a_version_is_laid_out_as_documented(stack: Stack, registry: ModelRegistry) -> None:
    registry.publish(b"model", {"evaluation.json": b"{}", "report.html": b"<html>"})
    folder = f"projects/{PROJECT}/models/1/"
    files = {"model.onnx", "evaluation.json", "report.html", "model.json"}
    assert {folder + file for file in files} | {POINTER} <= names(stack)
    details = json.loads(stack.s3.get_object(Bucket=MODELS, Key=folder + "model.json")["Body"].read())
    assert details["version"] == "1"
    assert details["created_at"].endswith("Z")


def test_publishing_reads_none_of_the_versions_before_it(stack: Stack, registry: ModelRegistry) -> None:
    for _ in range(3):
        registry.publish(b"model", {})
    read: list[str] = []
    stack.s3.meta.events.register("before-call.s3.GetObject", lambda params, **_: read.append(params["url"]))
    registry.publish(b"model", {})
    assert [url.partition(MODELS)[2].rpartition("/")[2] for url in read] == ["current.json"]


def test_files_that_belong_to_no_version_are_passed_over(stack: Stack, registry: ModelRegistry) -> None:
    registry.publish(b"model", {})
    for stray in ("notes/model.json", "1/old/model.json", "README"):
        stack.s3.put_object(Bucket=MODELS, Key=f"projects/{PROJECT}/models/{stray}")
    assert [entry.version for entry in registry.versions()] == ["1"]
    assert registry.publish(b"model", {}).version == "2"


def test_versions_are_counted_as_numbers(registry: ModelRegistry) -> None:
    for _ in range(11):
        registry.publish(b"model", {})
    assert [entry.version for entry in registry.versions()] == [str(number) for number in range(1, 12)]
    assert registry.current().version == "11"


def test_two_publishers_at_once_get_two_versions(stack: Stack, registry: ModelRegistry) -> None:
    slow = boto3.client("s3")
    quick_ones: list[ModelEntry] = []

    def publish_meanwhile(**_: object) -> None:
        if not quick_ones:
            quick_ones.append(registry.publish(b"quick", {}))

    slow.meta.events.register("before-call.s3.PutObject", publish_meanwhile)
    entry = ModelRegistry(slow, MODELS, PROJECT).publish(b"slow", {})
    assert (quick_ones[0].version, entry.version) == ("1", "2")
    fresh = ModelRegistry(stack.s3, MODELS, PROJECT)
    assert [fresh.download(version) for version in fresh.versions()] == [b"quick", b"slow"]
    assert fresh.current() == entry


@pytest.mark.parametrize("published", [0, 1], ids=["first", "later"])
def test_a_slow_publisher_does_not_take_a_quicker_laters_place(
    stack: Stack, registry: ModelRegistry, published: int
) -> None:
    for _ in range(published):
        registry.publish(b"earlier", {})
    slow = boto3.client("s3")
    done: list[ModelEntry] = []

    def publish_before_the_pointer(params: dict[str, Any], **_: object) -> None:
        if params["url_path"].endswith("current.json") and not done:
            done.append(registry.publish(b"later", {}))

    slow.meta.events.register("before-call.s3.PutObject", publish_before_the_pointer)
    entry = ModelRegistry(slow, MODELS, PROJECT).publish(b"slow", {})
    assert int(entry.version) < int(done[0].version)
    assert ModelRegistry(stack.s3, MODELS, PROJECT).current() == done[0]


def test_a_version_that_was_never_finished_is_none(stack: Stack, registry: ModelRegistry) -> None:
    stack.s3.put_object(Bucket=MODELS, Key=f"projects/{PROJECT}/models/1/claimed", Body=b"")
    stack.s3.put_object(Bucket=MODELS, Key=f"projects/{PROJECT}/models/1/model.onnx", Body=b"half")
    assert registry.versions() == []
    assert registry.publish(b"model", {}).version == "2"


def test_projects_do_not_see_each_others_models(stack: Stack, registry: ModelRegistry) -> None:
    registry.publish(b"model", {})
    with pytest.raises(ModelNotFoundError, match="Doors"):
        ModelRegistry(stack.s3, MODELS, "Doors").current()


def test_that_nothing_is_published_is_never_remembered(registry: ModelRegistry, stack: Stack) -> None:
    with pytest.raises(ModelNotFoundError, match="spotcheck publish"):
        registry.current()
    ModelRegistry(stack.s3, MODELS, PROJECT).publish(b"model", {})
    assert registry.current().version == "1"


def test_the_pointer_is_read_again_after_a_minute(
    registry: ModelRegistry, stack: Stack, clock: Seconds
) -> None:
    publisher = ModelRegistry(stack.s3, MODELS, PROJECT)
    publisher.publish(b"one", {})
    registry.current()
    publisher.publish(b"two", {})
    clock.now = 59.9
    assert registry.current().version == "1"
    clock.now = 60.0
    assert registry.current().version == "2"


def test_a_pinned_version_is_current_whatever_is_published(stack: Stack, registry: ModelRegistry) -> None:
    pinned = ModelRegistry(stack.s3, MODELS, PROJECT, pinned_version="1")
    with pytest.raises(ModelNotFoundError, match=r"version 1 .* does not exist"):
        pinned.current()
    registry.publish(b"one", {})
    registry.publish(b"two", {})
    assert pinned.current().version == "1"


@pytest.mark.parametrize("content", [b"mobel", b"model and more"])
def test_a_damaged_model_is_not_handed_out(stack: Stack, registry: ModelRegistry, content: bytes) -> None:
    entry = registry.publish(b"model", {})
    stack.s3.put_object(Bucket=MODELS, Key=f"projects/{PROJECT}/models/1/model.onnx", Body=content)
    with pytest.raises(ModelInvalidError, match="Publish it again"):
        registry.download(entry)


def test_a_bucket_that_is_not_there_is_a_fault(stack: Stack) -> None:
    nowhere = ModelRegistry(stack.s3, "no-such-bucket", PROJECT)
    for act in (nowhere.current, lambda: nowhere.publish(b"model", {})):
        with pytest.raises(ClientError, match="NoSuchBucket"):
            act()


def test_a_pointer_that_cannot_be_read_is_a_fault(stack: Stack) -> None:
    def refuse(params: dict[str, Any], **_: object) -> None:
        if params["url_path"].endswith("current.json"):
            error = {"Code": "AccessDenied", "Message": "Access Denied"}
            raise ClientError({"Error": error}, "GetObject")  # type: ignore[typeddict-item]

    stack.s3.meta.events.register("before-call.s3.GetObject", refuse)
    with pytest.raises(ClientError, match="AccessDenied"):
        ModelRegistry(stack.s3, MODELS, PROJECT).publish(b"model", {})


@pytest.mark.usefixtures("stack")
def test_a_failing_claim_or_pointer_is_a_fault() -> None:
    for key in ("claimed", "current.json"):
        s3 = boto3.client("s3")

        def refuse(params: dict[str, Any], key: str = key, **_: object) -> None:
            if params["url_path"].endswith(key):
                error = {"Code": "AccessDenied", "Message": "Access Denied"}
                raise ClientError({"Error": error}, "PutObject")  # type: ignore[typeddict-item]

        s3.meta.events.register("before-call.s3.PutObject", refuse)
        with pytest.raises(ClientError, match="AccessDenied"):
            ModelRegistry(s3, MODELS, PROJECT).publish(b"model", {})


def test_an_older_version_can_be_made_current(registry: ModelRegistry) -> None:
    older = registry.publish(b"one", {})
    newer = registry.publish(b"two", {})
    assert registry.point_at("1") == registry.current() == older
    assert registry.point_at("2") == registry.current() == newer


def test_a_version_that_does_not_exist_cannot_be_made_current(registry: ModelRegistry) -> None:
    entry = registry.publish(b"one", {})
    with pytest.raises(ModelNotFoundError, match="version 7"):
        registry.point_at("7")
    assert registry.current() == entry


def test_after_the_current_version_is_stopped_there_is_none(registry: ModelRegistry) -> None:
    registry.publish(b"one", {})
    assert registry.point_at_none("1")
    with pytest.raises(ModelNotFoundError, match="hosted"):
        registry.current()


def test_stopping_another_version_leaves_the_current_one(registry: ModelRegistry) -> None:
    registry.publish(b"one", {})
    entry = registry.publish(b"two", {})
    assert not registry.point_at_none("1")
    assert registry.current() == entry


def test_where_nothing_was_ever_published_there_is_nothing_to_stop(registry: ModelRegistry) -> None:
    assert not registry.point_at_none("1")


def test_publishing_hosts_again_what_was_stopped(registry: ModelRegistry) -> None:
    registry.publish(b"one", {})
    registry.point_at_none("1")
    assert registry.publish(b"two", {}) == registry.current()


def test_a_version_can_be_fetched_that_is_not_current(registry: ModelRegistry) -> None:
    registry.publish(b"one", {})
    registry.publish(b"two", {})
    assert registry.download(registry.entry("1")) == b"one"


def test_where_the_pointer_points_is_read_anew_each_time(registry: ModelRegistry, stack: Stack) -> None:
    assert registry.pointed_at() is None
    registry.publish(b"one", {})
    registry.current()
    ModelRegistry(stack.s3, MODELS, PROJECT).point_at_none("1")
    assert registry.pointed_at() is None
    assert ModelRegistry(stack.s3, MODELS, PROJECT, pinned_version="1").pointed_at() == "1"


def test_another_version_takes_the_place_of_the_one_that_is_stopped(registry: ModelRegistry) -> None:
    for content in (b"one", b"two"):
        registry.publish(content, {})
    assert registry.point_at_none("2", "1")
    assert registry.current().version == "1"
