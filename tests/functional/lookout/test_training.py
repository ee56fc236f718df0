"""CreateModel, what the trainer does, and DeleteModel."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError
from support_datasets import FOREIGN, GRANTED, MODELS
from support_lookout import label, line, mask, mask_png
from support_training import MOST, Training, texture_png

from chalicelib.detector import Detector
from chalicelib.exceptions import ModelNotFoundError, TrainingError
from chalicelib.lookout.api import dataset_jobs
from chalicelib.lookout.api.errors import (
    AccessDeniedException,
    ConflictException,
    ResourceNotFoundException,
    ServiceQuotaExceededException,
    ValidationException,
)
from chalicelib.lookout.api.hosting_book import HostingStatus
from chalicelib.lookout.api.model_store import Published
from chalicelib.lookout.evaluation import EvaluationResult
from chalicelib.lookout.training import trainer as trainer_module
from chalicelib.lookout.training.heartbeat import HeartBeat
from chalicelib.measuring.training import evaluate_normals as evaluate_normals_really
from chalicelib.measuring.training import train_on as train_on_really

if TYPE_CHECKING:
    from collections.abc import Callable

    from support_datasets import Service

    from chalicelib.measuring.training import Result


class Killed(BaseException):
    """The process is gone: nothing catches it."""


@pytest.fixture
def cars(service: Service) -> Training:
    service.project()
    return Training(service)


@pytest.fixture(scope="module")
def results() -> dict[str, Result]:
    """What training gave, by the pictures' names: whoever trains on the same again need not wait."""
    return {}


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch, results: dict[str, Result]) -> None:
    """The same pictures are really trained on once."""
    really = train_on_really

    def train_on(dataset: Any, config: Any, **more: Any) -> Result:
        key = " ".join(picture.name for picture in (*dataset.train, *dataset.test))
        if key not in results:
            results[key] = really(dataset, config, **more)
        return results[key]

    monkeypatch.setattr(trainer_module, "train_on", train_on)
    # The files that a remembered evaluation names are gone.
    monkeypatch.setattr(trainer_module, "render_model_report", lambda *_: "<html>")
    monkeypatch.setattr(trainer_module, "evaluate_normals", evaluate_normals_once())


def evaluate_normals_once() -> Callable[..., Any]:
    known = dict[int, Any]()

    def evaluate_normals(dataset: Any, trained: Any) -> Any:
        if id(trained) not in known:
            known[id(trained)] = evaluate_normals_really(dataset, trained)
        return known[id(trained)]

    return evaluate_normals


# ---------------------------------------------------------------- CreateModel


def test_a_model_that_is_created_is_being_trained(cars: Training) -> None:
    cars.dataset()
    answer = cars.operations.create(
        {
            "ProjectName": "cars",
            "OutputConfig": {"S3Location": {"Bucket": GRANTED}},
            "Description": "first",
            "KmsKeyId": "alias/mine",
            "Tags": [{"Key": "line", "Value": "7"}],
        }
    )["ModelMetadata"]
    assert (answer["ModelVersion"], answer["Status"], answer["Description"]) == ("1", "TRAINING", "first")
    assert answer["ModelArn"].endswith(":model/cars/1")
    described = cars.describe()
    assert described["OutputConfig"]["S3Location"]["Bucket"] == GRANTED
    assert described["KmsKeyId"] == "alias/mine"
    assert described["CreationTimestamp"].year == 2026
    assert cars.trained == [("cars", "1")]
    assert cars.tags.list({"ResourceArn": answer["ModelArn"]})["Tags"] == [{"Key": "line", "Value": "7"}]


def test_the_same_token_begins_one_training(cars: Training) -> None:
    cars.dataset()
    assert [cars.create(ClientToken="a"), cars.create(ClientToken="a"), cars.create(ClientToken="b")] == [
        "1",
        "1",
        "2",
    ]
    assert cars.trained == [("cars", "1"), ("cars", "1"), ("cars", "2")]  # the trainer itself does it once


def test_a_token_means_one_input(cars: Training) -> None:
    cars.dataset()
    cars.create(ClientToken="a")
    with pytest.raises(ConflictException, match="ClientToken a"):
        cars.create(ClientToken="a", Description="other")


@pytest.mark.parametrize("number", range(1, 20))
def test_a_call_that_is_killed_anywhere_and_made_again_begins_one_training(
    cars: Training, number: int
) -> None:
    cars.dataset()

    def kill() -> None:
        raise Killed

    given = {"ClientToken": "a", "Tags": [{"Key": "line", "Value": "7"}]}
    with pytest.raises(Killed), cars.service.at_call(number, kill, after=bool(number % 2)):
        cars.create(**given)
    version = cars.create(**given)
    assert set(cars.trained) == {("cars", version)}
    assert [model.version for model in cars.models.all("cars")] == [version]


def test_without_a_training_dataset_there_is_nothing_to_train_on(cars: Training) -> None:
    with pytest.raises(ResourceNotFoundException, match="no training dataset") as error:
        cars.create()
    assert error.value.body()["ResourceType"] == "DATASET"


def test_a_dataset_that_is_being_made_is_a_conflict(cars: Training) -> None:
    cars.service.create(b'{"source-ref":"s3://my-bucket/a.png"}')
    with pytest.raises(ConflictException, match="CREATE_IN_PROGRESS"):
        cars.create()


def test_nine_normal_pictures_are_too_few(cars: Training) -> None:
    cars.dataset(9, 3)
    with pytest.raises(ValidationException, match="9 pictures labelled normal: at least 10"):
        cars.create()


def test_more_pictures_than_the_time_allows_go_to_the_desk(cars: Training) -> None:
    cars.dataset(MOST - 1)
    cars.dataset(2, kind="test")
    with pytest.raises(ServiceQuotaExceededException, match=r"41 labelled pictures.*40.*spotcheck train"):
        cars.create()


def test_more_kinds_of_anomaly_than_a_project_may_have_are_not_trained_on(
    cars: Training, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As if both datasets had been made at the same moment: neither saw the other's.
    monkeypatch.setattr(dataset_jobs, "kinds_of_masks", lambda _: set[str]())
    for kind, kinds in (("train", range(60)), ("test", range(60, 101))):
        labels = {f"kind-{number}": f"#0000{number:02x}" for number in kinds}
        uri = f"s3://{GRANTED}/exports/cars/{kind}-masked.png"
        cars.dataset(12, kind=kind, more=[line(uri, label("anomaly"), mask(uri, labels))])
    with pytest.raises(ServiceQuotaExceededException, match=r"101 kinds of anomaly.* may have 100"):
        cars.create()
    assert cars.models.all("cars") == []


def test_an_output_bucket_that_is_not_open_names_the_variable(cars: Training) -> None:
    cars.dataset()
    with pytest.raises(AccessDeniedException, match="dataset_bucket_arns"):
        cars.create(OutputConfig={"S3Location": {"Bucket": FOREIGN}})


# ---------------------------------------------------------------- training


def test_a_project_is_trained_from_s3_and_measured_on_its_test_set(cars: Training) -> None:
    cars.dataset(14, 0)
    cars.dataset(4, 4, kind="test", start=100)
    cars.create()
    cars.train()
    described = cars.describe()
    assert described["Status"] == "TRAINED", described
    assert described["StatusMessage"].startswith("Trained on 14 normal pictures, measured on 8.")
    assert described["Performance"]["Recall"] == 1
    assert set(described["Performance"]) == {"Precision", "Recall", "F1Score"}
    assert described["EvaluationResult"] == {
        "Bucket": GRANTED,
        "Key": "evaluation/EvaluationResult-cars-1.json",
    }
    result = EvaluationResult.from_bytes(cars.output("EvaluationResult-cars-1.json"))
    assert (result.training_images, result.testing_images) == (14, 8)
    assert result.model_arn == described["ModelArn"]
    assert result.recall == described["Performance"]["Recall"]
    assert result.roc_auc == 1
    assert result.average_precision == pytest.approx(1)
    assert result.labels == ()  # no masks were learnt from
    lines = [json.loads(one) for one in cars.output("EvaluationManifest-cars-1.json").splitlines()]
    assert len(lines) == 8
    bad = next(one for one in lines if "bad" in one["source-ref"])
    assert bad["anomaly-label-metadata"]["class-name"] == "anomaly"
    assert bad["anomaly-label-detected"] == 1
    told = bad["anomaly-label-detected-metadata"]
    assert (told["class-name"], told["project-name"], told["model-version"]) == ("anomaly", "cars", "1")
    assert told["job-name"] == "training-job/anomaly-detection"
    assert 0.5 <= told["confidence"] <= 1
    files = {key.rpartition("/")[2] for key in sorted(cars.service.objects()) if "/models/1/" in key}
    assert {"model.onnx", "evaluation.json", "report.html", "model.json"} <= files


@pytest.mark.usefixtures("quick")
def test_a_trained_model_is_not_hosted(cars: Training) -> None:
    cars.dataset(14, 0)
    cars.create()
    cars.train()
    assert cars.describe()["Status"] == "TRAINED"
    with pytest.raises(ModelNotFoundError):
        cars.registry("cars").current()


def test_anomalies_and_their_masks_are_learnt_from_where_there_are_any(cars: Training) -> None:
    cars.dataset(16, 6, masks=True)
    cars.create()
    cars.train()
    described = cars.describe()
    assert described["Status"] == "TRAINED", described
    assert "Trained on 16 normal and 6 anomalous pictures, measured on 22." in described["StatusMessage"]
    evaluation = json.loads(
        cars.s3.get_object(Bucket=MODELS, Key="projects/cars/models/1/evaluation.json")["Body"].read()
    )
    assert (evaluation["normals"], evaluation["anomalies"]) == (16, 6)
    model = cars.s3.get_object(Bucket=MODELS, Key="projects/cars/models/1/model.onnx")["Body"].read()
    metadata = Detector.load(model).metadata
    assert metadata.with_masks  # so that DetectAnomalies answers in the full shape
    assert [(kind.name, kind.color) for kind in metadata.kinds] == [("scratch", "#2CA02C")]
    (scratch,) = EvaluationResult.from_bytes(cars.output("EvaluationResult-cars-1.json")).labels
    assert scratch.name == "scratch"
    assert 0 < (scratch.iou or 0) <= (scratch.f1 or 0) < 1


def test_a_mask_that_is_of_no_use_is_told_and_its_picture_still_trained_on(
    cars: Training, monkeypatch: pytest.MonkeyPatch
) -> None:
    uri = cars.put("bad.png", texture_png(900))
    wrong = line(uri, label("anomaly"), mask(cars.put("bad-mask.png", mask_png(side=50))))
    cars.dataset(14, 0, more=[wrong])
    cars.create()
    seen: list[Any] = []

    def train_on(dataset: Any, *_: Any, **__: Any) -> None:
        seen.append(dataset)
        message = "enough"
        raise TrainingError(message)

    monkeypatch.setattr(trainer_module, "train_on", train_on)
    cars.train()
    (dataset,) = seen
    assert [picture.mask for picture in dataset.anomalies] == [None]
    (told,) = dataset.skipped
    assert told.reason == "its mask was not used: it has 50 x 50 pixels, and the picture 96 x 96"


def test_a_version_that_is_registered_while_somebody_looks_is_trained_at_the_next_look(
    cars: Training,
) -> None:
    cars.dataset()
    cars.create()
    before = Published(cars.documents).members("cars", "1", {})
    cars.registry("cars").register("1", b"model", {})
    assert cars.book.members("cars", "1", before)["Status"] == "TRAINING"
    assert cars.describe()["Status"] == "TRAINED"


@pytest.mark.usefixtures("quick")
def test_without_anomalies_nothing_tells_how_many_are_found(cars: Training) -> None:
    cars.dataset(14, 0)
    cars.create()
    cars.train()
    assert "Performance" not in {name for name, value in cars.describe().items() if value}
    result = EvaluationResult.from_bytes(cars.output("EvaluationResult-cars-1.json"))
    assert (result.recall, result.f1) == (None, None)


@pytest.mark.usefixtures("quick")
def test_what_comes_into_the_dataset_later_is_not_trained_on(cars: Training) -> None:
    cars.dataset(14, 0)
    cars.create()
    cars.service.delete()
    cars.service.run()
    cars.train()
    assert cars.describe()["StatusMessage"].startswith("Trained on 14 normal pictures")


def test_pictures_that_cannot_be_read_are_told_and_not_fatal(cars: Training) -> None:
    gone = line(f"s3://{GRANTED}/exports/cars/gone.png", label("normal"))
    broken = line(cars.put("broken.png", texture_png(7)[:-20]), label("normal"))
    foreign = line(f"s3://{GRANTED}/exports/cars/text.png", label("anomaly"))
    cars.put("text.png", b"no picture")
    cars.dataset(14, 0, more=[gone, broken, foreign, line(cars.put("x.png", b"x"))])
    cars.create()
    cars.train()
    described = cars.describe()
    assert described["Status"] == "TRAINED", described
    message = described["StatusMessage"]
    assert "exports/cars/gone.png: s3://my-bucket/exports/cars/gone.png is not there" in message
    assert "exports/cars/broken.png: The PNG is truncated" in message
    assert "text.png" in message


def test_too_few_pictures_that_can_be_read_fail_the_training_with_the_reason(cars: Training) -> None:
    cars.dataset(12)
    for seed in range(4):
        cars.s3.delete_object(Bucket=GRANTED, Key=f"exports/cars/train-{seed:03}.png")
    cars.create()
    cars.train()
    described = cars.describe()
    assert described["Status"] == "TRAINING_FAILED"
    assert "at least 10 normal pictures, better 60 or more; 8 could be read" in described["StatusMessage"]
    assert "train-000.png is not there" in described["StatusMessage"]
    assert "and 1 more" in described["StatusMessage"]


def test_where_no_picture_can_be_fetched_the_first_reason_is_told(cars: Training) -> None:
    cars.dataset(12)
    cars.create()
    cars.s3.delete_objects(
        Bucket=GRANTED,
        Delete={"Objects": [{"Key": f"exports/cars/train-{seed:03}.png"} for seed in range(12)]},
    )
    cars.train()
    described = cars.describe()
    assert described["Status"] == "TRAINING_FAILED"
    assert "train-000.png is not there" in described["StatusMessage"]


@pytest.mark.usefixtures("quick")
def test_an_output_that_cannot_be_written_fails_the_training(cars: Training) -> None:
    cars.dataset(14, 0)
    cars.create(OutputConfig={"S3Location": {"Bucket": GRANTED, "Prefix": "elsewhere"}})
    refused = ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "PutObject")

    def refuse(params: dict[str, Any], **_: Any) -> None:
        if params["Key"].startswith("elsewhere/"):
            raise refused

    cars.s3.meta.events.register("provide-client-params.s3.PutObject", refuse)
    cars.train()
    cars.s3.meta.events.unregister("provide-client-params.s3.PutObject", refuse)
    described = cars.describe()
    assert described["Status"] == "TRAINING_FAILED"
    assert "dataset_bucket_arns" in described["StatusMessage"]


# ---------------------------------------------------------------- trainers that die


# Of the 34 calls that a training of 14 pictures makes; those between fetch the pictures.
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("number", [1, 2, 3, 5, 9, *range(22, 35)])
@pytest.mark.usefixtures("quick")
def test_a_trainer_that_is_killed_anywhere_is_followed_by_lambdas_retry(
    cars: Training,
    number: int,
    after: bool,  # noqa: FBT001
) -> None:
    cars.dataset(14, 0)
    cars.create()

    def kill() -> None:
        raise Killed

    with pytest.raises(Killed), cars.service.at_call(number, kill, after=after):
        cars.train(request="one")
    assert cars.describe()["Status"] in {"TRAINING", "TRAINED"}
    cars.train(request="one")
    described = cars.describe()
    assert described["Status"] == "TRAINED", described
    assert described["StatusMessage"].startswith("Trained on 14 normal pictures")
    entry = cars.registry("cars").entry("1")
    assert cars.registry("cars").download(entry)
    assert EvaluationResult.from_bytes(cars.output("EvaluationResult-cars-1.json")).training_images == 14


def test_a_trainer_that_is_killed_for_good_leaves_a_failed_training(
    cars: Training, monkeypatch: pytest.MonkeyPatch
) -> None:
    cars.dataset()
    cars.create()

    def kill(*_: Any, **__: Any) -> None:
        raise Killed

    monkeypatch.setattr(trainer_module, "train_on", kill)
    with pytest.raises(Killed):
        cars.train()
    assert cars.describe()["Status"] == "TRAINING"
    monkeypatch.setattr("chalicelib.lookout.training.book.SILENT_SECONDS", -1.0)  # ten minutes later
    described = cars.describe()
    assert described["Status"] == "TRAINING_FAILED"
    assert "lack of memory" in described["StatusMessage"]
    cars.train()  # Lambda's last try comes too late
    assert cars.describe()["Status"] == "TRAINING_FAILED"


def test_a_training_that_never_began_has_failed_after_lambda_gave_its_event_up(
    cars: Training, monkeypatch: pytest.MonkeyPatch
) -> None:
    cars.dataset()
    cars.create()
    monkeypatch.setattr("chalicelib.lookout.training.book.QUEUED_SECONDS", -1.0)
    described = cars.describe()
    assert (described["Status"], "six hours" in described["StatusMessage"]) == ("TRAINING_FAILED", True)


@pytest.mark.usefixtures("quick")
def test_another_event_for_a_version_that_is_being_trained_does_nothing(
    cars: Training, monkeypatch: pytest.MonkeyPatch
) -> None:
    cars.dataset(14, 0)
    cars.create()
    seen = []
    really = vars(trainer_module)["train_on"]

    def meanwhile(*given: Any, **more: Any) -> Any:
        seen.append("trains")
        cars.train(request="another")
        return really(*given, **more)

    monkeypatch.setattr(trainer_module, "train_on", meanwhile)
    cars.train(request="one")
    assert seen == ["trains"]
    assert cars.describe()["Status"] == "TRAINED"


@pytest.mark.usefixtures("quick")
def test_a_trainer_that_was_taken_over_from_writes_nothing_more(
    cars: Training, monkeypatch: pytest.MonkeyPatch
) -> None:
    cars.dataset(14, 0)
    cars.create()
    really, outcomes = vars(trainer_module)["train_on"], list[str]()

    def taken_over(*given: Any, **more: Any) -> Any:
        monkeypatch.setattr(trainer_module, "train_on", really)
        cars.train(request="one")  # the retry of the same event, which thinks that this one is dead
        outcomes.append(cars.describe()["StatusMessage"])
        outcomes.append(str(cars.registry("cars").entry("1").sha256))
        return really(*given, **more)

    monkeypatch.setattr(trainer_module, "train_on", taken_over)
    cars.train(request="one")
    described = cars.describe()
    assert described["Status"] == "TRAINED"
    assert outcomes == [described["StatusMessage"], cars.registry("cars").entry("1").sha256]


def test_a_trainer_without_time_says_so(cars: Training, monkeypatch: pytest.MonkeyPatch) -> None:
    cars.dataset()
    cars.create()
    monkeypatch.setattr(trainer_module, "HeartBeat", quick_heart_beat())
    cars.train(seconds_left=lambda: 5.0)
    described = cars.describe()
    assert described["Status"] == "TRAINING_FAILED"
    assert "The time was up" in described["StatusMessage"]
    assert "spotcheck publish" in described["StatusMessage"]


def quick_heart_beat() -> Callable[..., Any]:
    return lambda *given: HeartBeat(*given, every=0.01)


def test_a_fault_is_tried_three_times_and_then_told(cars: Training, monkeypatch: pytest.MonkeyPatch) -> None:
    cars.dataset()
    cars.create()

    def fault(*_: Any, **__: Any) -> None:
        message = "out of luck"
        raise RuntimeError(message)

    monkeypatch.setattr(trainer_module, "train_on", fault)
    states = []
    for _ in range(3):
        with pytest.raises(RuntimeError):
            cars.train()
        states.append(cars.describe()["Status"])
    assert states == ["TRAINING", "TRAINING", "TRAINING_FAILED"]
    assert "failed 3 times, at last with: out of luck" in cars.describe()["StatusMessage"]


# ---------------------------------------------------------------- DeleteModel


def delete(cars: Training, version: str = "1") -> str:
    answer = cars.operations.delete({"ProjectName": "cars", "ModelVersion": version})
    return str(answer["ModelArn"])


@pytest.mark.usefixtures("quick")
def test_a_deleted_model_is_gone_and_its_number_is_not_used_again(cars: Training) -> None:
    cars.dataset(14, 0)
    cars.create()
    cars.train()
    assert delete(cars).endswith(":model/cars/1")
    assert cars.describe()["Status"] == "DELETING"
    cars.run_jobs()
    with pytest.raises(ResourceNotFoundException):
        cars.describe()
    assert cars.models.all("cars") == []
    assert cars.create() == "2"


@pytest.mark.parametrize("number", range(1, 9))
@pytest.mark.usefixtures("quick")
def test_a_deletion_that_is_killed_anywhere_is_done_again(cars: Training, number: int) -> None:
    cars.dataset(14, 0)
    cars.create()
    cars.train()
    delete(cars)
    job = dict(cars.jobs.started[0])

    def kill() -> None:
        raise Killed

    with pytest.raises(Killed), cars.service.at_call(number, kill):
        cars.runner.run(dict(job))
    cars.runner.run(dict(job))
    left = [key for key in sorted(cars.service.objects()) if "/models/" in key]
    assert left == ["projects/cars/models/1/claimed"]


@pytest.mark.usefixtures("quick")
def test_a_model_that_is_hosted_or_being_trained_is_not_deleted(cars: Training) -> None:
    cars.dataset(14, 0)
    cars.create()
    with pytest.raises(ConflictException, match="being trained"):
        delete(cars)
    cars.train()
    cars.registry("cars").point_at("1")
    with pytest.raises(ConflictException, match="is HOSTED: stop it first"):
        delete(cars)


def test_a_version_whose_hosting_failed_is_not_deleted_while_uploads_are_judged_with_it(
    cars: Training,
) -> None:
    cars.registry("cars").publish(b"model", {})
    cars.hosting(HostingStatus.FAILED)
    assert cars.describe()["Status"] == "HOSTING_FAILED"
    with pytest.raises(ConflictException, match="uploads are judged with it: stop it first"):
        delete(cars)
    assert cars.registry("cars").current().version == "1"


def test_a_version_whose_hosting_failed_is_deleted_and_its_hosting_forgotten(cars: Training) -> None:
    cars.registry("cars").publish(b"model", {})
    cars.registry("cars").point_at_none("1")
    cars.hosting(HostingStatus.FAILED)
    delete(cars)
    assert cars.describe()["Status"] == "DELETING"
    cars.run_jobs()
    assert cars.models.all("cars") == []
    assert cars.forgotten == [("cars", "1")]


def test_a_published_model_can_be_deleted_once_it_is_not_hosted(cars: Training) -> None:
    cars.registry("cars").publish(b"model", {})
    cars.registry("cars").point_at_none("1")
    delete(cars)
    assert cars.describe()["Status"] == "DELETING"
    cars.run_jobs()
    assert cars.models.all("cars") == []


def test_a_failed_training_can_be_deleted_and_then_its_project(cars: Training) -> None:
    cars.dataset()
    cars.create()
    cars.s3.delete_object(Bucket=MODELS, Key="projects/cars/models/1/entries-train.jsonl")
    cars.train()
    assert cars.describe()["Status"] == "TRAINING_FAILED"
    with pytest.raises(ConflictException):
        cars.service.projects.delete({"ProjectName": "cars"})
    delete(cars)
    cars.run_jobs()
    cars.service.delete()
    cars.service.run()
    cars.service.projects.delete({"ProjectName": "cars"})
    assert cars.service.objects() == set()


@pytest.mark.usefixtures("quick")
def test_latest_is_the_newest_version_that_exists(cars: Training) -> None:
    cars.dataset(14, 0)
    cars.create()
    cars.train()
    cars.create()
    assert cars.describe("latest")["ModelVersion"] == "2"
    cars.book.fail("cars", "2", "", "enough")
    delete(cars, "2")
    cars.run_jobs()
    assert cars.describe("latest")["ModelVersion"] == "1"
