"""Writes a model's report to a file."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from chalicelib.measuring.evaluation import Evaluation
    from spotcheck.checks import Finding


def write_report(path: Path, model: bytes, evaluation: Evaluation, findings: Sequence[Finding]) -> None:
    """Makes the report and writes it.

    Raises:
        OutputError: The file cannot be written.
    """
    from chalicelib.detector import Detector
    from chalicelib.measuring.report import render_model_report
    from spotcheck.console import err
    from spotcheck.files import write_file

    page = render_model_report(Detector.load(model), model, evaluation, findings)
    write_file(path, page.encode())
    err.print(f"The report is in {path}.", markup=False, highlight=False)
