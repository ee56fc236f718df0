"""Zips for Lambda: without what does not serve there, and with bytes that depend on their contents alone."""

from __future__ import annotations

import zipfile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path, PurePosixPath

_NOT_SHIPPED_PARTS = {"__pycache__", "tests"}
_NOT_SHIPPED_FOLDERS = (
    "bin",
    "onnx/backend/test",
    "onnxruntime/datasets",
    "onnxruntime/quantization",
    "onnxruntime/tools",
    "onnxruntime/transformers",
)
# What an installer notes about an installation: it changes from machine to machine.
_NOT_SHIPPED_NAMES = {".lock", "RECORD", "INSTALLER", "REQUESTED", "direct_url.json", "uv_cache.json"}
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest moment that a zip can name


def write_zip(target: Path, entries: Iterable[tuple[str, bytes]]) -> None:
    """Writes a zip whose bytes depend on nothing but the entries' names and contents."""
    part = target.with_suffix(".part")
    with zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in sorted(entries):
            info = zipfile.ZipInfo(name, _EPOCH)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.create_system = 3  # Unix, on every desk
            info.external_attr = 0o100644 << 16
            archive.writestr(info, content)
    part.replace(target)


def unzipped_size(archive: Path) -> int:
    """Bytes that a zip's content takes, as Lambda counts them."""
    with zipfile.ZipFile(archive) as opened:
        return sum(info.file_size for info in opened.infolist())


def is_shipped(name: PurePosixPath) -> bool:
    """Whether a file of a package serves in Lambda; tests, tools and installers' notes do not."""
    if _NOT_SHIPPED_PARTS.intersection(name.parts[:-1]) or name.suffix == ".pyc":
        return False
    if name.name in _NOT_SHIPPED_NAMES:
        return False
    return not any(name.is_relative_to(folder) for folder in _NOT_SHIPPED_FOLDERS)
