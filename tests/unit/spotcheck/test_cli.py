"""The command as a whole: how it ends where nobody can read what it says."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

FULL = Path("/dev/full")  # refuses every byte as a full disk does


@pytest.mark.skipif(not FULL.exists(), reason="Only Linux has a device that is always full.")
def test_an_answer_that_finds_no_room_is_one_line_and_exit_code_1() -> None:
    with FULL.open("w") as full:
        done = subprocess.run(
            [sys.executable, "-c", "from spotcheck.cli import main; main()", "--help"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )

    assert done.returncode == 1
    assert done.stderr == (
        "error: The answer cannot be written: No space left on device. Make room, or write it elsewhere.\n"
    )
