"""Code and layers on disk, and where a worker imports from."""

from __future__ import annotations

import io
import os
import platform
import shutil
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from localaws.lambda_.functions import Archive, FunctionVersion

# What AWS's Python runtime brings along; everything else must come in the zip or a layer.
RUNTIME_DISTRIBUTIONS = (
    "awslambdaric", "simplejson", "snapshot-restore-py", "boto3", "botocore", "s3transfer", "jmespath",
    "python-dateutil", "six", "urllib3",
)  # fmt: skip
_MACHINES = {"x86_64": "x86_64", "amd64": "x86_64", "aarch64": "arm64", "arm64": "arm64"}


@dataclass(frozen=True, slots=True)
class ImportPaths:
    """Where a worker imports from.

    Attributes:
        code: folder of the function's zip; the working directory, too.
        layers: folders of its layers, empty when they do not fit this interpreter.
        runtime: folders searched last: what AWS's runtime brings along, or this interpreter's own packages.
    """

    code: Path
    layers: tuple[Path, ...]
    runtime: tuple[Path, ...]

    @property
    def first(self) -> list[str]:
        """What comes before the standard library, in Lambda's order."""
        found = [str(self.code)]
        for layer in self.layers:
            version = f"python{sys.version_info.major}.{sys.version_info.minor}"
            found += [str(layer / "python" / "lib" / version / "site-packages"), str(layer / "python")]
        return found


def interpreter_runtime() -> str:
    """AWS's name for the running interpreter and machine, such as `python3.13 x86_64`."""
    machine = _MACHINES.get(platform.machine().lower(), platform.machine())
    return f"python{sys.version_info.major}.{sys.version_info.minor} {machine}"


def layers_fit(function: FunctionVersion) -> bool:
    """Whether packages built for the function's runtime can be imported by the running interpreter."""
    return sys.platform == "linux" and interpreter_runtime() == f"{function.runtime} {function.architecture}"


class PackageStore:
    """Unpacked zips, each once for each content.

    Args:
        folder: where to keep them; what an earlier server unpacked is used again.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def import_paths(self, function: FunctionVersion) -> ImportPaths:
        """Unpacks what the function needs and tells where it is."""
        code = self._unpack(function.code)
        if layers_fit(function):
            layers = tuple(self._unpack(layer) for layer in function.layers)
            return ImportPaths(code, layers, (self._runtime_folder(),))
        return ImportPaths(code, (), _own_packages())

    def _unpack(self, archive: Archive) -> Path:
        target = self._folder / (archive.digest[:32] or "empty")
        if target.is_dir():
            return target
        self._folder.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(prefix="unpack-", dir=self._folder))
        with zipfile.ZipFile(io.BytesIO(archive.content)) as content:
            for entry in content.infolist():
                path = Path(content.extract(entry, scratch))
                if path.is_file():
                    executable = (entry.external_attr >> 16) & 0o111
                    path.chmod(0o444 | executable)
        scratch.chmod(0o755)
        return _settle(scratch, target)

    def _runtime_folder(self) -> Path:
        """A folder of links to the packages that AWS's runtime brings along."""
        found = _runtime_packages()
        versions = "-".join(sorted(entry.name for entry in found if entry.suffix == ".dist-info"))
        name = f"runtime-{interpreter_runtime().replace(' ', '-')}-{hash_of(versions)}"
        target = self._folder / name
        if target.is_dir():
            return target
        self._folder.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(prefix="runtime-", dir=self._folder))
        for entry in found:
            (scratch / entry.name).symlink_to(entry)
        return _settle(scratch, target)


def hash_of(text: str) -> str:
    """Short stable name for a text."""
    import hashlib

    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _settle(scratch: Path, target: Path) -> Path:
    try:
        scratch.rename(target)
    except OSError:  # another thread or server was quicker: its folder holds the same
        shutil.rmtree(scratch)
        if not target.is_dir():
            raise
    return target


def _runtime_packages() -> set[Path]:
    found: set[Path] = set()
    for name in RUNTIME_DISTRIBUTIONS:
        try:
            distribution = metadata.distribution(name)
        except metadata.PackageNotFoundError:
            continue
        root = Path(str(distribution.locate_file("")))
        tops = {
            file.parts[0] for file in distribution.files or () if file.parts[0] not in ("..", "__pycache__")
        }
        found |= {root / top for top in tops if (root / top).exists()}
    return found


def _own_packages() -> tuple[Path, ...]:
    names = ("site-packages", "dist-packages")
    return tuple(Path(entry) for entry in sys.path if os.path.basename(entry.rstrip(os.sep)) in names)  # noqa: PTH119
