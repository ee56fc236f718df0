"""Judges pictures with a trained model: one ONNX graph, run by onnxruntime."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from chalicelib import onnx_file
from chalicelib.anomalies import FoundKind, Kind, Region
from chalicelib.calibration import probability
from chalicelib.exceptions import ModelInvalidError
from chalicelib.model_metadata import METADATA_KEY, ModelMetadata
from chalicelib.regions import Found, find_regions
from chalicelib.tiling import Tiles

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from chalicelib.pictures import Picture

__all__ = ["Detection", "Detector", "Region", "new_session"]


@dataclass(frozen=True, slots=True)
class Detection:
    """A verdict, how sure it is, and where the anomaly is.

    Attributes:
        score: Anomaly score: the mean of the largest 1 % of the patch distances, or what the heads that
            learnt from labelled anomalies make of the picture.
        threshold: The model's threshold.
        probability: That the picture is anomalous, 0 to 1: monotone in the score, 0.5 at the threshold.
        is_anomalous: Whether the score is above the threshold.
        confidence: In `is_anomalous`, 0.5 to 1.
        heat_map: Patch distances over the picture, on the threshold's scale: `(grid, grid)`; finer where the
            model sees the picture letterboxed or a part of it, and 0 where it sees nothing.
        regions: Where the anomalies are, the most severe first; empty exactly when nothing is anomalous.
        area: Fraction of the picture that is anomalous.
        kinds: Which kinds of anomaly are in it, in the model's order; empty likewise.
        kind_map: What of the heat map is which kind, `(rows, columns)`: 0 for the background, else 1 for the
            first of `model_kinds` and so on.
        model_kinds: Those that the model could have named.
    """

    score: float
    threshold: float
    probability: float
    is_anomalous: bool
    confidence: float
    heat_map: NDArray[np.float32]
    regions: tuple[Region, ...]
    area: float
    kinds: tuple[FoundKind, ...]
    kind_map: NDArray[np.uint8]
    model_kinds: tuple[Kind, ...]


class Inference(NamedTuple):
    """What the graph gives.

    Attributes:
        score: Anomaly score.
        heat_map: `(grid, grid)`.
        evidence: `(kinds, grid, grid)`, how much each patch looks like each kind; None where the model has
            nothing to tell apart.
    """

    score: float
    heat_map: NDArray[np.float32]
    evidence: NDArray[np.float32] | None


class Detector:
    """A loaded model. One instance may judge from several threads.

    Attributes:
        metadata: What the model says of itself.
    """

    def __init__(self, session: Any, metadata: ModelMetadata) -> None:  # noqa: ANN401 - onnxruntime has no types
        self.metadata = metadata
        self._session = session
        self._framing = metadata.framing

    @classmethod
    def load(cls, model: bytes | Path, *, threads: int | None = None) -> Detector:
        """Loads a model that `chalicelib.training` made.

        Args:
            model: The ONNX file or its content.
            threads: How many threads one inference uses; None takes every CPU that the process may use.

        Raises:
            ModelInvalidError: The file cannot be read, is damaged, or is no model of Spotcheck's.
        """
        try:
            return cls._load(_content(model), threads)
        except ModelInvalidError as error:
            if isinstance(model, bytes):
                raise
            message = f"{model}: {error}"
            raise ModelInvalidError(message) from error

    @classmethod
    def _load(cls, model: bytes, threads: int | None) -> Detector:
        session = new_session(model, threads)
        text = session.get_modelmeta().custom_metadata_map.get(METADATA_KEY)
        if text is None:
            message = "The file is an ONNX model, but none that Spotcheck trained: it has no metadata."
            raise ModelInvalidError(message)
        metadata = ModelMetadata.from_json(text)
        size = metadata.input_size
        wanted = {"score", "heat_map"} | ({"kinds"} if len(metadata.kinds) > 1 else set())
        has_outputs = wanted <= {value.name for value in session.get_outputs()}
        if not has_outputs or [list(value.shape) for value in session.get_inputs()] != [[1, size, size, 3]]:
            message = "The model's graph does not fit its metadata; train or download the model again."
            raise ModelInvalidError(message)
        return cls(session, metadata)

    @property
    def min_decoded_side(self) -> int | None:
        """A JPEG may be decoded at a scale that keeps both sides at this many pixels; None: whole."""
        return self._framing.min_decoded_side

    def detect(self, picture: Picture) -> Detection:
        """Judges one picture.

        Raises:
            ModelInvalidError: The model gives no finite score, so its weights must be damaged.
            PictureRejectedError: It would be seen in too many tiles.
        """
        score, heat_map, evidence = self._look(picture)
        threshold = self.metadata.threshold
        anomalous = probability(score, threshold, self.metadata.normal_median, self.metadata.steepness)
        found = Found((), np.zeros(heat_map.shape, np.uint8))
        if score > threshold:
            names = [kind.name for kind in self.metadata.kinds]
            found = find_regions(heat_map, threshold, names, evidence)
        return Detection(
            score=score,
            threshold=threshold,
            probability=anomalous,
            is_anomalous=score > threshold,
            confidence=max(anomalous, 1 - anomalous),
            heat_map=heat_map,
            regions=found.regions,
            area=float((found.kinds > 0).mean()),
            kinds=_areas(found.kinds, self.metadata.kinds),
            kind_map=found.kinds,
            model_kinds=self.metadata.kinds,
        )

    def model_inputs(self, picture: Picture) -> Iterator[NDArray[np.uint8]]:
        """What the graph takes of a picture: a square `(size, size, 3)`, or one for each tile."""
        if not self._framing.tile:
            yield self._framing.square(picture.pixels)
            return
        tiles = Tiles(self._framing, picture.width, picture.height)
        yield from (square for _, square in tiles.squares(picture.pixels))

    def _look(self, picture: Picture) -> Inference:
        """What the model says of the picture, maps being those of the whole picture."""
        framing, width, height = self._framing, picture.width, picture.height
        if not framing.tile:
            score, patches, evidence = self.infer(framing.square(picture.pixels))
            if evidence is not None:
                evidence = np.stack([framing.in_picture(one, width, height) for one in evidence])
            return Inference(score, framing.in_picture(patches, width, height), evidence)
        tiles = Tiles(framing, width, height)
        seen = [(tile, self.infer(square)) for tile, square in tiles.squares(picture.pixels)]
        heat_map = tiles.heat_map([(tile, one.heat_map) for tile, one in seen])
        return Inference(max(one.score for _, one in seen), heat_map, None)

    def infer(self, image: NDArray[np.uint8]) -> Inference:
        """Score, heat map and evidence of a square from `model_inputs`.

        Raises:
            ModelInvalidError: The model gives no finite score, so its weights must be damaged.
            PictureRejectedError: It would be seen in too many tiles.
        """
        outputs = ("score", "heat_map", "kinds") if len(self.metadata.kinds) > 1 else ("score", "heat_map")
        score, heat_map, *evidence = self._session.run(outputs, {"image": image[None]})
        if not np.isfinite(heat_map).all():
            message = "The model gives no finite score: its weights are damaged."
            raise ModelInvalidError(message)
        return Inference(float(score), heat_map, evidence[0] if evidence else None)


def _areas(kind_map: NDArray[np.uint8], kinds: Sequence[Kind]) -> tuple[FoundKind, ...]:
    """The kinds that a map shows, each with the fraction that it covers."""
    counts = np.bincount(kind_map.ravel(), minlength=len(kinds) + 1)[1:]
    return tuple(
        FoundKind(kind.name, int(count) / kind_map.size, kind.color)
        for kind, count in zip(kinds, counts, strict=True)
        if count
    )


def new_session(model: bytes, threads: int | None = None) -> Any:  # noqa: ANN401 - onnxruntime has no types
    """An onnxruntime session on the CPU.

    Args:
        model: Content of an ONNX file.
        threads: Threads within one operator; None takes every CPU that the process may use.

    Raises:
        ModelInvalidError: The model is not allowed (see `onnx_file`), or onnxruntime cannot load it.
    """
    onnx_file.check(model)
    import onnxruntime  # noqa: PLC0415 - a heavy load: packaging and the command's help do without it

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads or _usable_cpus()
    options.inter_op_num_threads = 1
    # Between two operators a thread waits busily for 20 µs before it sleeps: 4 % off the latency for no CPU
    # time. Longer waits gain 3 % more where CPUs are idle, and lose a fifth where they are not.
    options.add_session_config_entry("session.intra_op.allow_spinning", "1")
    options.add_session_config_entry("session.intra_op.spin_duration_us", "20")
    options.log_severity_level = 3
    try:
        session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    except Exception as error:
        # onnxruntime's exceptions share no base class but Exception.
        message = (
            f"The file is no ONNX model that onnxruntime can load ({error}): copy it again, or train it anew."
        )
        raise ModelInvalidError(message) from error
    # The file's content, which it would keep for as long as it lives in case that providers are changed.
    session._model_bytes = None
    return session


def _content(model: bytes | Path) -> bytes:
    if isinstance(model, bytes):
        return model
    try:
        return model.read_bytes()
    except OSError as error:
        message = f"The model cannot be read: {error.strerror or error}."
        raise ModelInvalidError(message) from error


def _usable_cpus() -> int:
    if sys.platform == "linux":
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
