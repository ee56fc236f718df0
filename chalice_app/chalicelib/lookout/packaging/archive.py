"""Puts a model into a zip with all that it takes to judge with it on any machine."""

from __future__ import annotations

import ast
import hashlib
import io
import json
import zipfile
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING

import chalicelib
from chalicelib.detector import Detector

if TYPE_CHECKING:
    from collections.abc import Iterator

    from chalicelib.registry import ModelEntry

_LIBRARY = Path(chalicelib.__file__).parent
_RUNNER = Path(__file__).with_name("detect.py")
_NEEDED = ("numpy", "onnxruntime", "pillow")
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest moment that a zip can name: the same model, the same bytes


def model_archive(entry: ModelEntry, model: bytes) -> bytes:
    """The archive: the model, what it says of itself, checksums, and a script that judges with it.

    Args:
        entry: The version.
        model: Its ONNX file.

    Raises:
        ModelInvalidError: The model cannot be loaded.
    """
    metadata = json.loads(Detector.load(model, threads=1).metadata.to_json())
    told = {
        "project": entry.project,
        "version": entry.version,
        "sha256": entry.sha256,
        "metadata": metadata,
    }
    files = {
        "model.onnx": model,
        "metadata.json": (json.dumps(told, indent=2, ensure_ascii=False) + "\n").encode(),
        "requirements.txt": "".join(f"{line}\n" for line in _requirements()).encode(),
        "detect.py": _RUNNER.read_bytes(),
        "chalicelib/__init__.py": b"",
        **dict(_modules("detector")),
    }
    sums = "".join(f"{hashlib.sha256(files[name]).hexdigest()}  {name}\n" for name in sorted(files))
    files["SHA256SUMS"] = sums.encode()
    with io.BytesIO() as buffer:
        with zipfile.ZipFile(buffer, "w") as archive:
            for name in sorted(files):
                info = zipfile.ZipInfo(name, _EPOCH)
                info.compress_type, info.create_system = zipfile.ZIP_DEFLATED, 3
                info.external_attr = 0o100644 << 16
                archive.writestr(info, files[name])
        return buffer.getvalue()


def _requirements() -> Iterator[str]:
    for name in _NEEDED:
        try:
            yield f"{name}=={version(name)}"
        except PackageNotFoundError:
            yield name


def _modules(first: str) -> Iterator[tuple[str, bytes]]:
    """A module of chalicelib and those that it imports when it is loaded, by their names in the archive."""
    waiting, seen = [first], {first}
    while waiting:
        name = waiting.pop()
        path = _LIBRARY / f"{name.replace('.', '/')}.py"
        source = path.read_bytes()
        yield f"chalicelib/{path.relative_to(_LIBRARY).as_posix()}", source
        for needed in _imported(ast.parse(source)):
            if needed not in seen:
                seen.add(needed)
                waiting.append(needed)


def _imported(module: ast.Module) -> Iterator[str]:
    """Modules of chalicelib that a module imports at its top; what only types need is not among them."""
    for statement in module.body:
        if not isinstance(statement, ast.ImportFrom) or statement.module is None:
            continue
        if statement.module == "chalicelib":
            yield from (alias.name for alias in statement.names)
        elif statement.module.startswith("chalicelib."):
            yield statement.module.removeprefix("chalicelib.")
