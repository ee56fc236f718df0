"""Builds what Terraform deploys: the handlers' zip, the list of handlers, and the Lambda layers.

`deployment.zip` and `chalice.tf.json` come from `chalice package --pkg-format terraform`; the JSON is kept as
data (docs/adr/0005). The layers hold the native packages, for Lambda's Python and processor whatever the desk
has: one what judges a picture, one what training needs beside it (docs/adr/0014). All bytes are reproducible:
entries sorted, time stamps and modes fixed. What has not changed is not built again.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Literal

from spotcheck.exceptions import PackagingError, PrerequisiteError
from spotcheck.zips import is_shipped, unzipped_size, write_zip

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

Architecture = Literal["x86_64", "arm64"]

ROOT = Path(__file__).resolve().parents[2]
BUILD_DIR = ROOT / "build" / "package"
RUNTIME = "3.13"

_PLATFORMS: dict[str, str] = {"x86_64": "x86_64-manylinux_2_28", "arm64": "aarch64-manylinux_2_28"}
_REQUIRED = (
    "app.py",
    "chalicelib/__init__.py",
    "chalice/app.py",
    "aws_lambda_powertools/__init__.py",
)
_NATIVE = (".so", ".pyd", ".dylib")
_LIMIT = 250 * 1024**2  # bytes that Lambda takes unzipped: a function's zip with all its layers
_ROOM = 20 * 1024**2  # left for the function's zip


@dataclass(frozen=True, slots=True)
class Package:
    """The build products that Terraform reads.

    Attributes:
        zip: Handlers and pure-Python packages.
        chalice_json: Chalice's list of functions, notifications and rules.
        layer: Native packages for `architecture`.
        training_layer: What training needs beside them.
        sbom: What is in them, in CycloneDX.
        architecture: Processor that the layers are for.
    """

    zip: Path
    chalice_json: Path
    layer: Path
    training_layer: Path
    sbom: Path
    architecture: Architecture


def build(
    arch: Architecture = "x86_64", *, app_dir: Path = ROOT / "chalice_app", build_dir: Path = BUILD_DIR
) -> Package:
    """Builds what has changed since the last time, and says where everything lies.

    Args:
        arch: Processor of the functions, as Lambda names it.
        app_dir: The Chalice project.
        build_dir: Where the products go.

    Returns:
        The products' paths.

    Raises:
        PackagingError: Chalice or the layer's packages did not give what they should.
        PrerequisiteError: A desk package is missing from the environment.
    """
    if arch not in _PLATFORMS:
        message = f"No layer for the architecture {arch}: Lambda has x86_64 and arm64."
        raise PackagingError(message)
    build_dir.mkdir(parents=True, exist_ok=True)
    layer, training_layer = build_dir / f"layer-{arch}.zip", build_dir / f"training-layer-{arch}.zip"
    package = Package(
        build_dir / "deployment.zip",
        build_dir / "chalice.tf.json",
        layer,
        training_layer,
        build_dir / f"sbom-{arch}.cdx.json",
        arch,
    )
    with _one_at_a_time(build_dir):
        _when_changed(
            build_dir / ".deployment.stamp",
            (package.zip, package.chalice_json),
            content_hash(_app_files(app_dir), app_dir, f"chalice {version('chalice')}"),
            lambda: build_deployment(app_dir, package.zip, package.chalice_json),
        )
        requirements = ROOT / "requirements" / "layer.txt"
        _when_changed(
            build_dir / f".layer-{arch}.stamp",
            (layer,),
            content_hash([requirements], requirements.parent, f"{arch} {RUNTIME}"),
            lambda: build_layer(requirements, arch, layer),
        )
        training = ROOT / "requirements" / "training.txt"
        _when_changed(
            build_dir / f".training-layer-{arch}.stamp",
            (training_layer,),
            content_hash([training], training.parent, f"{arch} {RUNTIME} {content_hash([layer], build_dir)}"),
            lambda: build_layer(training, arch, training_layer, beside=layer),
        )
        # Here because the library is only needed where something is packaged.
        from spotcheck.sbom import write_sbom

        _when_changed(
            build_dir / f".sbom-{arch}.stamp",
            (package.sbom,),
            content_hash([package.zip, layer, training_layer], build_dir),
            lambda: write_sbom(package.sbom, [package.zip, layer, training_layer], architecture=arch),
        )
    return package


def build_deployment(app_dir: Path, target: Path, chalice_json: Path) -> None:
    """Has Chalice package an application, only with packages whose hashes are pinned.

    Args:
        app_dir: The Chalice project.
        target: The zip to write.
        chalice_json: The list of handlers to write.

    Raises:
        PackagingError: Chalice failed, a package is not the pinned one, or the zip is not sound.
    """
    with tempfile.TemporaryDirectory() as scratch:
        # A copy, because Chalice zips whatever lies there and writes a cache of its own beside it.
        project, made = Path(scratch, "app"), Path(scratch, "made")
        for source in _app_files(app_dir):
            copy = project / source.relative_to(app_dir)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, copy)
        _run_chalice(project, made)
        with zipfile.ZipFile(made / "deployment.zip") as archive:
            write_zip(
                target,
                [
                    (name, archive.read(name))
                    for name in archive.namelist()
                    if is_shipped(PurePosixPath(name))
                ],
            )
        check_deployment(target)
        described = json.loads((made / "chalice.tf.json").read_text(encoding="utf-8"))
        chalice_json.write_text(json.dumps(described, indent=2) + "\n", encoding="utf-8")


def build_layer(requirements: Path, arch: Architecture, layer: Path, *, beside: Path | None = None) -> None:
    """Installs packages, only with the pinned hashes, for Lambda, and zips them.

    Args:
        requirements: Pins with hashes.
        arch: Processor of the functions.
        layer: The zip to write.
        beside: A layer that the functions have anyway: what is in it is left out.

    Raises:
        PackagingError: They cannot be installed, or are larger than Lambda takes.
    """
    had = set(zipfile.ZipFile(beside).namelist()) if beside else set()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch, "python")
        command = [desk_tool("uv"), "pip", "install", "--quiet", "--python", sys.executable]
        command += [
            "--python-platform",
            _PLATFORMS[arch],
            "--python-version",
            RUNTIME,
            "--only-binary",
            ":all:",
        ]
        command += ["--require-hashes", "-r", str(requirements), "--target", str(folder)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            message = f"The layer's packages cannot be installed for {arch}:\n{done.stderr.strip()}"
            raise PackagingError(message)
        entries = []
        for path in folder.rglob("*"):
            name = PurePosixPath(path.relative_to(folder).as_posix())
            if path.is_file() and is_shipped(name) and f"python/{name}" not in had:
                entries.append((f"python/{name}", path.read_bytes()))
        write_zip(layer, entries)
    size = unzipped_size(layer) + (unzipped_size(beside) if beside else 0)
    if size > _LIMIT - _ROOM:
        message = (
            f"With {layer.name} a function has {size / 1024**2:.0f} MB of layers unzipped, too near to "
            "Lambda's 250 MB: ship less."
        )
        raise PackagingError(message)


def content_hash(files: Iterable[Path], base: Path, context: str = "") -> str:
    """A hash of files by name and content, of `context`, and of the modules whose rules shape products."""
    digest = hashlib.sha256(context.encode())
    for rules in ("packaging.py", "zips.py", "sbom.py"):
        digest.update(Path(__file__).with_name(rules).read_bytes())
    for path in sorted(files):
        digest.update(f"\0{path.relative_to(base).as_posix()}\0".encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def check_deployment(archive: Path) -> None:
    """Refuses a zip that lacks a part of the application, or carries native code of the desk's machine.

    Raises:
        PackagingError: With what is missing, or what does not belong there.
    """
    with zipfile.ZipFile(archive) as opened:
        names = set(opened.namelist())
    if missing := [name for name in _REQUIRED if name not in names]:
        message = f"Chalice made a zip without {', '.join(missing)}; deploying it would break every handler."
        raise PackagingError(message)
    if native := sorted(name for name in names if PurePosixPath(name).suffix in _NATIVE):
        message = (
            f"deployment.zip holds native code ({native[0]}), built for this machine and not for Lambda: "
            "move its package from chalice_app/requirements.in to requirements/layer.in."
        )
        raise PackagingError(message)


def desk_tool(name: str) -> str:
    """The path of a program that the desk's requirements install beside this Python.

    Raises:
        PrerequisiteError: It is not there.
    """
    beside = Path(sys.executable).parent / name
    found = str(beside) if beside.is_file() else shutil.which(name)
    if found is None:
        message = f"{name} is missing from the virtual environment: run `make setup`."
        raise PrerequisiteError(message)
    return found


def _app_files(app_dir: Path) -> list[Path]:
    """What goes into the zip or shapes it: sources and pins, no caches."""
    library = (path for path in (app_dir / "chalicelib").rglob("*") if path.is_file())
    shipped = [path for path in library if "__pycache__" not in path.parts]
    named = [app_dir / "app.py", app_dir / "requirements.txt", app_dir / ".chalice" / "config.json"]
    if absent := [path for path in named if not path.is_file()]:
        message = f"{absent[0]} is missing: without it there is no application to package."
        raise PackagingError(message)
    return [*named, *shipped]


def _run_chalice(project: Path, made: Path) -> None:
    command = [
        desk_tool("chalice"),
        "--project-dir",
        str(project),
        "package",
        "--pkg-format",
        "terraform",
        str(made),
    ]
    # Chalice wants a region to package, and no credentials: it talks to no AWS.
    environment = {key: value for key, value in os.environ.items() if not key.startswith("AWS_")}
    environment["AWS_DEFAULT_REGION"] = "us-east-1"
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    said = (done.stdout + done.stderr).strip()
    # It writes a broken zip and may still exit with 0 when a package cannot be had: only its words tell.
    if done.returncode or "Could not install dependencies" in said:
        message = f"chalice package failed:\n{said}"
        raise PackagingError(message)


def _when_changed(stamp: Path, products: tuple[Path, ...], key: str, make: Callable[[], None]) -> None:
    """Calls `make` unless the products stand and the stamp says they come from the same inputs."""
    if all(path.is_file() for path in products) and stamp.is_file() and stamp.read_text() == key:
        return
    stamp.unlink(missing_ok=True)
    make()
    stamp.write_text(key)


@contextmanager
def _one_at_a_time(build_dir: Path) -> Iterator[None]:
    """Two commands started together build once, one after the other."""
    with (build_dir / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
