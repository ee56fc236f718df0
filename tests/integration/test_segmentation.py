"""A model trained on masks, through boto3's own client: what was found, where, and in which colour."""

from __future__ import annotations

import io
import time
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image
from support_deployed import PATIENCE
from support_kinds import HEIGHT, WIDTH, anomaly, named_model
from support_lookout_client import lookout_client
from support_models import normal_png

from chalicelib.registry import ModelRegistry

if TYPE_CHECKING:
    from collections.abc import Iterator

    from support_deployed import Deployed

PROJECT = "Segmented"


@pytest.fixture(scope="module")
def lookout(pipeline: Deployed, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with lookout_client(pipeline, tmp_path_factory.mktemp("data")) as client:
        yield client


@pytest.fixture(scope="module")
def version(pipeline: Deployed, lookout: Any) -> Iterator[str]:
    """The version of a model that tells dents from scratches, hosted in a project of its own."""
    lookout.create_project(ProjectName=PROJECT)
    registry = ModelRegistry(pipeline.client("s3"), pipeline.outputs["models_bucket"], PROJECT)
    number = registry.publish(named_model(PROJECT).model, {}).version
    lookout.start_model(ProjectName=PROJECT, ModelVersion=number, MinInferenceUnits=1)
    wait_for(lookout, number, "HOSTED")
    yield number
    lookout.stop_model(ProjectName=PROJECT, ModelVersion=number)
    wait_for(lookout, number, "TRAINED")
    lookout.delete_model(ProjectName=PROJECT, ModelVersion=number)


def wait_for(lookout: Any, version: str, status: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        answer = lookout.describe_model(ProjectName=PROJECT, ModelVersion=version)["ModelDescription"]
        if answer["Status"] == status:
            return
        time.sleep(0.5)
    pytest.fail(f"the model is {answer['Status']} and not {status}: {answer.get('StatusMessage')}")


def detect(lookout: Any, version: str, body: bytes) -> dict[str, Any]:
    answer = lookout.detect_anomalies(
        ProjectName=PROJECT, ModelVersion=version, Body=body, ContentType="image/png"
    )
    found: dict[str, Any] = answer["DetectAnomalyResult"]
    return found


@pytest.mark.parametrize(("seed", "kind"), [(300, "dent"), (301, "scratch")])
def test_an_anomaly_is_named_and_its_mask_has_the_pictures_size(
    lookout: Any, version: str, seed: int, kind: str
) -> None:
    found = detect(lookout, version, anomaly(seed).read())
    assert found["IsAnomalous"] is True
    assert [one["Name"] for one in found["Anomalies"]] == ["background", kind]
    areas = [one["PixelAnomaly"]["TotalPercentageArea"] for one in found["Anomalies"]]
    assert sum(areas) == pytest.approx(1)
    with Image.open(io.BytesIO(found["AnomalyMask"]), formats=["PNG"]) as mask:
        assert (mask.mode, mask.size) == ("P", (WIDTH, HEIGHT))
        colours = np.asarray(mask.convert("RGB"))
    rgb = tuple(bytes.fromhex(found["Anomalies"][1]["PixelAnomaly"]["Color"][1:]))
    assert (colours == rgb).all(axis=2).mean() == pytest.approx(areas[1])


def test_a_normal_picture_is_background_alone(lookout: Any, version: str) -> None:
    found = detect(lookout, version, normal_png(100))
    assert found["IsAnomalous"] is False
    assert [one["Name"] for one in found["Anomalies"]] == ["background"]
    assert isinstance(found["AnomalyMask"], bytes)
