"""Evaluation results are read and written in Lookout for Vision's schema."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.exceptions import EvaluationResultError
from chalicelib.lookout.evaluation import (
    EvaluationResult,
    FileName,
    LabelMetrics,
    file_name,
    parse_file_name,
)

DOCUMENTED = {
    "Version": 1,
    "EvaluationDetails": {
        "ModelArn": "arn:aws:lookoutvision:us-east-1:123456789012:model/cookies/2",
        "EvaluationEndTimestamp": "2022-08-22T21:26:25.375Z",
        "NumberOfTrainingImages": 50,
        "NumberOfTestingImages": 13,
    },
    "AggregatedEvaluationResults": {
        "Metrics": {
            "ROCAUC": 0.99,
            "AveragePrecision": 0.98,
            "Precision": 0.9,
            "Recall": 0.8,
            "F1Score": 0.847,
            "PixelAnomalyClassMetrics": [
                {"Precision": 0.5, "Recall": 0.6, "F1Score": 0.545, "AIOU": 0.4, "ClassName": "cracked"}
            ],
        }
    },
}


def test_the_documented_schema_is_read() -> None:
    result = EvaluationResult.from_bytes(json.dumps(DOCUMENTED).encode())
    assert (result.precision, result.recall, result.f1, result.roc_auc) == (0.9, 0.8, 0.847, 0.99)
    assert (result.training_images, result.testing_images) == (50, 13)
    assert result.labels == (LabelMetrics("cracked", 0.5, 0.6, 0.545, 0.4),)


def test_the_documented_schema_is_written() -> None:
    data = json.dumps(DOCUMENTED).encode()
    assert json.loads(EvaluationResult.from_bytes(data).to_bytes()) == DOCUMENTED


def test_f1_is_computed_where_the_first_schema_had_none() -> None:
    old = {**DOCUMENTED, "AggregatedEvaluationResults": {"Metrics": {"Precision": 0.5, "Recall": 1.0}}}
    assert EvaluationResult.from_bytes(json.dumps(old).encode()).f1 == pytest.approx(2 / 3)


FIGURE = st.none() | st.floats(0, 1)
COUNT = st.integers(0, 10**6)
LABEL = st.builds(LabelMetrics, st.text(max_size=9), FIGURE, FIGURE, FIGURE, FIGURE)


@given(
    st.builds(
        EvaluationResult,
        *(st.text(max_size=20), st.text(max_size=20), COUNT, COUNT),
        *(FIGURE, FIGURE, FIGURE, FIGURE, st.floats(0, 1)),
        st.lists(LABEL, max_size=3).map(tuple),
    )
)
def test_what_was_written_is_read_back(result: EvaluationResult) -> None:
    assert EvaluationResult.from_bytes(result.to_bytes()) == result


@pytest.mark.parametrize("data", [b"", b"[]", b"{}", b'{"EvaluationDetails": {}}', b"\xff", b"[" * 99999])
def test_anything_else_is_refused(data: bytes) -> None:
    with pytest.raises(EvaluationResultError, match="no evaluation result of Lookout for Vision"):
        EvaluationResult.from_bytes(data)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("EvaluationResult-my-project-12.json", FileName("my-project", "12")),
        ("EvaluationResult-cookies.json", FileName("cookies", None)),
        ("EvaluationManifest-cookies-1.json", None),
        ("EvaluationResult-.json", None),
    ],
)
def test_a_files_name_tells_project_and_version(name: str, expected: FileName | None) -> None:
    assert parse_file_name(name) == expected


def test_a_files_name_is_read_back() -> None:
    assert parse_file_name(file_name("a-b_c", "3")) == FileName("a-b_c", "3")
