"""Writes results so that a failure is one clear line, and never half a file."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from spotcheck.exceptions import OutputError


def write_file(path: Path, content: bytes) -> None:
    """Writes a file whole or not at all, making its folder where needed.

    Raises:
        OutputError: The file cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
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
        message = f"{path} cannot be written: {error.strerror or error}."
        raise OutputError(message) from error
