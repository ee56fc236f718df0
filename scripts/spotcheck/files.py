"""Writes results so that a failure is one clear line, and never half a file."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from spotcheck.exceptions import OutputError


def check_writable(*paths: Path | None) -> None:
    """Refuses where a result could not be written, before the work whose result it would be.

    Args:
        paths: Of the files to come; None stands for one that nobody asked for. Their folders are made.

    Raises:
        OutputError: One of them cannot be written.
    """
    for path in filter(None, paths):
        if path.is_dir():
            message = f"{path} cannot be written: it is a folder. Name a file in it."
            raise OutputError(message)
        try:
            _make_folder(path)
            with tempfile.TemporaryFile(dir=path.parent):
                pass
        except OSError as error:
            raise _cannot_write(path, error) from error


def write_file(path: Path, content: bytes) -> None:
    """Writes a file whole or not at all, making its folder where needed.

    Raises:
        OutputError: The file cannot be written.
    """
    try:
        _make_folder(path)
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        partial = Path(name)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
            # mkstemp makes private files; a result is as readable as any other file of the user's.
            umask = os.umask(0)
            os.umask(umask)
            partial.chmod(0o666 & ~umask)
            partial.replace(path)
        finally:
            partial.unlink(missing_ok=True)
    except OSError as error:
        raise _cannot_write(path, error) from error


def _make_folder(path: Path) -> None:
    """Makes the folder of a file, where it is missing."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except FileExistsError as error:
        reason = f"{path.parent} is a file and no folder"
        raise OSError(reason) from error


def _cannot_write(path: Path, error: OSError) -> OutputError:
    return OutputError(f"{path} cannot be written: {error.strerror or error}.")
