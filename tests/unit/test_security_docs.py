"""SECURITY.md points at tests that exist."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOORS = [
    line for line in (ROOT / "SECURITY.md").read_text(encoding="utf-8").splitlines() if line.startswith("| ")
]


def test_every_door_names_a_test_that_exists() -> None:
    existing = {path.name for path in ROOT.glob("tests/**/test_*.py")} | {
        path.name for path in ROOT.glob("terraform/tests/*.tftest.hcl")
    }
    for door in DOORS[1:]:
        proofs = re.findall(r"`([^`]*(?:\.py|\.hcl))`", door.rpartition("|")[0].rpartition("|")[2])
        assert proofs, door
        assert {Path(proof).name for proof in proofs} <= existing, door
        assert all((ROOT / proof).is_file() for proof in proofs if "/" in proof), door
