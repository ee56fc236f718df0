"""What goes into a zip, when it is built, and what is refused."""

from __future__ import annotations

import hashlib
import stat
import sys
import zipfile
from pathlib import Path

import pytest

from spotcheck import packaging
from spotcheck.exceptions import PackagingError, PrerequisiteError
from spotcheck.zips import unzipped_size, write_zip

SOUND = [
    ("app.py", b""),
    ("chalicelib/__init__.py", b""),
    ("chalice/app.py", b""),
    ("aws_lambda_powertools/__init__.py", b""),
]


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def make_app(folder: Path) -> Path:
    for name in ("app.py", "requirements.txt", ".chalice/config.json", "chalicelib/__init__.py"):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("{}")
    return folder


def stand_in(folder: Path, body: str) -> Path:
    """A program that takes the place of chalice or uv and counts its runs."""
    folder.mkdir(exist_ok=True)
    program = folder / "stand-in"
    counter = folder / "runs"
    program.write_text(
        f"#!{sys.executable}\nimport sys, pathlib, zipfile\n"
        f"counter = pathlib.Path({str(counter)!r})\n"
        "counter.write_text((counter.read_text() if counter.exists() else '') + 'x')\n" + body
    )
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return program


CHALICE = """
made = pathlib.Path(sys.argv[-1])
made.mkdir()
with zipfile.ZipFile(made / "deployment.zip", "w") as archive:
    for name in ("app.py", "chalicelib/__init__.py", "chalice/app.py", "aws_lambda_powertools/__init__.py"):
        archive.writestr(name, "pass")
(made / "chalice.tf.json").write_text('{"resource": {}}')
"""
UV = """
target = pathlib.Path(sys.argv[sys.argv.index("--target") + 1])
names = ["numpy/core.so", "numpy/tests/test_core.py", "onnxruntime/tools/x.py", "n.dist-info/RECORD"]
if sys.argv[sys.argv.index("-r") + 1].endswith("training.txt"):
    names += ["onnx/core.so", "onnx/backend/test/data.pb"]
for name in names:
    (target / name).parent.mkdir(parents=True, exist_ok=True)
    (target / name).write_text("content")
"""


@pytest.fixture
def tools(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> dict[str, Path]:
    tools = {"chalice": stand_in(tmp_path / "c", CHALICE), "uv": stand_in(tmp_path / "u", UV)}
    monkeypatch.setattr(packaging, "desk_tool", lambda name: str(tools[name]))
    return tools


def runs(tools: dict[str, Path], name: str) -> int:
    counter = tools[name].with_name("runs")
    return len(counter.read_text()) if counter.exists() else 0


def test_same_contents_give_same_bytes_in_any_order(tmp_path: Path) -> None:
    write_zip(tmp_path / "a.zip", SOUND)
    write_zip(tmp_path / "b.zip", list(reversed(SOUND)))
    assert digest(tmp_path / "a.zip") == digest(tmp_path / "b.zip")


def test_a_zip_of_pure_python_with_everything_in_it_is_sound(tmp_path: Path) -> None:
    write_zip(tmp_path / "a.zip", SOUND)
    packaging.check_deployment(tmp_path / "a.zip")


@pytest.mark.parametrize("lost", [name for name, _ in SOUND])
def test_a_zip_that_lacks_a_part_of_the_application_is_refused(tmp_path: Path, lost: str) -> None:
    write_zip(tmp_path / "a.zip", [entry for entry in SOUND if entry[0] != lost])
    with pytest.raises(PackagingError, match=lost):
        packaging.check_deployment(tmp_path / "a.zip")


def test_native_code_in_the_zip_is_refused(tmp_path: Path) -> None:
    write_zip(tmp_path / "a.zip", [*SOUND, ("numpy/core.so", b"")])
    with pytest.raises(PackagingError, match=r"native code \(numpy/core\.so\)"):
        packaging.check_deployment(tmp_path / "a.zip")


def test_the_size_is_that_of_the_unzipped_content(tmp_path: Path) -> None:
    write_zip(tmp_path / "a.zip", [("zeros", bytes(100_000))])
    assert unzipped_size(tmp_path / "a.zip") == 100_000


def test_a_hash_changes_with_content_name_and_context(tmp_path: Path) -> None:
    for name, content in (("a", "1"), ("b", "1"), ("c", "2")):
        (tmp_path / name).write_text(content)
    hashes = {
        packaging.content_hash([tmp_path / name], tmp_path, context)
        for name, context in (("a", ""), ("b", ""), ("c", ""), ("a", "arm64"))
    }
    assert len(hashes) == 4


@pytest.mark.usefixtures("tools")
def test_the_layer_carries_packages_without_their_tests_tools_and_notes(tmp_path: Path) -> None:
    package = packaging.build(app_dir=make_app(tmp_path / "app"), build_dir=tmp_path / "build")
    with zipfile.ZipFile(package.layer) as archive:
        assert archive.namelist() == ["python/numpy/core.so"]


@pytest.mark.usefixtures("tools")
def test_the_training_layer_carries_what_the_first_one_does_not_have(tmp_path: Path) -> None:
    package = packaging.build(app_dir=make_app(tmp_path / "app"), build_dir=tmp_path / "build")
    with zipfile.ZipFile(package.training_layer) as archive:
        assert archive.namelist() == ["python/onnx/core.so"]


@pytest.mark.usefixtures("tools")
def test_two_layers_that_are_too_large_together_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = packaging.build(app_dir=make_app(tmp_path / "app"), build_dir=tmp_path / "build").layer
    monkeypatch.setattr(packaging, "_LIMIT", packaging._ROOM + len("content"))
    packaging.build_layer(tmp_path / "layer.txt", "x86_64", tmp_path / "layer.zip")
    with pytest.raises(PackagingError, match=r"With training\.zip .* Lambda's 250 MB"):
        packaging.build_layer(tmp_path / "training.txt", "x86_64", tmp_path / "training.zip", beside=first)


def test_what_has_not_changed_is_not_built_again(tmp_path: Path, tools: dict[str, Path]) -> None:
    app = make_app(tmp_path / "app")
    for _ in range(2):
        packaging.build(app_dir=app, build_dir=tmp_path / "build")
    assert (runs(tools, "chalice"), runs(tools, "uv")) == (1, 2)  # a layer for judging, one for training


def test_a_changed_handler_builds_the_zip_but_not_the_layer(tmp_path: Path, tools: dict[str, Path]) -> None:
    app = make_app(tmp_path / "app")
    packaging.build(app_dir=app, build_dir=tmp_path / "build")
    (app / "app.py").write_text("changed")
    packaging.build(app_dir=app, build_dir=tmp_path / "build")
    assert (runs(tools, "chalice"), runs(tools, "uv")) == (2, 2)


def test_a_product_that_was_deleted_is_built_again(tmp_path: Path, tools: dict[str, Path]) -> None:
    app = make_app(tmp_path / "app")
    packaging.build(app_dir=app, build_dir=tmp_path / "build").zip.unlink()
    assert packaging.build(app_dir=app, build_dir=tmp_path / "build").zip.is_file()
    assert runs(tools, "chalice") == 2


def test_caches_of_the_interpreter_do_not_build_again(tmp_path: Path, tools: dict[str, Path]) -> None:
    app = make_app(tmp_path / "app")
    packaging.build(app_dir=app, build_dir=tmp_path / "build")
    (app / "chalicelib" / "__pycache__").mkdir()
    (app / "chalicelib" / "__pycache__" / "x.pyc").write_bytes(b"")
    packaging.build(app_dir=app, build_dir=tmp_path / "build")
    assert runs(tools, "chalice") == 1


@pytest.mark.parametrize("ending", ["", "sys.exit(1)"])
def test_a_package_that_chalice_could_not_have_fails_the_build(
    tmp_path: Path, tools: dict[str, Path], ending: str
) -> None:
    tools["chalice"] = stand_in(
        tmp_path / "failing", f"{CHALICE}\nprint('Could not install dependencies:\\nnumpy')\n{ending}"
    )
    with pytest.raises(PackagingError, match="Could not install dependencies:\nnumpy"):
        packaging.build(app_dir=make_app(tmp_path / "app"), build_dir=tmp_path / "build")
    assert not (tmp_path / "build" / ".deployment.stamp").exists()


def test_a_layer_that_cannot_be_installed_says_why(tmp_path: Path, tools: dict[str, Path]) -> None:
    tools["uv"] = stand_in(tmp_path / "failing", "sys.exit('no wheel for numpy')")
    with pytest.raises(PackagingError, match="for arm64:\nno wheel for numpy"):
        packaging.build("arm64", app_dir=make_app(tmp_path / "app"), build_dir=tmp_path / "build")


def test_an_application_without_app_py_is_refused(tmp_path: Path) -> None:
    app = make_app(tmp_path / "app")
    (app / "app.py").unlink()
    with pytest.raises(PackagingError, match=r"app\.py is missing"):
        packaging.build(app_dir=app, build_dir=tmp_path / "build")


def test_a_desk_tool_is_found_beside_the_interpreter() -> None:
    assert Path(packaging.desk_tool("chalice")).parent == Path(sys.executable).parent


def test_a_missing_desk_tool_names_the_command_that_installs_it() -> None:
    with pytest.raises(PrerequisiteError, match="make setup"):
        packaging.desk_tool("no-such-tool")
