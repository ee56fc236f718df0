"""Which program runs a model at the desk: onnxruntime, as in Lambda, or OpenVINO where it is installed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from chalicelib.detector import Detector

Runtime = Literal["onnxruntime", "openvino"]


def load_detector(model: Path, runtime: Runtime = "onnxruntime", threads: int | None = None) -> Detector:
    """Loads a model.

    Args:
        model: The ONNX file.
        runtime: What runs it.
        threads: How many threads one inference uses; None leaves it to the runtime.

    Raises:
        ModelInvalidError: It is no model of ours, whatever runs it.
        ConfigurationError: OpenVINO would run a model in eight bits.
        PrerequisiteError: OpenVINO is not installed.
    """
    from chalicelib.detector import Detector
    from chalicelib.exceptions import ConfigurationError

    if runtime == "onnxruntime":
        return Detector.load(model, threads=threads)
    openvino = _openvino()
    # Loaded by onnxruntime, too: this checks the file, and reads what it says of itself.
    metadata = Detector.load(model, threads=1).metadata
    if metadata.config.get("int8"):
        # OpenVINO 2026.4 makes 134 of a score of 11: everything is anomalous.
        message = (
            f"{model} computes in eight bits, and OpenVINO gives it other scores than those that its "
            "threshold was set by: leave --runtime out."
        )
        raise ConfigurationError(message)
    return Detector(_OpenVinoSession(openvino, model.read_bytes(), threads), metadata)


class _OpenVinoSession:
    """An OpenVINO model that is asked as an onnxruntime session is."""

    def __init__(self, openvino: Any, model: bytes, threads: int | None) -> None:  # noqa: ANN401 - no types
        # Single precision as in Lambda: where it can, OpenVINO would compute in half of it.
        settings = {"INFERENCE_PRECISION_HINT": "f32", "PERFORMANCE_HINT": "LATENCY"}
        if threads:
            settings["INFERENCE_NUM_THREADS"] = str(threads)
        core = openvino.Core()
        self._model = core.compile_model(core.read_model(model, b""), "CPU", settings)

    def run(self, names: Sequence[str], feeds: Mapping[str, NDArray[Any]]) -> list[NDArray[Any]]:
        """The outputs of these names; each call has a request of its own, so that threads may share it."""
        results = self._model.create_infer_request().infer(dict(feeds))
        return [results[name].copy() for name in names]


def _openvino() -> Any:  # noqa: ANN401 - OpenVINO has no types here
    from spotcheck.exceptions import PrerequisiteError

    try:
        import openvino
    except ImportError as error:
        message = (
            "OpenVINO is not installed. Install it with: .venv/bin/uv pip install -r "
            "requirements/openvino.txt (or leave --runtime out: onnxruntime gives the same scores)."
        )
        raise PrerequisiteError(message) from error
    return openvino
