"""Model files are untrusted: what they may hold is checked before onnxruntime sees them."""

from __future__ import annotations

import ast
from pathlib import Path

import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper
from support_models import tiny_model

import chalicelib
from chalicelib import onnx_file
from chalicelib.detector import Detector, new_session
from chalicelib.exceptions import ModelInvalidError

LAMBDA_CODE = Path(chalicelib.__path__[0])


def graph(*nodes: onnx.NodeProto, initializers: list[TensorProto] | None = None) -> onnx.GraphProto:
    value = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1])
    result = helper.make_tensor_value_info("y", TensorProto.FLOAT, [1])
    return helper.make_graph(list(nodes), "g", [value], [result], initializers or [])


def content(made: onnx.GraphProto, **options: object) -> bytes:
    imports = [helper.make_opsetid("", 17), helper.make_opsetid("evil", 1)]
    return bytes(helper.make_model(made, opset_imports=imports, ir_version=9, **options).SerializeToString())


def external(name: str = "w") -> TensorProto:
    tensor = numpy_helper.from_array(np.ones(1, np.float32), name)
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="../../../etc/passwd")
    return tensor


ADD = helper.make_node("Add", ["x", "w"], ["y"])


def test_a_trained_model_passes() -> None:
    onnx_file.check(tiny_model())


def test_weights_in_another_file_are_refused() -> None:
    with pytest.raises(ModelInvalidError, match="another file"):
        onnx_file.check(content(graph(ADD, initializers=[external()])))


def test_weights_in_another_file_are_found_inside_a_constant_and_a_branch() -> None:
    constant = helper.make_node("Constant", [], ["y"], value=external())
    with pytest.raises(ModelInvalidError, match="another file"):
        onnx_file.check(content(graph(constant)))
    branch = helper.make_node("If", ["x"], ["y"], then_branch=graph(constant), else_branch=graph(constant))
    with pytest.raises(ModelInvalidError, match="another file"):
        onnx_file.check(content(graph(branch)))


def test_naming_a_file_is_enough_whatever_the_location_says() -> None:
    tensor = external()
    tensor.ClearField("data_location")
    with pytest.raises(ModelInvalidError, match="another file"):
        onnx_file.check(content(graph(ADD, initializers=[tensor])))


def test_an_operator_of_another_library_is_refused_by_name() -> None:
    node = helper.make_node("Shell", ["x"], ["y"], domain="evil")
    with pytest.raises(ModelInvalidError, match=r"evil\.Shell"):
        onnx_file.check(content(graph(node)))


def test_a_function_that_the_file_defines_is_its_own() -> None:
    body = helper.make_node("Neg", ["a"], ["b"])
    function = helper.make_function("evil", "F", ["a"], ["b"], [body], [helper.make_opsetid("", 17)])
    node = helper.make_node("F", ["x"], ["y"], domain="evil")
    onnx_file.check(content(graph(node), functions=[function]))


def test_graphs_nested_without_end_are_refused() -> None:
    made = graph(helper.make_node("Neg", ["x"], ["y"]))
    for _ in range(20):
        made = graph(helper.make_node("Loop", ["x"], ["y"], body=made))
    with pytest.raises(ModelInvalidError, match="nested"):
        onnx_file.check(content(made))


def test_a_file_beyond_the_bound_is_refused_unread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(onnx_file, "MAX_MODEL_BYTES", 10)
    with pytest.raises(ModelInvalidError, match="11 bytes"):
        onnx_file.check(b"x" * 11)


@given(st.binary(max_size=400))
def test_any_bytes_are_refused_or_passed_on_but_never_break_the_check(data: bytes) -> None:
    try:
        onnx_file.check(data)
    except ModelInvalidError:
        return


@given(st.integers(0, 4000), st.integers(0, 255))
def test_a_damaged_model_never_breaks_the_check(place: int, byte: int) -> None:
    model = bytearray(tiny_model()[:4001])
    model[place] = byte
    try:
        onnx_file.check(bytes(model))
    except ModelInvalidError:
        return


def test_every_session_is_checked_first() -> None:
    model = content(graph(ADD, initializers=[external()]))
    for load in (new_session, Detector.load):
        with pytest.raises(ModelInvalidError, match="another file"):
            load(model)


# ---------------------------------------------------------------- nothing but ONNX

# Modules that run code out of data, and calls that do.
UNSAFE_MODULES = {"pickle", "_pickle", "dill", "cloudpickle", "joblib", "marshal", "shelve", "torch"}
UNSAFE_CALLS = {"eval", "exec", "compile", "__import__"}
# The training side reads PyTorch checkpoints by an unpickler of its own that admits tensors only; it never
# runs where pictures are judged.
TRAINING = {LAMBDA_CODE / "training", LAMBDA_CODE / "measuring", LAMBDA_CODE / "lookout" / "training"}


def judging_modules() -> list[Path]:
    modules = [LAMBDA_CODE.parent / "app.py", *LAMBDA_CODE.rglob("*.py")]
    return [path for path in modules if not TRAINING & set(path.parents)]


@pytest.mark.parametrize("path", judging_modules(), ids=lambda path: path.name)
def test_what_judges_loads_no_code_out_of_data(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            assert not {alias.name.split(".")[0] for alias in node.names} & UNSAFE_MODULES
        elif isinstance(node, ast.ImportFrom):
            assert (node.module or "").split(".")[0] not in UNSAFE_MODULES
            assert not (node.module or "").startswith("chalicelib.training")
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            assert node.func.id not in UNSAFE_CALLS
        elif isinstance(node, ast.keyword):
            assert node.arg != "allow_pickle"


def test_no_session_is_made_but_by_the_checked_way() -> None:
    makers = [path for path in judging_modules() if "InferenceSession(" in path.read_text(encoding="utf-8")]
    assert [path.name for path in makers] == ["detector.py"]
    assert not any(
        "register_custom_ops_library" in path.read_text(encoding="utf-8") for path in judging_modules()
    )
