"""What goes into the zip and the layer: only what the pins' hashes allow, listed in a bill of materials."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import zipfile
from typing import TYPE_CHECKING, Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from spotcheck import packaging
from spotcheck.exceptions import PackagingError
from spotcheck.licences import SHIPPED, pins
from spotcheck.sbom import write_sbom
from spotcheck.zips import unzipped_size

if TYPE_CHECKING:
    from pathlib import Path

ROOT = packaging.ROOT
METADATA = (
    "Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\nLicense-Expression: MIT\nSummary: Made for a test.\n"
)
APP = """
from chalice.app import Chalice

app = Chalice(app_name="spotcheck")


@app.lambda_function()
def handler(event, context):
    pass
"""


def make_wheel(folder: Path, name: str) -> Path:
    """A wheel of one empty module."""
    wheel = folder / f"{name}-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr(f"{name}/__init__.py", "")
        archive.writestr(f"{name}-1.0.dist-info/METADATA", METADATA.format(name=name))
        archive.writestr(
            f"{name}-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr(f"{name}-1.0.dist-info/RECORD", "")
    return wheel


def make_app(folder: Path, requirements: str) -> Path:
    (folder / "chalicelib").mkdir(parents=True)
    (folder / "chalicelib" / "__init__.py").write_text("")
    (folder / "app.py").write_text(APP)
    (folder / "requirements.txt").write_text(requirements)
    (folder / ".chalice").mkdir()
    (folder / ".chalice" / "config.json").write_bytes(
        (ROOT / "chalice_app/.chalice/config.json").read_bytes()
    )
    return folder


@pytest.fixture
def wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only package that pip finds."""
    wheel = make_wheel(tmp_path, "aws_lambda_powertools")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    return wheel


def requirement(digest: str) -> str:
    return f"aws_lambda_powertools==1.0 --hash=sha256:{digest}\n"


def test_a_package_with_the_pinned_hash_goes_into_the_zip(wheel: Path, tmp_path: Path) -> None:
    app = make_app(tmp_path / "app", requirement(hashlib.sha256(wheel.read_bytes()).hexdigest()))
    packaging.build_deployment(app, tmp_path / "made.zip", tmp_path / "made.json")
    assert "aws_lambda_powertools/__init__.py" in zipfile.ZipFile(tmp_path / "made.zip").namelist()


@pytest.mark.usefixtures("wheel")
def test_a_package_with_another_hash_than_the_pinned_one_fails_the_build(tmp_path: Path) -> None:
    app = make_app(tmp_path / "app", requirement("0" * 64))
    with pytest.raises(PackagingError, match="chalice package failed"):
        packaging.build_deployment(app, tmp_path / "made.zip", tmp_path / "made.json")


@pytest.mark.parametrize("file", SHIPPED)
def test_everything_that_is_shipped_is_pinned_with_hashes(file: str) -> None:
    text = (ROOT / file).read_text()
    entries = text.replace("\\\n", " ").splitlines()
    unpinned = [line for line in entries if "==" in line and "--hash=sha256:" not in line]
    assert pins(ROOT / file)
    assert unpinned == []


# Whatever may differ between two machines that build: folder, umask, time zone, hash seed, language.
ELSEWHERE = {"PYTHONHASHSEED": "7", "TZ": "Asia/Tokyo", "LC_ALL": "C"}
BUILD = """
import os, sys
from pathlib import Path
from spotcheck import packaging
os.umask(0o077)
folder = Path(sys.argv[1])
app, pins = packaging.ROOT / "chalice_app", packaging.ROOT / "requirements/layer.txt"
packaging.build_deployment(app, folder / "deployment.zip", folder / "chalice.tf.json")
packaging.build_layer(pins, "x86_64", folder / "layer.zip")
training = packaging.ROOT / "requirements/training.txt"
packaging.build_layer(training, "x86_64", folder / "training.zip", beside=folder / "layer.zip")
"""


def test_zip_and_layers_are_the_same_bytes_wherever_they_are_built(tmp_path: Path) -> None:
    here = packaging.build()
    subprocess.run([sys.executable, "-c", BUILD, tmp_path], env={**os.environ, **ELSEWHERE}, check=True)
    assert (tmp_path / "deployment.zip").read_bytes() == here.zip.read_bytes()
    assert (tmp_path / "chalice.tf.json").read_bytes() == here.chalice_json.read_bytes()
    assert (tmp_path / "layer.zip").read_bytes() == here.layer.read_bytes()
    assert (tmp_path / "training.zip").read_bytes() == here.training_layer.read_bytes()


def test_a_function_with_both_layers_weighs_less_than_lambda_takes() -> None:
    package = packaging.build()
    products = (package.zip, package.layer, package.training_layer)
    assert sum(unzipped_size(path) for path in products) < 250 * 1024**2


@pytest.fixture(scope="module")
def bill() -> dict[str, Any]:
    return dict(json.loads(packaging.build().sbom.read_text()))


def test_the_bill_is_valid_cyclonedx() -> None:
    text = packaging.build().sbom.read_text()
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None


def test_the_bill_lists_every_package_that_is_shipped_with_version_and_licence(bill: dict[str, Any]) -> None:
    listed = {
        (component["name"].replace("_", "-").lower(), component["version"])
        for product in bill["components"]
        for component in product["components"]
    }
    shipped = {(name.lower(), number) for file in SHIPPED for name, number in pins(ROOT / file)}
    assert shipped <= listed
    assert {name for name, _ in listed - shipped} == {"chalice"}
    assert all(one["licenses"] for product in bill["components"] for one in product["components"])


def test_the_bill_names_the_products_by_their_hashes(bill: dict[str, Any]) -> None:
    package = packaging.build()
    digests = {one["name"]: one["hashes"][0]["content"] for one in bill["components"]}
    assert digests == {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in (package.zip, package.layer, package.training_layer)
    }


def test_the_same_products_have_the_same_bill_and_others_another(wheel: Path, tmp_path: Path) -> None:
    other = make_wheel(tmp_path, "another")
    bills = [tmp_path / f"{number}.json" for number in range(3)]
    for bill, product in zip(bills, (wheel, wheel, other), strict=True):
        write_sbom(bill, [product], architecture="x86_64")
    first, again, another = (bill.read_bytes() for bill in bills)
    assert first == again
    assert json.loads(first)["serialNumber"] != json.loads(another)["serialNumber"]
    assert "timestamp" not in json.loads(first)["metadata"]
