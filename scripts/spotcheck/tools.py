"""Tools with environments of their own: what they depend on would quarrel with what Spotcheck depends on."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

from spotcheck.packaging import desk_tool
from spotcheck.terraform_cli import ROOT, TOOLS_DIR

if TYPE_CHECKING:
    from pathlib import Path


def tool(name: str, pins: str, *, by_pip: bool = False) -> Path:
    """The program `name`, installed when its pins have changed.

    Args:
        name: Of the program.
        pins: Of the file in `requirements/`, without its ending.
        by_pip: Whether pip installs, and not uv: then pip's own configuration decides where packages come
            from, a build of PyTorch without CUDA for instance.

    Raises:
        CalledProcessError: The packages cannot be had.
    """
    folder = TOOLS_DIR / pins
    wanted = ROOT / "requirements" / f"{pins}.txt"
    stamp = folder / ".pins"
    if not stamp.is_file() or stamp.read_text() != wanted.read_text():
        _install(folder, wanted, by_pip=by_pip)
        stamp.write_text(wanted.read_text())
    return folder / "bin" / name


def _install(folder: Path, pins: Path, *, by_pip: bool) -> None:
    python = folder / "bin" / "python"
    if by_pip:
        subprocess.run([sys.executable, "-m", "venv", "--clear", folder], check=True)
        options = ["--disable-pip-version-check", "--quiet"]
        subprocess.run([python, "-m", "pip", "install", *options, "-r", pins], check=True)
        return
    uv = desk_tool("uv")
    subprocess.run([uv, "venv", "--quiet", "--clear", "--python", sys.executable, folder], check=True)
    subprocess.run([uv, "pip", "install", "--quiet", "--python", python, "-r", pins], check=True)


if __name__ == "__main__":
    print(tool(*sys.argv[1:]))
