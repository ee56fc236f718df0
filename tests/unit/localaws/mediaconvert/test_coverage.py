from __future__ import annotations

from pathlib import Path

from localaws.mediaconvert.coverage import is_emulated, table

DOCUMENT = Path(__file__).parents[4] / "docs" / "mediaconvert-coverage.md"


def test_the_coverage_table_is_current() -> None:
    assert DOCUMENT.read_text() == table(), "write it anew: python -m localaws.mediaconvert.coverage"


def test_operations_are_told_apart() -> None:
    assert is_emulated("CreateJob")
    assert not is_emulated("CreatePreset")
