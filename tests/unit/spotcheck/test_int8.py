"""Eight bits are taken only where they judge as floating point does."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from support_models import tiny_model

from chalicelib.detector import Detector
from chalicelib.measuring.evaluation import Evaluation, Judged
from chalicelib.measuring.pictures import LabelledPicture
from chalicelib.measuring.training import Result
from chalicelib.training import TrainedModel
from spotcheck.exceptions import QuantisationError
from spotcheck.int8 import accept_int8

SCORES = tuple(np.linspace(5, 40, 30).tolist())


def result(scores: tuple[float, ...] = SCORES, auroc: float | None = 0.95) -> Result:
    """A model with such scores of normal pictures held out, and such an AUROC."""
    model = tiny_model()
    metadata = replace(Detector.load(model, threads=1).metadata, threshold=30.0)
    evaluation = None
    if auroc is not None:
        judged = tuple(Judged(LabelledPicture(Path("a"), "a", is_anomalous=False), one) for one in scores)
        figures = dict.fromkeys(Evaluation.__dataclass_fields__)
        evaluation = Evaluation(**{**figures, "image_auroc": auroc, "judged": judged})  # type: ignore[arg-type]
    return Result(TrainedModel(model, metadata, scores), evaluation)


def test_eight_bits_that_judge_alike_are_taken_with_the_comparison_inside() -> None:
    accepted = accept_int8(result(), result(tuple(1.1 * score for score in SCORES), 0.947))
    decision = Detector.load(accepted.trained.model).metadata.decisions["int8"]
    assert (decision["image_auroc"], decision["image_auroc_int8"]) == (0.95, 0.947)
    assert decision["correlation"] == pytest.approx(1)
    assert 0.8 < decision["verdicts"] < 1
    assert "image AUROC 0.947 (in floating point 0.950)" in decision["reason"]


def test_eight_bits_that_cost_auroc_are_refused() -> None:
    with pytest.raises(QuantisationError, match=r"is 0\.944 and not 0\.950.*train without --int8"):
        accept_int8(result(), result(auroc=0.944))


def test_eight_bits_whose_scores_are_others_are_refused() -> None:
    shuffled = tuple(np.random.default_rng(0).permutation(SCORES).tolist())
    with pytest.raises(QuantisationError, match=r"correlate .* only; at least 0\.9"):
        accept_int8(result(), result(shuffled))


def test_without_anomalies_the_scores_of_normal_pictures_decide() -> None:
    accepted = accept_int8(result(auroc=None), result(auroc=None))
    assert accepted.trained.metadata.decisions["int8"]["image_auroc"] is None
    with pytest.raises(QuantisationError):
        accept_int8(result(auroc=None), result(SCORES[::-1], auroc=None))
