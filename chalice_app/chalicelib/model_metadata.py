"""What a model file says of itself: JSON in the ONNX metadata, under one key.

Only onnxruntime is needed to read it (`session.get_modelmeta().custom_metadata_map`); writing it is
`chalicelib.training.graph`'s.
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import asdict, dataclass, field, fields
from typing import TYPE_CHECKING, Any

from chalicelib.anomalies import UNNAMED, Kind
from chalicelib.exceptions import ModelInvalidError
from chalicelib.framing import Framing, Roi, check_framing

if TYPE_CHECKING:
    from collections.abc import Mapping

METADATA_KEY = "spotcheck"
FORMAT_VERSION = 1
TILED_FORMAT_VERSION = 2
"""Of models that see pictures in tiles: whoever does not know of tiles must not judge with them."""
# Lookout for Vision's.
MAX_KINDS = 100
_NAME = re.compile(r"[a-zA-Z0-9]{1,256}")
_COLOR = re.compile(r"#[0-9A-F]{6}")


@dataclass(frozen=True, slots=True)
class TrainingImage:
    """One picture that the model was trained on: its name, and the SHA-256 of its file in hex."""

    name: str
    sha256: str


@dataclass(frozen=True, slots=True)
class SkippedImage:
    """One picture that training could not read, and why."""

    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class ModelMetadata:
    """Everything about a model but its weights.

    Attributes:
        project: The project that the model judges for.
        threshold: A picture is anomalous when its score is above it. Patches of the heat map are compared
            with it too.
        normal_median: Median leave-one-out score of the normal pictures.
        false_alarm_rate: The share of normal pictures that the threshold was chosen to let through as alarms.
        threshold_method: `conformal`, `log-normal`, `cost`, or `set by hand`.
        normals: How many normal pictures the model was trained on.
        input_size: Side in pixels of the square that the graph takes. Large JPEGs are decoded no smaller.
        grid: The heat map has `grid` × `grid` patches.
        resize: How a picture becomes the square: `stretch-bilinear` or `letterbox-bilinear`.
        roi: What of the picture the model sees: left, top, width, height in fractions; None is all of it.
        tile: Side in pixels of the tiles in which the picture is seen; 0 where it is seen whole.
        mask: What of it counts, as `chalicelib.framing.mask_text` gives it; empty where all does.
        method: The detection method: `padim` or `patchcore`, with `+labels` where anomalies were learnt from,
            `+synthetic` where synthetic ones were.
        backbone: Name of the feature extractor.
        backbone_sha256: SHA-256 of the file that its weights came from, in hex.
        config: The training configuration, whole.
        training_images: Every normal picture trained on, in the order of their names.
        skipped: Pictures that could not be read.
        metrics: What was measured after training; empty when nothing was.
        libraries: Version of each library that shaped the numbers.
        warnings: What whoever uses the model should know.
        anomaly_images: Every labelled anomaly that training saw, in the order of their names.
        steepness: Of the probability's curve, where labelled anomalies told it; None where the normal median
            has to.
        normal_scores: Score of each normal training picture by a model that has not seen it, in the order of
            `training_images`: from these a threshold can be moved without training anew.
        anomaly_scores: The same of the labelled anomalies, in the order of `anomaly_images`.
        decisions: What training chose among, and why: method, groups, labels, kinds.
        kinds: The kinds of anomaly that the model names; one that is called `anomaly` where it names none. If
            there are several, the graph has an output `kinds` that tells them apart.
        with_masks: Whether some of the labelled anomalies had masks: Lookout for Vision called that
            segmentation, and answered where the anomalies are.
        format_version: Version of this description.
    """  # noqa: RUF002 - the sign that people know

    project: str
    threshold: float
    normal_median: float
    false_alarm_rate: float
    threshold_method: str
    normals: int
    input_size: int
    grid: int
    resize: str
    method: str
    backbone: str
    backbone_sha256: str
    roi: Roi | None = None
    mask: str = ""
    tile: int = 0
    config: Mapping[str, Any] = field(default_factory=dict)
    training_images: tuple[TrainingImage, ...] = ()
    skipped: tuple[SkippedImage, ...] = ()
    metrics: Mapping[str, Any] = field(default_factory=dict)
    libraries: Mapping[str, str] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    anomaly_images: tuple[TrainingImage, ...] = ()
    steepness: float | None = None
    normal_scores: tuple[float, ...] = ()
    anomaly_scores: tuple[float, ...] = ()
    decisions: Mapping[str, Any] = field(default_factory=dict)
    kinds: tuple[Kind, ...] = (UNNAMED,)
    with_masks: bool = False
    format_version: int = FORMAT_VERSION

    @property
    def judged_by_labels(self) -> bool:
        """Whether anomalies shaped the score: then the model has seen them."""
        return self.method.endswith("+labels")

    @property
    def framing(self) -> Framing:
        """How a picture becomes the square that the graph takes."""
        return Framing(self.input_size, self.resize, self.roi, self.mask, self.tile)

    def to_json(self) -> str:
        """The same metadata gives the same text."""
        return json.dumps(asdict(self), sort_keys=True, ensure_ascii=False, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> ModelMetadata:
        """Reads what `to_json` wrote.

        Raises:
            ModelInvalidError: The text is damaged, or from a later Spotcheck than this one.
        """
        try:
            values = json.loads(text)
            version = values["format_version"]
            if version not in {FORMAT_VERSION, TILED_FORMAT_VERSION}:
                message = (
                    f"The model has format {version}; this Spotcheck reads formats {FORMAT_VERSION} and "
                    f"{TILED_FORMAT_VERSION}."
                )
                raise ModelInvalidError(message)
            for name in ("training_images", "anomaly_images"):
                values[name] = tuple(TrainingImage(**image) for image in values.get(name, ()))
            values["skipped"] = tuple(SkippedImage(**image) for image in values["skipped"])
            for name in ("warnings", "normal_scores", "anomaly_scores"):
                values[name] = tuple(values.get(name, ()))
            if "kinds" in values:
                values["kinds"] = tuple(Kind(**kind) for kind in values["kinds"])
            values["roi"] = tuple(values["roi"]) if values.get("roi") else None
            known = {item.name for item in fields(cls)}
            metadata = cls(**{name: value for name, value in values.items() if name in known})
            _check(metadata)
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            message = f"The model's metadata is damaged ({error}); train or download the model again."
            raise ModelInvalidError(message) from error
        return metadata


# Lookout for Vision took 4,096 pixels at most; what is larger is damage, or a trap for memory.
_LARGEST = {"input_size": 4096, "grid": 1024}
_LARGEST_TILE = 65_535


def _check(metadata: ModelMetadata) -> None:
    """Raises ValueError for numbers that nothing can be judged with."""
    for name in ("threshold", "normal_median"):
        value = getattr(metadata, name)
        if not (isinstance(value, int | float) and 0 < value < math.inf):
            message = f"{name} is {value!r}"
            raise ValueError(message)
    steepness = metadata.steepness
    if steepness is not None and not (isinstance(steepness, int | float) and 0 < steepness < math.inf):
        message = f"steepness is {steepness!r}"
        raise ValueError(message)
    for name, most in _LARGEST.items():
        value = getattr(metadata, name)
        if not (isinstance(value, int) and 0 < value <= most):
            message = f"{name} is {value!r}"
            raise ValueError(message)
    if not (isinstance(metadata.tile, int) and 0 <= metadata.tile <= _LARGEST_TILE):
        message = f"tile is {metadata.tile!r}"
        raise ValueError(message)
    _check_kinds(metadata.kinds)
    check_framing(metadata.framing)


def _check_kinds(kinds: tuple[Kind, ...]) -> None:
    """Raises ValueError for kinds that the API or a mask could not tell."""
    if not 1 <= len(kinds) <= MAX_KINDS:
        message = f"there are {len(kinds)} kinds of anomaly"
        raise ValueError(message)
    for kind in kinds:
        if not (_NAME.fullmatch(kind.name) and _COLOR.fullmatch(kind.color)):
            message = f"a kind of anomaly is {kind.name!r}, {kind.color!r}"
            raise ValueError(message)
