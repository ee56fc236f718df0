"""Tools with environments of their own: what they depend on would quarrel with what Spotcheck depends on."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

from spotcheck.packaging import desk_tool
from spotcheck.terraform_cli import ROOT, TOOLS_DIR

if TYPE_CHECKING:
    from pathlib import Path


def tool(name: str, pins: str) -> Path:
    """The program `name`, installed when its pins have changed.

    Args:
        name: Of the program.
        pins: Of the file in `requirements/`, without its ending.

    Raises:
        CalledProcessError: The packages cannot be had.
    """
    folder = TOOLS_DIR / pins
    wanted = ROOT / "requirements" / f"{pins}.txt"
    stamp = folder / ".pins"
    if not stamp.is_file() or stamp.read_text() != wanted.read_text():
        uv = desk_tool("uv")
        subprocess.run([uv, "venv", "--quiet", "--clear", "--python", sys.executable, folder], check=True)
        python = folder / "bin" / "python"
        subprocess.run([uv, "pip", "install", "--quiet", "--python", python, "-r", wanted], check=True)
        stamp.write_text(wanted.read_text())
    return folder / "bin" / name


if __name__ == "__main__":
    print(tool(*sys.argv[1:]))
