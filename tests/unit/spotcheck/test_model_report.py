"""A model's report: one file that shows every figure, the pictures behind it and what to mind."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import TYPE_CHECKING

import pytest
from support_models import normal_png, tiny_model
from support_pictures import png_bytes, scratched, texture
from typer.testing import CliRunner

from spotcheck.cli import app

if TYPE_CHECKING:
    from pathlib import Path


def write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def run(*arguments: object) -> None:
    result = CliRunner().invoke(app, list(map(str, arguments)), catch_exceptions=False)
    assert result.exit_code == 0, result.output


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The report on six normal pictures, five scratched ones, and one whose scratch nobody could see."""
    root = tmp_path_factory.mktemp("report")
    for seed in range(100, 106):
        write(root / f"data/test/good/{seed}.png", normal_png(seed))
        write(root / f"data/test/scratch/<{seed}>.png", png_bytes(scratched(texture(seed, 160, 120))))
    write(root / "data/test/faint/106.png", normal_png(106))
    write(root / "data/test/good/broken.png", normal_png(7)[:-20])
    write(root / "model.onnx", tiny_model())
    run(
        "evaluate",
        "--model",
        root / "model.onnx",
        "--data",
        root / "data",
        "--report",
        root / "out/report.html",
    )
    return (root / "out/report.html").read_text()


def test_the_report_needs_nothing_from_elsewhere(page: str) -> None:
    assert not re.search(r'(src|href)="(?!data:)', page)
    assert "@import" not in page
    assert "prefers-color-scheme: dark" in page


def test_every_figure_comes_with_its_interval(page: str) -> None:
    tiles = re.findall(r'<div class="tile"><b>(.*?)</b><small>(.*?)</small><span>(.*?)</span>', page)
    intervals = {name: interval for _, interval, name in tiles}
    for name in (
        "image AUROC",
        "recall",
        "precision",
        "F1",
        "false alarms expected in 1,000 normal pictures",
    ):
        assert " to " in intervals[name]


def test_the_missed_anomaly_is_shown_with_its_heat_map(page: str) -> None:
    section = page[page.index("Missed anomalies") : page.index("Clearest anomalies")]
    assert "test/faint/106.png" in section
    assert "labelled anomalous" in section
    assert section.count('<img src="data:image/jpeg;base64,') == 2


def test_each_kind_of_anomaly_has_its_share(page: str) -> None:
    assert re.search(r"faint</th><td>0 of 1<", page)
    assert re.search(r"scratch</th><td>6 of 6<", page)


def test_curves_histogram_and_confusion_matrix_are_drawn(page: str) -> None:
    assert page.count("<svg ") == 3
    assert page.count("<polyline ") == 2
    matrix = page[page.index('class="matrix"') :]
    assert re.findall(r"<td class=\"[a-z]*\">(\d+)</td>", matrix)[:4] == ["6", "1", "0", "6"]


def test_what_the_checks_found_is_listed(page: str) -> None:
    assert "cannot be read: The PNG is truncated: it ends before the picture does:" in " ".join(page.split())
    assert "at least 10 are needed" in page


def test_names_are_escaped_and_tags_are_closed(page: str) -> None:
    assert "test/scratch/&lt;100&gt;.png" in page
    assert _Nesting.of(page) == []


def test_training_on_normals_alone_reports_what_they_tell(tmp_path: Path) -> None:
    for seed in range(10):
        write(tmp_path / f"data/normal/{seed}.png", normal_png(seed))
    run(
        *("train", "--data", tmp_path / "data", "--output", tmp_path / "model.onnx"),
        *("--report", tmp_path / "report.html"),
    )
    page = (tmp_path / "report.html").read_text()
    assert "10 normal and 0 anomalous" in page
    assert "false alarms expected" in page
    assert "image AUROC" not in page
    assert "Most normal" in page


class _Nesting(HTMLParser):
    """Collects tags that are closed out of order or never."""

    _VOID = frozenset({"meta", "img", "line", "rect", "circle", "polyline", "br"})

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.wrong: list[str] = []

    @classmethod
    def of(cls, page: str) -> list[str]:
        parser = cls()
        parser.feed(page)
        return parser.wrong + parser.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        del attrs
        if tag not in self._VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in self._VOID:
            return
        if not self.open or self.open.pop() != tag:
            self.wrong.append(tag)
