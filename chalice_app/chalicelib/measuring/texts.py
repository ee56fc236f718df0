"""Figures as people read them."""

from __future__ import annotations


def number(value: float | None, shape: str) -> str:
    """A number in the given shape, a dash where there is none."""
    return "-" if value is None else format(value, shape)


def score_text(score: float | None) -> str:
    """An anomaly score with as many digits as tell scores apart."""
    return number(score, ".1f" if score is not None and score >= 10 else ".3f")
