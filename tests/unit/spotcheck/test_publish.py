"""Publishing: what cannot judge a generated picture never reaches the bucket."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support_models import tiny_model

from chalicelib.detector import Detector
from chalicelib.exceptions import ModelInvalidError
from spotcheck import targets
from spotcheck.publish import publish, validate_model

if TYPE_CHECKING:
    from pathlib import Path


def test_a_file_that_is_no_model_is_not_published(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(b"no model")
    with pytest.raises(ModelInvalidError):
        validate_model(path)


def test_a_model_that_loads_and_cannot_judge_is_found_by_the_built_in_picture(tmp_path: Path) -> None:
    model = bytearray(tiny_model())
    weights = len(model) // 2
    model[weights : weights + 40_000] = b"\xff" * 40_000  # every float of them is not a number
    path = tmp_path / "model.onnx"
    path.write_bytes(model)
    assert Detector.load(path)
    with pytest.raises(ModelInvalidError, match="no finite score"):
        validate_model(path)


@pytest.mark.parametrize("content", [b"no model", b""], ids=["text", "nothing"])
def test_a_bad_model_never_reaches_the_bucket_where_a_good_one_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes
) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(content)
    asked: list[str] = []
    monkeypatch.setattr(targets, "resolve", lambda **_: asked.append("a stack"))
    with pytest.raises(ModelInvalidError):
        publish(model=path)
    assert asked == []  # not even looked for
