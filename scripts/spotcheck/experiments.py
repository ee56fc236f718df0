"""Datasets rearranged for experiments."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import TYPE_CHECKING

from spotcheck.exceptions import DatasetError

if TYPE_CHECKING:
    from chalicelib.measuring.pictures import Dataset


def with_test_anomalies(dataset: Dataset, count: int) -> Dataset:
    """Moves anomalies from the test split to the training pictures, for experiments.

    Which, chance decided once and for all. They are no longer in the test split: nothing is measured on what
    was trained on.

    Args:
        dataset: With a test split.
        count: How many.

    Raises:
        DatasetError: The test split has not so many anomalies, or would have none left.
    """
    anomalies = [picture for picture in dataset.test if picture.is_anomalous]
    if not 0 <= count < len(anomalies):
        message = (
            f"The test split has {len(anomalies)} anomalous pictures: {count} cannot be trained on "
            "and leave some to measure on."
        )
        raise DatasetError(message)
    moved = random.Random(0).sample(anomalies, count)  # noqa: S311 - an experiment, not a secret
    test = tuple(picture for picture in dataset.test if picture not in moved)
    return replace(dataset, train=(*dataset.train, *moved), test=test)
