"""What pip-audit's answer means, and when nobody answered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from spotcheck.exceptions import PrerequisiteError
from spotcheck.vulnerabilities import CLEAN, NOT_ASKED, VULNERABLE, findings, main

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

HOLE = {"id": "CVE-2019-10906", "fix_versions": ["2.10.1"]}


def database(*vulnerable: str) -> Callable[[Sequence[tuple[str, str]]], dict[str, Any]]:
    def answer(pinned: Sequence[tuple[str, str]]) -> dict[str, Any]:
        packages = [
            {"name": name, "version": number, "vulns": [HOLE] if name in vulnerable else []}
            for name, number in pinned
        ]
        return {"dependencies": packages}

    return answer


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for file in (
        "chalice_app/requirements.txt",
        *(f"requirements/{one}.txt" for one in ("layer", "training", "desk", "dev")),
    ):
        (tmp_path / file).parent.mkdir(exist_ok=True)
        (tmp_path / file).write_text("numpy==1.0\nmoto==2.0\n")
    return tmp_path


def test_no_known_vulnerability_is_clean(root: Path) -> None:
    assert main(database("jinja2"), root) == CLEAN


def test_a_vulnerability_fails_and_is_named_once(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(database("jinja2", "moto"), root) == VULNERABLE
    assert capsys.readouterr().err.count("moto 2.0: CVE-2019-10906, mended in 2.10.1") == 1


def test_a_database_that_knows_no_advisory_at_all_is_no_good_news(root: Path) -> None:
    assert main(database(), root) == NOT_ASKED


def test_a_database_that_cannot_be_reached_is_no_good_news(root: Path) -> None:
    def unreachable(_: Sequence[tuple[str, str]]) -> dict[str, Any]:
        message = "The advisory database could not be asked: no route to host"
        raise PrerequisiteError(message)

    assert main(unreachable, root) == NOT_ASKED


def test_a_hole_that_no_version_mends_says_so() -> None:
    report = {"dependencies": [{"name": "x", "version": "1", "vulns": [{"id": "CVE-1", "fix_versions": []}]}]}
    assert findings(report) == ["x 1: CVE-1, mended in no version yet"]


def test_a_package_that_was_skipped_is_no_finding() -> None:
    assert findings({"dependencies": [{"name": "x", "skip_reason": "not on the index"}]}) == []
