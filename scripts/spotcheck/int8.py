"""The gate in front of `train --int8`: eight bits have to judge as floating point does, or are refused."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from spotcheck.exceptions import QuantisationError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from chalicelib.measuring.training import Result

# What eight bits may cost: of image AUROC, and of the correlation between the logarithms of both scores.
MOST_AUROC_LOST = 0.005
LEAST_CORRELATION = 0.9


@dataclass(frozen=True, slots=True)
class Agreement:
    """How a model in eight bits compares with the same in floating point.

    Attributes:
        image_auroc: In floating point; None where there is nothing to measure it on.
        image_auroc_int8: In eight bits.
        correlation: Between the logarithms of both scores, over normal pictures held out and test pictures.
        verdicts: Share of those pictures that both call the same.
        megabytes: Size of the file in floating point.
        megabytes_int8: In eight bits.
    """

    image_auroc: float | None
    image_auroc_int8: float | None
    correlation: float
    verdicts: float
    megabytes: float
    megabytes_int8: float


def accept_int8(plain: Result, quantised: Result) -> Result:
    """The quantised model with the comparison in its metadata.

    Args:
        plain: Trained and measured in floating point.
        quantised: The same in eight bits.

    Raises:
        QuantisationError: Eight bits cost more than they may.
    """
    from chalicelib.training.graph import with_metadata

    agreement = compare(plain, quantised)
    auroc, auroc_int8 = agreement.image_auroc, agreement.image_auroc_int8
    if auroc is not None and auroc_int8 is not None and auroc - auroc_int8 > MOST_AUROC_LOST:
        message = (
            f"In eight bits the image AUROC is {auroc_int8:.3f} and not {auroc:.3f}: more than "
            f"{MOST_AUROC_LOST:g} would be lost. Nothing was written; train without --int8."
        )
        raise QuantisationError(message)
    if agreement.correlation < LEAST_CORRELATION:
        message = (
            f"In eight bits the scores correlate with those in floating point by {agreement.correlation:.3f} "
            f"only; at least {LEAST_CORRELATION:g} is asked for. Nothing was written; train without --int8."
        )
        raise QuantisationError(message)
    figures = {name: value and round(value, 4) for name, value in asdict(agreement).items()}
    trained = quantised.trained
    decisions = {**trained.metadata.decisions, "int8": {**figures, "reason": _in_words(agreement)}}
    metadata = replace(trained.metadata, decisions=decisions)
    return quantised._replace(
        trained=replace(trained, metadata=metadata, model=with_metadata(trained.model, metadata))
    )


def compare(plain: Result, quantised: Result) -> Agreement:
    """Measures how far two models of the same pictures agree."""
    scores = [_log_scores(result) for result in (plain, quantised)]
    above = [
        values > np.log(result.trained.metadata.threshold)
        for values, result in zip(scores, (plain, quantised), strict=True)
    ]
    return Agreement(
        plain.evaluation.image_auroc if plain.evaluation else None,
        quantised.evaluation.image_auroc if quantised.evaluation else None,
        float(np.corrcoef(scores[0], scores[1])[0, 1]),
        float((above[0] == above[1]).mean()),
        len(plain.trained.model) / 1e6,
        len(quantised.trained.model) / 1e6,
    )


def _log_scores(result: Result) -> NDArray[np.float64]:
    judged: Sequence[float] = [one.score for one in result.evaluation.judged] if result.evaluation else ()
    values: NDArray[np.float64] = np.log(np.array([*result.trained.normal_scores, *judged], np.float64))
    return values


def _in_words(agreement: Agreement) -> str:
    auroc = (
        f"image AUROC {agreement.image_auroc_int8:.3f} (in floating point {agreement.image_auroc:.3f}), "
        if agreement.image_auroc is not None and agreement.image_auroc_int8 is not None
        else ""
    )
    return (
        f"In eight bits: {auroc}correlation of the scores {agreement.correlation:.3f}, "
        f"{agreement.verdicts:.1%} of the verdicts the same, {agreement.megabytes_int8:.1f} MB "
        f"(in floating point {agreement.megabytes:.1f})."
    )
