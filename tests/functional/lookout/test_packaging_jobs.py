"""Model packaging jobs: an archive that judges on any machine, in the states that the service had."""

from __future__ import annotations

import hashlib
import io
import json
import subprocess
import sys
import zipfile
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError
from support_datasets import FOREIGN, GRANTED, MODELS
from support_models import normal_png, tiny_model
from support_pictures import jpeg_bytes, png_bytes, scratched, texture
from support_training import Training

from chalicelib.detector import Detector
from chalicelib.lookout.api.errors import (
    AccessDeniedException,
    ConflictException,
    ResourceNotFoundException,
    ValidationException,
)
from chalicelib.lookout.packaging.archive import model_archive
from chalicelib.pictures import read_picture
from chalicelib.registry import ModelEntry

if TYPE_CHECKING:
    from pathlib import Path

    from support_datasets import Service

COMPONENT: dict[str, Any] = {
    "S3OutputLocation": {"Bucket": GRANTED, "Prefix": "edge"},
    "ComponentName": "cars",
    "TargetPlatform": {"Os": "LINUX", "Arch": "X86_64"},
}


@pytest.fixture
def cars(service: Service) -> Training:
    service.project()
    training = Training(service)
    training.registry("cars").publish(tiny_model(), {})
    return training


def start(cars: Training, component: dict[str, Any] = COMPONENT, **more: Any) -> str:
    given = {"ProjectName": "cars", "ModelVersion": "1", "Configuration": {"Greengrass": component}, **more}
    return str(cars.packaging.start(given)["JobName"])


def describe(cars: Training, name: str) -> dict[str, Any]:
    given = {"ProjectName": "cars", "JobName": name}
    return dict(cars.packaging.describe(given)["ModelPackagingDescription"])


# ---------------------------------------------------------------- the job


def test_a_job_goes_from_created_to_succeeded_and_says_what_it_made(cars: Training) -> None:
    name = start(cars, JobName="first", Description="for the line")
    assert (name, describe(cars, name)["Status"]) == ("first", "CREATED")
    cars.run_jobs()
    done = describe(cars, name)
    assert done["Status"] == "SUCCEEDED", done
    assert "s3://my-bucket/edge/cars-1.0.0.zip" in done["StatusMessage"]
    assert "no Greengrass component" in done["StatusMessage"]
    assert done["ModelPackagingOutputDetails"] == {
        "Greengrass": {"ComponentName": "cars", "ComponentVersion": "1.0.0"}
    }
    assert (done["ModelVersion"], done["ModelPackagingJobDescription"]) == ("1", "for the line")
    assert done["LastUpdatedTimestamp"] > done["CreationTimestamp"]
    assert cars.s3.head_object(Bucket=GRANTED, Key="edge/cars-1.0.0.zip")["ContentLength"] > 1_000_000


def test_a_job_without_a_name_gets_one_that_its_token_gets_again(cars: Training) -> None:
    names = [start(cars, ClientToken="a"), start(cars, ClientToken="a"), start(cars, ClientToken="b")]
    assert names[0] == names[1] != names[2]
    assert {one["JobName"] for one in listed(cars)} == set(names)


def listed(cars: Training, **more: Any) -> list[dict[str, Any]]:
    return list(cars.packaging.list({"ProjectName": "cars", **more})["ModelPackagingJobs"])


def test_jobs_are_listed_newest_first_in_pages(cars: Training) -> None:
    for name in ("one", "two", "three"):
        start(cars, JobName=name)
    assert [job["JobName"] for job in listed(cars)] == ["three", "two", "one"]
    first = cars.packaging.list({"ProjectName": "cars", "MaxResults": 2})
    second = cars.packaging.list({"ProjectName": "cars", "NextToken": first["NextToken"]})
    assert [job["JobName"] for job in second["ModelPackagingJobs"]] == ["one"]


def test_a_job_of_the_same_name_is_a_conflict(cars: Training) -> None:
    start(cars, JobName="first", ClientToken="a")
    assert start(cars, JobName="first", ClientToken="a") == "first"
    with pytest.raises(ConflictException) as error:
        start(cars, JobName="first", ClientToken="b")
    assert error.value.body()["ResourceType"] == "MODEL_PACKAGE_JOB"


def test_a_job_that_does_not_exist_is_not_found(cars: Training) -> None:
    with pytest.raises(ResourceNotFoundException):
        describe(cars, "never")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"TargetPlatform": None}, "either TargetDevice or TargetPlatform"),
        ({"TargetDevice": "jetson_xavier"}, "either TargetDevice or TargetPlatform"),
        (
            {"TargetPlatform": None, "TargetDevice": "jetson_xavier", "CompilerOptions": "{}"},
            "CompilerOptions",
        ),
    ],
)
def test_a_configuration_that_contradicts_itself_is_refused(
    cars: Training, change: dict[str, Any], said: str
) -> None:
    component = {name: value for name, value in {**COMPONENT, **change}.items() if value is not None}
    with pytest.raises(ValidationException, match=said):
        start(cars, component)


def test_a_model_in_training_is_not_packaged(cars: Training) -> None:
    cars.dataset()
    cars.create()
    with pytest.raises(ConflictException, match="TRAINING, not TRAINED"):
        start(cars, ModelVersion="2")


def test_a_bucket_that_is_not_open_names_the_variable(cars: Training) -> None:
    with pytest.raises(AccessDeniedException, match="dataset_bucket_arns"):
        start(cars, {**COMPONENT, "S3OutputLocation": {"Bucket": FOREIGN}})


def test_a_job_that_was_killed_is_done_again(cars: Training) -> None:
    start(cars, JobName="first")
    job = cars.jobs.started[0]

    def kill() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), cars.service.at_call(6, kill):
        cars.runner.run(dict(job))
    assert describe(cars, "first")["Status"] == "RUNNING"
    cars.runner.run(dict(job))
    assert describe(cars, "first")["Status"] == "SUCCEEDED"


def test_a_job_that_nobody_works_on_any_more_has_failed(
    cars: Training, monkeypatch: pytest.MonkeyPatch
) -> None:
    start(cars, JobName="first")
    monkeypatch.setattr("chalicelib.lookout.api.packaging_jobs.JOB_SECONDS", -1.0)
    assert describe(cars, "first")["Status"] == "FAILED"


def test_a_damaged_model_fails_the_job_with_the_reason(cars: Training) -> None:
    start(cars, JobName="first")
    cars.s3.put_object(Bucket=MODELS, Key="projects/cars/models/1/model.onnx", Body=b"damaged")
    cars.run_jobs()
    done = describe(cars, "first")
    assert (done["Status"], "is damaged" in done["StatusMessage"]) == ("FAILED", True)


def test_a_place_that_cannot_be_written_fails_the_job_with_the_reason(cars: Training) -> None:
    start(cars, JobName="first")
    refused = ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "PutObject")

    def refuse(params: dict[str, Any], **_: Any) -> None:
        if params["Bucket"] == GRANTED:
            raise refused

    cars.s3.meta.events.register("provide-client-params.s3.PutObject", refuse)
    cars.run_jobs()
    cars.s3.meta.events.unregister("provide-client-params.s3.PutObject", refuse)
    assert "dataset_bucket_arns" in describe(cars, "first")["StatusMessage"]


# ---------------------------------------------------------------- the archive


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("archive")
    model = tiny_model()
    entry = ModelEntry("cars", "3", hashlib.sha256(model).hexdigest(), len(model))
    content = model_archive(entry, model)
    assert content == model_archive(entry, model)  # the same model, the same bytes
    zipfile.ZipFile(io.BytesIO(content)).extractall(folder)
    return folder


def detect(folder: Path, *names: Path) -> tuple[list[dict[str, Any]], int]:
    """Runs the archive's script as a stranger would: nothing of this clone is on its path."""
    done = subprocess.run(
        [sys.executable, "detect.py", *map(str, names)],
        cwd=folder,
        env={"PYTHONSAFEPATH": "", "PYTHONPATH": str(folder), "PATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout or done.returncode, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()], done.returncode


def test_the_archives_script_judges_as_the_detector_does(unpacked: Path, tmp_path: Path) -> None:
    pictures = {
        "normal.png": normal_png(30),
        "scratched.png": png_bytes(scratched(texture(31, 160, 120))),
        "scratched.jpg": jpeg_bytes(scratched(texture(32, 160, 120)), quality=95),
    }
    for name, content in pictures.items():
        (tmp_path / name).write_bytes(content)
    found, code = detect(unpacked, *[tmp_path / name for name in pictures])
    detector = Detector.load(tiny_model())
    assert code == 0
    for line, content in zip(found, pictures.values(), strict=True):
        wanted = detector.detect(read_picture(content))
        assert line["IsAnomalous"] is wanted.is_anomalous
        assert line["Confidence"] == pytest.approx(wanted.confidence, abs=1e-3)
        assert line["Score"] == pytest.approx(wanted.score, rel=1e-3)
        assert len(line["Regions"]) == len(wanted.regions)
    assert [line["IsAnomalous"] for line in found] == [False, True, True]


def test_the_script_needs_only_numpy_onnxruntime_and_pillow(unpacked: Path) -> None:
    program = (
        "import sys, json, detect; detect.load(); "
        "print(json.dumps([sys.modules['chalicelib.detector'].__file__, *sys.modules]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=unpacked,
        env={"PYTHONPATH": str(unpacked), "PATH": ""},
        capture_output=True,
        text=True,
        check=True,
    )
    detector, *modules = json.loads(done.stdout)
    loaded = {name.partition(".")[0] for name in modules}
    assert detector == str(unpacked / "chalicelib" / "detector.py")
    assert loaded.isdisjoint({"boto3", "botocore", "simplejpeg", "onnx", "scipy", "chalice"})
    assert {"numpy", "onnxruntime", "PIL"} <= loaded
    pinned = (unpacked / "requirements.txt").read_text().splitlines()
    assert [line.partition("==")[0] for line in pinned] == ["numpy", "onnxruntime", "pillow"]


def test_every_file_has_its_checksum(unpacked: Path) -> None:
    listed = (unpacked / "SHA256SUMS").read_text().splitlines()
    sums = {name: digest for digest, name in (line.split("  ") for line in listed)}
    files = {path.relative_to(unpacked).as_posix() for path in unpacked.rglob("*") if path.is_file()}
    for name in files - {"SHA256SUMS"} - {file for file in files if "__pycache__" in file}:
        assert hashlib.sha256((unpacked / name).read_bytes()).hexdigest() == sums[name]
    told = json.loads((unpacked / "metadata.json").read_text())
    assert (told["project"], told["version"]) == ("cars", "3")
    assert told["metadata"]["input_size"] == 320


def test_a_file_that_is_no_picture_is_told_and_the_others_are_judged(unpacked: Path, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("no picture")
    (tmp_path / "b.png").write_bytes(normal_png(30))
    found, code = detect(unpacked, tmp_path / "a.txt", tmp_path / "b.png")
    assert (code, "Error" in found[0], found[1]["IsAnomalous"]) == (1, True, False)


def test_a_damaged_archive_judges_nothing(unpacked: Path, tmp_path: Path) -> None:
    for path in unpacked.rglob("*"):
        if path.is_file() and "__pycache__" not in path.parts:
            copy = tmp_path / path.relative_to(unpacked)
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(path.read_bytes())
    (tmp_path / "model.onnx").write_bytes(b"damaged")
    assert detect(tmp_path, tmp_path / "x.png") == ([], 1)
