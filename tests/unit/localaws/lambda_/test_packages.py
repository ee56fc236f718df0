"""Unpacked code, and where workers import from."""

from __future__ import annotations

import hashlib
import io
import os
import sys
import zipfile
from typing import TYPE_CHECKING, Any

import pytest

from localaws.lambda_ import packages
from localaws.lambda_.functions import Archive, FunctionVersion
from localaws.lambda_.packages import PackageStore, interpreter_runtime

if TYPE_CHECKING:
    from pathlib import Path


def archive(**files: str) -> Archive:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as content:
        for name, text in files.items():
            content.writestr(name.replace("__", "/"), text)
    data = buffer.getvalue()
    return Archive(hashlib.sha256(data).hexdigest(), data)


def function(runtime: str, architecture: str, *layers: Archive) -> FunctionVersion:
    values: dict[str, Any] = dict.fromkeys(FunctionVersion.__dataclass_fields__)
    values |= {
        "runtime": runtime,
        "architecture": architecture,
        "layers": layers,
        "code": archive(app="x = 1"),
    }
    return FunctionVersion(**values)


@pytest.fixture
def here() -> tuple[str, str]:
    """The running interpreter's runtime and architecture."""
    runtime, _, architecture = interpreter_runtime().partition(" ")
    return runtime, architecture


def test_code_is_unpacked_once_for_each_content(tmp_path: Path, here: tuple[str, str]) -> None:
    store = PackageStore(tmp_path)
    first = store.import_paths(function(*here))

    again = PackageStore(tmp_path).import_paths(function(*here))

    assert again.code == first.code
    assert (first.code / "app").read_text() == "x = 1"


def test_unpacked_files_may_be_read_only(tmp_path: Path, here: tuple[str, str]) -> None:
    code = PackageStore(tmp_path).import_paths(function(*here)).code

    assert (code / "app").stat().st_mode & 0o222 == 0


def test_nothing_is_left_half_unpacked(tmp_path: Path, here: tuple[str, str]) -> None:
    broken = function(*here)
    object.__setattr__(broken, "code", Archive("digest", b"no zip"))

    with pytest.raises(zipfile.BadZipFile):
        PackageStore(tmp_path).import_paths(broken)

    assert not (tmp_path / "digest").exists()


@pytest.mark.skipif(os.uname().sysname != "Linux", reason="layers hold Linux wheels")
def test_fitting_layers_come_before_the_standard_library_and_little_else_after(
    tmp_path: Path, here: tuple[str, str]
) -> None:
    layer = archive(python__words="")

    paths = PackageStore(tmp_path).import_paths(function(*here, layer))

    assert paths.first[0] == str(paths.code)
    assert paths.first[-1] == str(paths.layers[0] / "python")
    (runtime,) = paths.runtime
    assert (runtime / "boto3").is_dir()
    assert not (runtime / "pytest").exists()


def test_a_layer_for_another_interpreter_is_replaced_by_the_desks_packages(tmp_path: Path) -> None:
    paths = PackageStore(tmp_path).import_paths(function("python2.7", "x86_64", archive(python__words="")))

    assert paths.layers == ()
    assert any((folder / "boto3").is_dir() for folder in paths.runtime)


def test_layers_never_fit_another_system(monkeypatch: pytest.MonkeyPatch, here: tuple[str, str]) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")

    assert not packages.layers_fit(function(*here))
