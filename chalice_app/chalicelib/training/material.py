"""What training works with: the pictures that can be read, copies of them, and which show one part."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from chalicelib.exceptions import ConfigurationError, TrainingError
from chalicelib.training.config import MIN_NORMALS
from chalicelib.training.features import extract_features
from chalicelib.training.folds import group_by_looks, group_by_name
from chalicelib.training.labelled import MIN_ANOMALIES
from chalicelib.training.masks import read_masks
from chalicelib.training.padim import ALL_THE_SAME
from chalicelib.training.squares import Squares

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from chalicelib.model_metadata import TrainingImage
    from chalicelib.training.backbones import Backbone
    from chalicelib.training.config import NamedPicture, TrainingConfig
    from chalicelib.training.features import Features
    from chalicelib.training.masks import Masks


class Material(NamedTuple):
    """What was read.

    Attributes:
        pictures: The normal pictures that could be read.
        features: Theirs, then those of their copies, then those of the anomalies.
        masks: Of the anomalies.
        origins: `(copies,)`, which normal picture each copy was made of.
    """

    pictures: tuple[NamedPicture, ...]
    features: Features
    masks: Masks
    origins: tuple[int, ...] = ()

    @property
    def normals(self) -> int:
        """How many of the rows of features are normal, copies included."""
        return len(self.pictures) + len(self.origins)

    @property
    def training_images(self) -> tuple[TrainingImage, ...]:
        """The normal pictures, each once."""
        return self.features.images[: len(self.pictures)]

    @property
    def anomaly_images(self) -> tuple[TrainingImage, ...]:
        """The anomalies."""
        return self.features.images[self.normals :]

    def groups(self, config: TrainingConfig) -> NDArray[np.intp]:
        """`(rows,)`, the same number for pictures of one part; a copy shows the part of its original."""
        of_given = self.groups_of_given(config)
        given = np.arange(len(of_given))
        return of_given[np.insert(given, len(self.pictures), self.origins)]

    def groups_of_given(self, config: TrainingConfig) -> NDArray[np.intp]:
        """The same of the pictures that were given: without the copies."""
        if config.group is not None:
            names = [image.name for image in (*self.training_images, *self.anomaly_images)]
            groups = group_by_name(names, config.group)
            if not groups[: len(self.pictures)].any():  # all are of the first group
                message = (
                    f"The expression for groups, {config.group!r}, finds the same in the names of all normal "
                    f"pictures, such as {names[0]!r}: all would show one part. Folders belong to the name."
                )
                raise ConfigurationError(message)
            return groups
        thumbnails = self.features.thumbnails
        return group_by_looks([*thumbnails[: len(self.pictures)], *thumbnails[self.normals :]])

    def of_normals(self) -> Material:
        """What would have been read without anomalies: labels must not sway what is decided without them.

        The copies, which would make parts that lie still look as if they moved, are left out, too.
        """
        given = len(self.pictures)
        images, thumbnails = self.features.images[:given], self.features.thumbnails[:given]
        features = self.features._replace(images=images, thumbnails=thumbnails)
        return self._replace(features=features, origins=())


def read_material(
    pictures: Sequence[NamedPicture],
    anomalies: Sequence[NamedPicture],
    weights: Backbone,
    config: TrainingConfig,
    progress: Callable[[int, int], None] | None,
) -> Material:
    """Reads everything, and extracts its features.

    Args:
        pictures: Normal ones; those that cannot be read are skipped, and so are their copies.
        anomalies: Labelled ones, likewise.
        weights: The network's weights.
        config: The configuration; it says whether there are copies.
        progress: Called with how many pictures are done, of how many.

    Raises:
        TrainingError: Fewer than ten normal pictures can be read, or all are the same.
    """
    in_order = sorted(pictures, key=lambda picture: picture.name)
    anomalies = sorted(anomalies, key=lambda picture: picture.name)
    copies = Squares(in_order, config.framing, config.copies).copies()
    with_context = len(anomalies) >= MIN_ANOMALIES
    features = extract_features(
        [*in_order, *copies, *anomalies], weights, config, progress, with_context=with_context
    )
    given, start = len(in_order), len(in_order) + len(copies)
    read = [place for place in features.places if place < given]
    origins = [place % given for place in features.places if given <= place < start]
    # Of what was skipped, the copies are not to be told: their originals were skipped, too.
    skipped = list(features.skipped)
    del skipped[given - len(read) : start - len(read) - len(origins)]
    material = Material(
        tuple(in_order[place] for place in read),
        features._replace(skipped=tuple(skipped)),
        read_masks(
            [anomalies[place - start] for place in features.places if place >= start],
            config.grid,
            config.framing,
        ),
        tuple(read.index(place) for place in origins),
    )
    check_enough(material.features, len(read))
    if len({image.sha256 for image in material.training_images}) == 1:  # its copies would hide it
        raise TrainingError(ALL_THE_SAME)
    return material


def describe_groups(groups: NDArray[np.intp], config: TrainingConfig) -> dict[str, Any]:
    """What the metadata says of pictures of one part."""
    return {
        "pictures": len(groups),
        "parts": len(np.unique(groups)),
        "told_by": "looks" if config.group is None else f"names ({config.group})",
    }


def check_enough(features: Features, normals: int) -> None:
    """Raises TrainingError where fewer than ten normal pictures could be read."""
    if normals >= MIN_NORMALS:
        return
    message = (
        f"Training needs at least {MIN_NORMALS} normal pictures, better 60 or more; {normals} could be read."
    )
    if features.skipped:
        examples = "; ".join(f"{image.name}: {image.reason}" for image in features.skipped[:3])
        message += f" {len(features.skipped)} were skipped ({examples})."
    raise TrainingError(message)
