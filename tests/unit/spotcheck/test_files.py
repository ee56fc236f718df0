"""Results are written whole or not at all, and where they cannot be, that is told before the work."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from spotcheck.exceptions import OutputError
from spotcheck.files import check_writable, write_file

if TYPE_CHECKING:
    from pathlib import Path


def test_a_file_is_written_with_the_folders_around_it(tmp_path: Path) -> None:
    write_file(tmp_path / "a/b/model.onnx", b"model")
    assert (tmp_path / "a/b/model.onnx").read_bytes() == b"model"


def test_a_file_that_cannot_be_written_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "model.onnx").mkdir()
    with pytest.raises(OutputError, match=r"model\.onnx cannot be written"):
        write_file(tmp_path / "model.onnx", b"model")
    assert [path.name for path in tmp_path.iterdir()] == ["model.onnx"]


def test_a_file_where_a_folder_should_be_is_named(tmp_path: Path) -> None:
    (tmp_path / "maps").write_text("in the way")
    with pytest.raises(OutputError, match="maps is a file and no folder"):
        write_file(tmp_path / "maps/part.png", b"map")


def test_where_a_result_can_be_written_the_check_leaves_nothing_but_its_folder(tmp_path: Path) -> None:
    check_writable(tmp_path / "made/model.onnx", None)
    assert [path.name for path in tmp_path.rglob("*")] == ["made"]


def test_a_folder_is_no_place_for_a_result(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"it is a folder\. Name a file in it"):
        check_writable(tmp_path)


def test_the_check_names_a_file_where_a_folder_should_be(tmp_path: Path) -> None:
    (tmp_path / "maps").write_text("in the way")
    with pytest.raises(OutputError, match="maps is a file and no folder"):
        check_writable(None, tmp_path / "maps/part.png")
