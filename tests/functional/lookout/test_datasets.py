"""The five operations on datasets: what they answer, what they refuse, what they leave."""

from __future__ import annotations

import json
from datetime import UTC, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from support_datasets import FOREIGN, GRANTED, IMAGES, MODELS, lines
from support_lookout import COLOURS, label, line, manifest_bytes, mask

from chalicelib.lookout.api.contract import MAX_BLOB, HttpRequest, members_of
from chalicelib.lookout.api.errors import (
    AccessDeniedException,
    ApiError,
    ConflictException,
    ResourceNotFoundException,
    ValidationException,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from support_datasets import Service

SOURCE = f"s3://{GRANTED}/exports/cars"
TRAIN = {"ProjectName": "cars", "DatasetType": "train"}


@pytest.fixture(autouse=True)
def _project(service: Service) -> None:
    service.project()


def made(service: Service, content: bytes | None = None, **more: Any) -> None:
    service.create(lines("a.png", "b.png") if content is None else content, **more)
    service.run()


def resource(error: pytest.ExceptionInfo[ApiError]) -> tuple[str, str]:
    body = error.value.body()
    return body["ResourceId"], body["ResourceType"]


# ---------------------------------------------------------------- CreateDataset


def test_an_empty_dataset_is_there_at_once(service: Service) -> None:
    created = service.create()["DatasetMetadata"]
    assert (created["DatasetType"], created["Status"]) == ("train", "CREATE_COMPLETE")
    assert service.jobs.started == []
    assert service.describe()["ImageStats"] == {"Total": 0, "Labeled": 0, "Normal": 0, "Anomaly": 0}
    assert service.names() == []


def test_a_dataset_from_a_manifest_is_made_by_a_job(service: Service) -> None:
    content = lines("a.png", "b.png") + lines("c.png", of="anomaly") + lines("d.png", of="")
    created = service.create(content)["DatasetMetadata"]
    assert created["Status"] == "CREATE_IN_PROGRESS"
    assert service.describe()["Status"] == "CREATE_IN_PROGRESS"
    service.run()
    described = service.describe()
    assert described["Status"] == "CREATE_COMPLETE"
    assert described["ImageStats"] == {"Total": 4, "Labeled": 3, "Normal": 2, "Anomaly": 1}
    assert described["CreationTimestamp"] == created["CreationTimestamp"] < described["LastUpdatedTimestamp"]


def test_lines_are_kept_as_they_were_given(service: Service) -> None:
    odd = b'{ "source-ref": "s3://my-bucket/\xc3\xa4 b.png",\t"note": "\\u00fc \\"x\\"" }'
    made(service, odd + b"\r\n")
    given = {"ProjectName": "cars", "DatasetType": "train"}
    assert service.datasets.entries(given)["DatasetEntries"] == [odd.decode()]


@pytest.mark.parametrize("background", [True, False], ids=["named", "as in the cookie sample"])
def test_masks_are_taken_with_and_without_a_background(service: Service, *, background: bool) -> None:
    drawn = mask(f"{SOURCE}/a-mask.png", COLOURS, background=background)
    made(service, manifest_bytes([line(f"{SOURCE}/a.png", label("anomaly"), drawn)]))
    (entry,) = service.store.entries("cars", "train")
    assert entry.mask is not None
    assert set(entry.mask.labels.values()) == {"scratch", "dent"}
    record = service.store.get("cars", "train")
    assert record is not None
    assert record.images.masked == 1


def test_a_project_has_a_training_and_a_test_dataset(service: Service) -> None:
    service.create()
    service.create(kind="test")
    described = service.projects.describe({"ProjectName": "cars"})["ProjectDescription"]
    assert [(one["DatasetType"], one["Status"]) for one in described["Datasets"]] == [
        ("train", "CREATE_COMPLETE"),
        ("test", "CREATE_COMPLETE"),
    ]


def test_the_version_of_a_manifest_that_is_named_is_read(service: Service) -> None:
    source = service.upload(lines("old.png"))
    old = service.s3.list_object_versions(Bucket=GRANTED)["Versions"][0]["VersionId"]
    service.upload(lines("new.png"))
    source["GroundTruthManifest"]["S3Object"]["VersionId"] = old
    service.create(DatasetSource=source)
    service.run()
    assert service.names() == ["old.png"]


def test_a_second_dataset_of_a_type_is_a_conflict(service: Service) -> None:
    service.create()
    with pytest.raises(ConflictException, match="UpdateDatasetEntries, or delete it first") as error:
        service.create()
    assert resource(error) == ("cars/train", "DATASET")


def test_a_manifest_in_a_bucket_that_was_not_granted_is_access_denied(service: Service) -> None:
    source = service.upload(lines("a.png"), bucket=FOREIGN)
    with pytest.raises(AccessDeniedException, match=r"bucket payroll .*dataset_bucket_arns"):
        service.create(DatasetSource=source)
    assert service.projects.describe({"ProjectName": "cars"})["ProjectDescription"]["Datasets"] == []


def test_of_the_stacks_own_images_bucket_the_prefix_datasets_is_open(service: Service) -> None:
    inside = service.upload(lines("a.png"), "datasets/cars/train.manifest", IMAGES)
    service.create(DatasetSource=inside)
    service.run()
    assert service.names() == ["a.png"]
    outside = service.upload(lines("a.png"), "image_inputs/train.manifest", IMAGES)
    with pytest.raises(AccessDeniedException, match=f"outside s3://{IMAGES}/datasets/: copy it there"):
        service.create(kind="test", DatasetSource=outside)


def test_a_source_without_a_manifest_is_a_validation_error(service: Service) -> None:
    with pytest.raises(ValidationException, match=r"GroundTruthManifest\.S3Object"):
        service.create(DatasetSource={"GroundTruthManifest": {}})


# ---------------------------------------------------------------- a manifest that can not be taken


def failure(service: Service, content: bytes | None = None, **more: Any) -> str:
    made(service, content, **more)
    described = service.describe()
    assert described["Status"] == "CREATE_FAILED"
    assert described["ImageStats"]["Total"] == 0
    return str(described["StatusMessage"])


def test_every_problem_of_a_manifest_is_told_by_its_line_and_nothing_is_taken(service: Service) -> None:
    message = failure(service, lines("a.png") + b"{\n" + lines("b.png") + b'{"source-ref":"b.png"}\n')
    assert "2 problems; nothing was taken over" in message
    assert "line 2: the line is not JSON" in message
    assert "line 4: source-ref 'b.png' is no S3 URI" in message
    with pytest.raises(ConflictException, match="delete it, then create it again"):
        service.names()


def test_an_empty_manifest_fails(service: Service) -> None:
    assert "there are no lines" in failure(service, b"\n\n")


def test_pictures_and_masks_in_buckets_that_were_not_granted_fail_naming_the_variable(
    service: Service,
) -> None:
    drawn = mask(f"s3://{FOREIGN}/a-mask.png")
    one = line(f"{SOURCE}/a.png", label("anomaly"), drawn)
    message = failure(service, manifest_bytes([one, {**one, "source-ref": f"{SOURCE}/b.png"}]))
    assert message.count("bucket payroll is not open to datasets") == 1
    assert "line 1: " in message
    assert "dataset_bucket_arns" in message


def test_pictures_of_one_manifest_lie_in_one_bucket(service: Service) -> None:
    message = failure(service, lines("a.png") + lines("../datasets/b.png", bucket=IMAGES))
    assert f"line 2: the picture is in bucket {IMAGES}, those before it are in {GRANTED}" in message


def test_a_manifest_that_is_not_there_fails(service: Service) -> None:
    gone = {"GroundTruthManifest": {"S3Object": {"Bucket": GRANTED, "Key": "no.manifest"}}}
    assert f"s3://{GRANTED}/no.manifest is not there" in failure(service, DatasetSource=gone)


def test_a_bucket_that_is_not_there_fails(service: Service) -> None:
    service.s3.delete_bucket(Bucket=GRANTED)
    gone = {"GroundTruthManifest": {"S3Object": {"Bucket": GRANTED, "Key": "no.manifest"}}}
    service.datasets.create({"ProjectName": "cars", "DatasetType": "train", "DatasetSource": gone})
    service.run()
    assert "does not exist" in service.describe()["StatusMessage"]


def test_a_failed_dataset_is_deleted_and_made_again(service: Service) -> None:
    failure(service, b"{")
    with pytest.raises(ConflictException, match="delete it first"):
        service.create()
    service.delete()
    service.run()
    made(service)
    assert service.names() == ["a.png", "b.png"]


# ---------------------------------------------------------------- ListDatasetEntries


LABELLED = lines("n1.png", "n2.png") + lines("a1.png", of="Anomaly") + lines("u1.png", of="scratch")


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({}, ["n1.png", "n2.png", "a1.png", "u1.png"]),
        ({"Labeled": True}, ["n1.png", "n2.png", "a1.png"]),
        ({"Labeled": False}, ["u1.png"]),
        ({"AnomalyClass": "normal"}, ["n1.png", "n2.png"]),
        ({"AnomalyClass": "anomaly"}, ["a1.png"]),
        ({"SourceRefContains": "1.p"}, ["n1.png", "a1.png", "u1.png"]),
        ({"SourceRefContains": "N1"}, []),
        ({"SourceRefContains": "1", "AnomalyClass": "normal", "Labeled": True}, ["n1.png"]),
        ({"AnomalyClass": "normal", "Labeled": False}, []),
    ],
)
def test_entries_are_filtered(service: Service, filters: dict[str, Any], expected: list[str]) -> None:
    made(service, LABELLED)
    assert service.names(**filters) == expected


def test_dates_are_those_at_which_pictures_came_whatever_was_changed_since(service: Service) -> None:
    made(service, lines("old.png"))
    between = service.time + timedelta(seconds=30)
    service.time += timedelta(minutes=1)
    service.update(lines("old.png", of="anomaly") + lines("new.png"))
    service.run()
    assert service.names(BeforeCreationDate=between) == ["old.png"]
    assert service.names(AfterCreationDate=between) == ["new.png"]
    assert service.names(AfterCreationDate=between.replace(tzinfo=None)) == ["new.png"]
    assert service.names(AfterCreationDate=between, BeforeCreationDate=between) == []


def test_pages_hold_every_entry_once(service: Service) -> None:
    names = [f"{number:03}.png" for number in range(230)]
    made(service, lines(*names))
    given: dict[str, Any] = {"ProjectName": "cars", "DatasetType": "train"}
    sizes, seen = [], []
    while True:
        found = service.datasets.entries(given)
        sizes.append(len(found["DatasetEntries"]))
        seen += [json.loads(entry)["source-ref"].rpartition("/")[2] for entry in found["DatasetEntries"]]
        if not found["NextToken"]:
            break
        given["NextToken"] = found["NextToken"]
    assert sizes == [100, 100, 30]
    assert seen == names


def test_an_update_between_two_pages_skips_nothing(service: Service) -> None:
    made(service, lines("a.png", "b.png", "c.png"))
    given: dict[str, Any] = {"ProjectName": "cars", "DatasetType": "train", "MaxResults": 2}
    first = service.datasets.entries(given)
    service.update(lines("b.png", of="anomaly") + lines("d.png"))
    service.run()
    assert service.names(MaxResults=2, NextToken=first["NextToken"]) == ["c.png", "d.png"]


def test_a_token_of_a_dataset_that_is_gone_counts_for_no_other(service: Service) -> None:
    made(service)
    given = {"ProjectName": "cars", "DatasetType": "train", "MaxResults": 1}
    token = service.datasets.entries(given)["NextToken"]
    service.delete()
    service.run()
    made(service)
    with pytest.raises(ValidationException, match="list from the beginning"):
        service.names(NextToken=token)


def test_a_token_is_one_that_the_service_takes(service: Service) -> None:
    made(service)
    token = service.datasets.entries({**TRAIN, "MaxResults": 1})["NextToken"]
    request = HttpRequest({"projectName": "cars", "datasetType": "train"}, {"nextToken": [token]}, {}, b"")
    assert members_of("ListDatasetEntries", request)["NextToken"] == token


@pytest.mark.parametrize("token", ["nonsense", "ä", "YSBi"])
def test_a_token_that_is_none_is_a_validation_error(service: Service, token: str) -> None:
    made(service)
    with pytest.raises(ValidationException, match="NextToken"):
        service.names(NextToken=token)


# ---------------------------------------------------------------- UpdateDatasetEntries


def test_an_update_adds_lines_and_replaces_those_of_the_same_pictures(service: Service) -> None:
    made(service)
    assert service.update(lines("b.png", of="anomaly") + lines("c.png")) == {"Status": "UPDATE_IN_PROGRESS"}
    assert service.describe()["Status"] == "UPDATE_IN_PROGRESS"
    assert service.names() == ["a.png", "b.png"]
    service.run()
    assert service.describe()["Status"] == "UPDATE_COMPLETE"
    assert service.describe()["ImageStats"] == {"Total": 3, "Labeled": 3, "Normal": 2, "Anomaly": 1}
    assert service.names() == ["a.png", "b.png", "c.png"]
    assert service.names(AnomalyClass="anomaly") == ["b.png"]


def test_an_empty_dataset_is_filled_by_updates(service: Service) -> None:
    service.create()
    for name in ("a.png", "b.png"):
        service.update(lines(name))
        service.run()
    assert service.names() == ["a.png", "b.png"]


@pytest.mark.parametrize("first", ["train", "test"])
def test_the_kinds_of_both_datasets_of_a_project_count_together(service: Service, first: str) -> None:
    second = "test" if first == "train" else "train"
    made(service, masked("a.png", range(60)), DatasetType=first)
    made(service, masked("b.png", range(60, 101)), DatasetType=second)
    assert service.describe(first)["Status"] == "CREATE_COMPLETE"
    described = service.describe(second)
    assert described["Status"] == "CREATE_FAILED"
    assert "101 kinds of anomaly, and a project may have 100" in described["StatusMessage"]


def masked(name: str, kinds: range) -> bytes:
    """A line whose mask names kinds of anomaly."""
    labels = {f"kind-{number}": f"#0000{number:02x}" for number in kinds}
    drawn = mask(f"s3://{GRANTED}/m.png", labels)
    return manifest_bytes([line(f"s3://{GRANTED}/{name}", label("anomaly"), drawn)])


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (lines("c.png") + b"[]", "line 2: the line is JSON, but no object"),
        (lines("datasets/c.png", bucket=IMAGES), f"those before it are in {GRANTED}"),
        (b"\n", "there are no lines"),
    ],
    ids=["a wrong line", "another bucket", "nothing"],
)
def test_an_update_that_can_not_be_taken_leaves_everything_as_it_was(
    service: Service, changes: bytes, said: str
) -> None:
    made(service)
    before = service.store.get("cars", "train")
    service.update(changes)
    service.run()
    described = service.describe()
    assert described["Status"] == "UPDATE_FAILED_ROLLBACK_COMPLETE"
    assert said in described["StatusMessage"]
    assert service.names() == ["a.png", "b.png"]
    after = service.store.get("cars", "train")
    assert before is not None
    assert after is not None
    assert (after.entries_key, after.images) == (before.entries_key, before.images)
    service.update(lines("c.png"))  # and the next one is taken
    service.run()
    assert service.names() == ["a.png", "b.png", "c.png"]
    assert service.describe()["StatusMessage"] == ""


def test_what_does_not_fit_into_a_call_is_a_validation_error(service: Service) -> None:
    service.create()
    service.update(b" " * (MAX_BLOB - 100) + lines("a.png")[:100])
    service.run()
    with pytest.raises(ValidationException, match="4500000 fit into a call of this API: send the lines in"):
        service.update(b" " * (MAX_BLOB + 1))


def test_a_second_update_waits_for_the_first(service: Service) -> None:
    made(service)
    service.update(lines("c.png"))
    with pytest.raises(ConflictException, match=r"UPDATE_IN_PROGRESS.*wait until DescribeDataset") as error:
        service.update(lines("d.png"))
    assert resource(error) == ("cars/train", "DATASET")
    service.run()
    service.update(lines("d.png"))
    service.run()
    assert service.names() == ["a.png", "b.png", "c.png", "d.png"]


def test_updates_leave_no_files_behind(service: Service) -> None:
    made(service)
    for name in ("c.png", "d.png"):
        service.update(lines(name))
        service.run()
    service.update(b"{")
    service.run()
    record = service.store.get("cars", "train")
    assert record is not None
    folder = "projects/cars/datasets/train/"
    assert service.objects() == {"projects/cars/project.json", f"{folder}dataset.json", record.entries_key}


# ---------------------------------------------------------------- DeleteDataset


def test_a_deleted_dataset_is_gone_with_its_files(service: Service) -> None:
    made(service)
    assert service.delete() == {}
    assert service.describe()["Status"] == "DELETE_IN_PROGRESS"
    with pytest.raises(ConflictException, match="DELETE_IN_PROGRESS"):
        service.names()
    service.run()
    with pytest.raises(ResourceNotFoundException) as error:
        service.describe()
    assert resource(error) == ("cars/train", "DATASET")
    assert service.projects.describe({"ProjectName": "cars"})["ProjectDescription"]["Datasets"] == []
    left = {"projects/cars/project.json", "projects/cars/datasets/train/dataset.json"}
    assert service.objects() == left
    assert service.s3.head_object(Bucket=GRANTED, Key="exports/cars/train.manifest")


@pytest.mark.parametrize("under_way", ["create", "update", "delete"])
def test_a_dataset_that_a_job_is_at_work_on_is_not_deleted(service: Service, under_way: str) -> None:
    if under_way == "create":
        service.create(lines("a.png"))
    else:
        made(service)
        service.update(lines("c.png")) if under_way == "update" else service.delete()
    with pytest.raises(ConflictException, match="can not be deleted now"):
        service.delete()


def test_a_project_is_deleted_after_its_datasets(service: Service) -> None:
    made(service)
    with pytest.raises(ConflictException, match=r"has datasets \(train\): delete each of them first"):
        service.projects.delete({"ProjectName": "cars"})
    service.delete()
    service.run()
    service.projects.delete({"ProjectName": "cars"})
    assert service.objects() == set()
    with pytest.raises(ResourceNotFoundException):
        service.projects.describe({"ProjectName": "cars"})


def test_a_project_with_models_is_not_deleted(service: Service) -> None:
    service.s3.put_object(Bucket=MODELS, Key="projects/cars/models/1/model.json", Body=b"{}")
    with pytest.raises(ConflictException, match="has models"):
        service.projects.delete({"ProjectName": "cars"})


# ---------------------------------------------------------------- what does not exist


@pytest.mark.parametrize("operation", ["create", "describe", "entries", "update", "delete"])
def test_a_project_that_does_not_exist_is_not_found(service: Service, operation: str) -> None:
    call: Callable[[dict[str, Any]], Any] = getattr(service.datasets, operation)
    with pytest.raises(ResourceNotFoundException, match="Project Cars does not exist") as error:
        call({"ProjectName": "Cars", "DatasetType": "train", "Changes": lines("a.png")})
    assert resource(error) == ("Cars", "PROJECT")


@pytest.mark.parametrize("operation", ["describe", "entries", "update", "delete"])
def test_a_dataset_that_does_not_exist_is_not_found(service: Service, operation: str) -> None:
    call: Callable[[dict[str, Any]], Any] = getattr(service.datasets, operation)
    service.create()
    with pytest.raises(ResourceNotFoundException, match="has no test dataset: create it first") as error:
        call({"ProjectName": "cars", "DatasetType": "test", "Changes": lines("a.png")})
    assert resource(error) == ("cars/test", "DATASET")


# ---------------------------------------------------------------- ClientToken


def test_a_call_that_is_made_again_does_its_work_once(service: Service) -> None:
    source = service.upload(lines("a.png"))
    first = service.create(ClientToken="t1", DatasetSource=source)
    assert service.create(ClientToken="t1", DatasetSource=source) == first
    assert len(service.jobs.started) == 1
    service.run()
    again = service.create(ClientToken="t1", DatasetSource=source)["DatasetMetadata"]
    assert again["Status"] == "CREATE_COMPLETE"

    service.update(lines("b.png"), ClientToken="t2")
    assert service.update(lines("b.png"), ClientToken="t2") == {"Status": "UPDATE_IN_PROGRESS"}
    service.run()
    assert service.update(lines("b.png"), ClientToken="t2") == {"Status": "UPDATE_COMPLETE"}

    service.delete(ClientToken="t3")
    service.delete(ClientToken="t3")
    service.run()
    assert service.delete(ClientToken="t3") == {}
    assert service.jobs.started == []


def test_a_token_with_other_input_is_a_conflict(service: Service) -> None:
    service.create(ClientToken="t1")
    with pytest.raises(ConflictException, match="ClientToken t1 was used for another call of CreateDataset"):
        service.create(ClientToken="t1", DatasetSource=service.upload(lines("a.png")))
    service.update(lines("a.png"), ClientToken="t2")
    with pytest.raises(ConflictException, match="use a token of its own"):
        service.update(lines("b.png"), ClientToken="t2")


def test_a_token_counts_for_eight_hours(service: Service) -> None:
    service.create(ClientToken="t1")
    service.time += timedelta(hours=7, minutes=59)
    service.create(ClientToken="t1")
    service.time += timedelta(minutes=2)
    with pytest.raises(ConflictException, match="has a train dataset"):
        service.create(ClientToken="t1")


def test_a_project_that_is_created_again_with_the_same_token_is_the_same(service: Service) -> None:
    given = {"ProjectName": "doors", "ClientToken": "t1"}
    first = service.projects.create(given)
    assert service.projects.create(given) == first
    with pytest.raises(ConflictException):
        service.projects.create({"ProjectName": "doors", "ClientToken": "t2"})


def test_dates_have_a_time_zone(service: Service) -> None:
    service.create()
    assert service.describe()["CreationTimestamp"] == service.time.astimezone(UTC)
