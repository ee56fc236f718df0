"""Which licences are understood, and which packages may be used and shipped."""

from __future__ import annotations

from email.message import Message
from typing import TYPE_CHECKING

import pytest

from spotcheck.licences import AT_THE_DESK, PERMISSIVE, Licensed, is_allowed, licence_of, main, pins, survey

if TYPE_CHECKING:
    from pathlib import Path


def described(name: str = "some-package", **headers: str | list[str]) -> Message:
    message = Message()
    message["Name"] = name
    for header, values in headers.items():
        for value in [values] if isinstance(values, str) else values:
            message[header.replace("_", "-")] = value
    return message


def test_every_package_that_is_pinned_for_this_machine_may_be_used() -> None:
    assert [f"{one.name} {one.complaint}" for one in survey() if one.complaint] == []


def test_the_survey_knows_what_is_shipped() -> None:
    shipped = {one.name for one in survey() if one.shipped}
    assert {"aws-lambda-powertools", "numpy", "onnxruntime", "pillow", "simplejpeg"} <= shipped


@pytest.mark.parametrize(
    ("package", "licence"),
    [
        (described(License_Expression="MIT-CMU"), "MIT-CMU"),
        (described(License="Apache License 2.0"), "Apache-2.0"),
        (
            described(
                License="MIT Licence\n\nCopyright ...", Classifier=["License :: OSI Approved :: MIT License"]
            ),
            "MIT",
        ),
        (described(Classifier=["Topic :: Games", "License :: OSI Approved :: BSD License"]), "BSD-3-Clause"),
        (described(License="UNKNOWN"), ""),
        (described(License="Copyright (c) 2001 Somebody"), ""),
        (described(), ""),
        (described("python-dateutil", License="Dual License"), "Apache-2.0 OR BSD-3-Clause"),
    ],
)
def test_a_licence_is_told_by_the_first_place_that_says_one(package: Message, licence: str) -> None:
    assert licence_of(package) == licence


@pytest.mark.parametrize(
    ("expression", "may_be_shipped"),
    [
        ("MIT", True),
        ("BSD-3-Clause AND 0BSD AND Zlib", True),
        ("GPL-2.0-only OR MIT", True),
        ("MIT AND LGPL-2.1-or-later", False),
        ("MPL-2.0", False),
        ("(GPL-3.0-only OR MIT) AND MPL-2.0", False),
    ],
)
def test_every_part_of_and_has_to_be_allowed_and_one_part_of_or(
    expression: str, *, may_be_shipped: bool
) -> None:
    assert is_allowed(expression, PERMISSIVE) is may_be_shipped


def test_files_under_the_mozilla_licence_stay_at_the_desk() -> None:
    assert is_allowed("MPL-2.0", AT_THE_DESK)
    assert Licensed("certifi", "MPL-2.0", shipped=False).complaint is None
    assert Licensed("certifi", "MPL-2.0", shipped=True).complaint == "stands under MPL-2.0"


def test_a_package_that_tells_no_licence_is_refused() -> None:
    assert "tells no licence" in str(Licensed("mystery", "", shipped=False).complaint)


def test_pictures_for_the_demo_may_not_be_shipped() -> None:
    licence = "CC-BY-NC-SA-4.0 AND Apache-2.0"
    assert Licensed("elpv-dataset", licence, shipped=False).complaint is None
    assert Licensed("elpv-dataset", licence, shipped=True).complaint


def test_pins_for_other_machines_are_left_out(tmp_path: Path) -> None:
    (tmp_path / "r.txt").write_text(
        "# made by uv\none==1.0 \\\n    --hash=sha256:00\ntwo==2.0 ; sys_platform == 'nowhere'\n"
        "three==3.0 ; python_full_version >= '3.11'\n    # via one\n"
    )
    assert pins(tmp_path / "r.txt") == [("one", "1.0"), ("three", "3.0")]


GOOD = (Licensed("fine", "MIT", shipped=True), Licensed("grand", "MPL-2.0", shipped=False))
BAD = (*GOOD, Licensed("greedy", "AGPL-3.0-only", shipped=True))


def surveyed(monkeypatch: pytest.MonkeyPatch, packages: tuple[Licensed, ...]) -> None:
    monkeypatch.setattr("spotcheck.licences.survey", lambda: iter(packages))


def test_when_all_is_well_one_line_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    surveyed(monkeypatch, GOOD)
    assert main([]) == 0
    assert capsys.readouterr().out == "2 pinned packages, 1 of them shipped: all licences allow it.\n"


def test_what_may_not_be_used_is_shown_and_nothing_else(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    surveyed(monkeypatch, BAD)
    assert main([]) == 1
    printed = capsys.readouterr()
    assert "greedy" in printed.out
    assert "fine" not in printed.out
    assert printed.err == "error: greedy stands under AGPL-3.0-only\n"


@pytest.mark.parametrize("packages", [GOOD, BAD])
def test_all_of_them_are_listed_on_request(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], packages: tuple[Licensed, ...]
) -> None:
    surveyed(monkeypatch, packages)
    main(["--all"])
    printed = capsys.readouterr().out
    assert all(one.name in printed and one.licence in printed for one in packages)
