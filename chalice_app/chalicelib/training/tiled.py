"""Training on tiles: each tile is a picture to the method, and each picture the largest of its tiles.

The tiles of one picture are left out together, so that a normal picture's score is that of a picture which
the model has not seen; the threshold is then set on whole pictures, as it is without tiles.
"""

from __future__ import annotations

import hashlib
import io
import threading
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from PIL import Image

from chalicelib.exceptions import PictureRejectedError
from chalicelib.framing import STRETCH
from chalicelib.model_metadata import ModelMetadata, SkippedImage, TrainingImage
from chalicelib.picture_formats import exif_orientation
from chalicelib.pictures import read_picture
from chalicelib.tiling import Tile, Tiles
from chalicelib.training.backbones import load_backbone
from chalicelib.training.building import Learnt, build
from chalicelib.training.features import Features, extract_features
from chalicelib.training.folds import group_by_looks, group_by_name
from chalicelib.training.kinds import NO_KINDS
from chalicelib.training.labelled import Labelled
from chalicelib.training.likeness import thumbnail
from chalicelib.training.masks import Masks
from chalicelib.training.material import Material, check_enough, describe_groups
from chalicelib.training.method import choose_method
from chalicelib.training.scoring import scores
from chalicelib.training.squares import framed
from chalicelib.training.trainer import TrainedModel, calibrate, calibration, description
from chalicelib.training.unsupervised import Unsupervised, fit_unsupervised

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from chalicelib.framing import Framing
    from chalicelib.training.backbones import Backbone
    from chalicelib.training.config import NamedPicture, TrainingConfig

# Of all pictures together: 270 MB of features, and copies of them while the method is fitted.
_MOST_TILES = 4000
_TRIED = 120
_SKIPPED_LABELS = "Seen in tiles, labelled anomalies shape the probability only."
_TOO_MANY = "Of {count} normal pictures, {kept} were learnt from: all would be more than {most} tiles."


def train_tiled(
    pictures: Sequence[NamedPicture],
    config: TrainingConfig,
    progress: Callable[[int, int], None] | None,
    anomalies: Sequence[NamedPicture],
) -> TrainedModel:
    """Trains as `chalicelib.training.train` does, on pictures seen in tiles.

    Raises:
        TrainingError: Fewer than ten normal pictures can be read, or fit into what training may hold.
    """
    backbone = load_backbone(config, pictures)
    flat = replace(config, tile=0, resize=STRETCH, roi=None, mask="")
    normal = _Source(sorted(pictures, key=lambda picture: picture.name), config.framing)
    kept = normal.as_many_as_fit(_MOST_TILES)
    warnings = []
    if len(kept) < len(normal.tiled):
        warnings.append(_TOO_MANY.format(count=len(normal.tiled), kept=len(kept), most=_MOST_TILES))
    features, owners = normal.features(kept, backbone, flat, progress)
    check_enough(features._replace(skipped=tuple(normal.skipped)), len(normal.seen))
    groups = _groups(normal, config)[owners]
    few = _few_of_each(owners)
    method, why = choose_method(
        [normal.tile_picture(*normal.order[place]) for place in few],
        features._replace(described=features.described[few]),
        groups[few],
        backbone,
        flat,
    )
    unsupervised = fit_unsupervised(method, features.values, features.channels, flat.ridge, groups)
    normal_scores = _largest(scores(unsupervised.leave_one_out), owners)
    labelled, abnormal = _judge(anomalies, unsupervised, backbone, config, flat, normal_scores)
    images = (*normal.images(), *(abnormal.images() if abnormal else ()))
    skipped = (*normal.skipped, *(abnormal.skipped if abnormal else ()))
    seen = features._replace(images=images, skipped=tuple(skipped))
    pictures_seen = tuple(normal.pictures[place] for place in normal.seen)
    material = Material(pictures_seen, seen, Masks(np.zeros((0, 0), np.float32), (), ()))
    threshold, steepness = calibrate(normal_scores, labelled, config)
    warnings += [threshold.warning] if threshold.warning else []
    metadata = ModelMetadata(
        **description(config, material, backbone),
        method=method,
        **calibration(threshold, steepness, normal_scores, labelled, config),
        warnings=tuple(warnings),
        decisions={
            "method": why,
            "groups": describe_groups(_groups(normal, config), config),
            **({"labels": labelled.decision} if labelled else {}),
        },
    )
    model = build(backbone, flat, Learnt(unsupervised, None, NO_KINDS, metadata))
    return TrainedModel(model, metadata, metadata.normal_scores, metadata.anomaly_scores)


def _judge(
    anomalies: Sequence[NamedPicture],
    unsupervised: Unsupervised,
    backbone: Backbone,
    config: TrainingConfig,
    flat: TrainingConfig,
    normal_scores: NDArray[np.float64],
) -> tuple[Labelled | None, _Source | None]:
    """The scores of labelled anomalies, one by one: their features are not kept."""
    source = _Source(sorted(anomalies, key=lambda picture: picture.name), config.framing)
    found = []
    for place in source.tiled:
        features, owners = source.features([place], backbone, flat, None)
        if len(owners):
            found.append(float(scores(unsupervised.distances(features.values)).max()))
    if not found:
        return None, None
    decision = {"anomalies": len(found), "used": False, "reason": _SKIPPED_LABELS}
    return Labelled(None, normal_scores, np.array(found), np.zeros((0, 0)), decision), source


class _Decoded(NamedTuple):
    picture: int
    pixels: NDArray[np.uint8]
    tiles: Tiles


class _Source:
    """Pictures as tiles; the picture last asked for stays decoded.

    Attributes:
        pictures: What was given.
        tiled: Places of the pictures whose header can be read.
        seen: Places of those of which tiles were extracted, in order.
        skipped: The others, and why.
        order: Picture and tile of each row of features.
    """

    def __init__(self, pictures: Sequence[NamedPicture], framing: Framing) -> None:
        self.pictures = pictures
        self.skipped: list[SkippedImage] = []
        self.seen: list[int] = []
        self.order: list[tuple[int, Tile]] = []
        self._framing = framing
        self._lock = threading.Lock()
        self._decoded: _Decoded | None = None
        self._hashes: dict[int, str] = {}
        self.thumbnails: dict[int, NDArray[np.float32]] = {}
        self._tiles: dict[int, Tiles] = {}
        for place, picture in enumerate(pictures):
            try:
                self._tiles[place] = Tiles(framing, *_size(picture.read()))
            except PictureRejectedError as rejected:
                self.skipped.append(SkippedImage(picture.name, rejected.reason))
            except OSError as error:
                reason = f"The file cannot be read: {error.strerror or error}."
                self.skipped.append(SkippedImage(picture.name, reason))

    @property
    def tiled(self) -> list[int]:
        return list(self._tiles)

    def as_many_as_fit(self, most: int) -> list[int]:
        """Places of pictures, evenly spread, that have so many tiles at most."""
        total = sum(len(tiles.places) for tiles in self._tiles.values())
        count = min(len(self._tiles), int(len(self._tiles) * most / max(1, total)))
        places = self.tiled
        return [places[index * len(places) // count] for index in range(count)]

    def features(
        self,
        places: Sequence[int],
        backbone: Backbone,
        flat: TrainingConfig,
        progress: Callable[[int, int], None] | None,
    ) -> tuple[Features, NDArray[np.intp]]:
        """Features of all tiles of some pictures, and which of `seen` each row is of."""
        order = [(place, tile) for place in places for tile in self._tiles[place].places]
        features = extract_features([self.tile_picture(*one) for one in order], backbone, flat, progress)
        found = [order[place] for place in features.places]
        reasons = {image.name: image.reason for image in features.skipped}
        self.skipped += [SkippedImage(name, reason) for name, reason in reasons.items()]
        new = sorted({place for place, _ in found})
        start = len(self.seen)
        self.seen += new
        self.order += found
        owners = np.array([start + new.index(place) for place, _ in found], np.intp)
        return features, owners

    def tile_picture(self, place: int, tile: Tile) -> NamedPicture:
        """A tile as a picture of the model's size; it bears the name of its picture."""
        return framed(self.pictures[place].name, partial(self._read, place, tile))

    def images(self) -> tuple[TrainingImage, ...]:
        """The pictures seen, as the metadata lists them."""
        return tuple(TrainingImage(self.pictures[place].name, self._hashes[place]) for place in self.seen)

    def _read(self, place: int, tile: Tile) -> NDArray[np.uint8]:
        with self._lock:
            if self._decoded is None or self._decoded.picture != place:
                self._decoded = None  # room for the next
                self._decoded = self._decode(place)
            decoded = self._decoded
        ((_, square),) = decoded.tiles.squares(decoded.pixels, [tile])
        return square

    def _decode(self, place: int) -> _Decoded:
        data = self.pictures[place].read()
        picture = read_picture(data)
        self._hashes[place] = hashlib.sha256(data).hexdigest()
        if place not in self.thumbnails:
            self.thumbnails[place] = thumbnail(replace(self._framing, tile=0).square(picture.pixels))
        return _Decoded(place, picture.pixels, Tiles(self._framing, picture.width, picture.height))


def _size(data: bytes) -> tuple[int, int]:
    """Width and height of the upright picture, from its header."""
    try:
        with Image.open(io.BytesIO(data), formats=["PNG", "JPEG"]) as image:
            width, height = image.size
            return (height, width) if exif_orientation(image) >= 5 else (width, height)
    except MemoryError:
        raise
    except Exception:  # noqa: BLE001 - Pillow raises a dozen kinds: the decoder says what is wrong
        picture = read_picture(data)
        return picture.width, picture.height


def _groups(source: _Source, config: TrainingConfig) -> NDArray[np.intp]:
    """`(pictures,)`, the same number for pictures of one part."""
    if config.group is None:
        return group_by_looks([source.thumbnails[place] for place in source.seen])
    return group_by_name([source.pictures[place].name for place in source.seen], config.group)


def _few_of_each(owners: NDArray[np.intp]) -> NDArray[np.intp]:
    """Rows of some tiles of each picture, for the trial of methods."""
    pictures = int(owners.max()) + 1
    share = max(1, -(-_TRIED // pictures))
    generator = np.random.default_rng(0)
    chosen = [generator.permutation(np.flatnonzero(owners == picture))[:share] for picture in range(pictures)]
    return np.sort(np.concatenate(chosen))


def _largest(tile_scores: NDArray[np.float64], owners: NDArray[np.intp]) -> NDArray[np.float64]:
    result = np.zeros(int(owners.max()) + 1)
    np.maximum.at(result, owners, tile_scores)
    return result
