"""Folders of pictures: which are normal, which anomalous, which split they are in, and what was left out.

Understood are the MVTec AD layout and folders named after their label, as people and Kaggle arrange them.
"""

from __future__ import annotations

import glob
import re
from pathlib import Path
from typing import TYPE_CHECKING

from chalicelib.anomalies import kinds_of_folder
from chalicelib.measuring.pictures import Dataset, LabelledPicture, Skipped
from chalicelib.picture_formats import JPEG, PNG, foreign_format
from spotcheck.exceptions import DatasetError

if TYPE_CHECKING:
    from collections.abc import Iterator

_NORMAL = {"normal", "good", "ok", "whole", "undamaged", "intact"}
_ANOMALOUS = {
    *("anomaly", "anomalies", "anomalous", "abnormal", "bad", "ng"),
    *("defect", "defects", "defective", "damage", "damaged", "broken", "faulty"),
}
_TRAIN = {"train", "training"}
_TEST = {"test", "testing", "validation", "valid", "val"}
_MASKS = {"ground_truth", "groundtruth", "ground-truth"}
_BESIDE = "-mask.png"
_NUMBER = re.compile(r"^\d+[\s._-]+")

ACCEPTED_LAYOUTS = """\
Accepted layouts (names in any case, a number such as 01- may stand before them):
  MVTec AD          DIR/train/good, DIR/test/good, DIR/test/<defect>,
                    DIR/ground_truth/<defect>/<name>_mask.png
                    (or, in any layout, <name>-mask.png beside the picture)
  labelled folders  DIR/normal and, optionally, DIR/anomaly (also good/bad, whole/damage)
  with splits       the same below DIR/training or DIR/train, and DIR/validation or DIR/test
  manifest          a Lookout for Vision manifest with its pictures below its folder"""


def read_dataset(folder: Path) -> Dataset:
    """Understands a folder of pictures; a single folder around it (as archives have) does not matter.

    Only the first bytes of each file are read: whether a picture can be decoded shows later.

    Args:
        folder: As the user named it; a file is taken for a Lookout for Vision manifest.

    Raises:
        DatasetError: The folder is missing, or has no layout that is understood, or more than one.
        ManifestError: The manifest has problems.
    """
    if folder.is_file():
        from spotcheck.manifest_dataset import read_manifest_dataset

        return read_manifest_dataset(folder)
    if not folder.is_dir():
        message = f"There is no folder {folder}."
        raise DatasetError(message)
    root = _find_root(folder)
    reader = _Reader(root)
    splits = [(child, _split(child)) for child in _folders(root)]
    train: list[LabelledPicture] = []
    test: list[LabelledPicture] = []
    if any(split for _, split in splits):
        for child, split in splits:
            if split == "train":
                train += reader.read_split(child)
            elif split == "test":
                test += reader.read_split(child, any_folder_is_anomalous=True)
            elif not _is_masks(child):
                reader.skip_folder(child)
    else:
        train += reader.read_split(root)
    if not train and not test:
        message = f"There is no JPEG or PNG picture in the labelled folders of {root}.\n{ACCEPTED_LAYOUTS}"
        raise DatasetError(message)
    return Dataset(root, tuple(train), tuple(test), tuple(reader.skipped), _colors(root))


def _colors(root: Path) -> dict[str, str]:
    """Colours of the kinds of anomaly, where `spotcheck import-lookout` left the manifests that have them."""
    from chalicelib.lookout.manifest import colors_of, parse_lines

    colors: dict[str, str] = {}
    for path in sorted(path for path in root.glob("*.manifest") if path.is_file()):
        colors = colors_of(parse_lines(path.read_bytes(), allow_paths=True).manifest.entries) | colors
    return colors


def _find_root(folder: Path) -> Path:
    """The folder itself, or the only one below it (two levels at most) whose folders have names we know."""
    level = [folder]
    for _ in range(3):
        found = [candidate for candidate in level if _is_root(candidate)]
        if len(found) == 1:
            return found[0]
        if found:
            names = ", ".join(str(path.relative_to(folder)) for path in found)
            message = f"{folder} holds several sets of pictures ({names}): name one of them."
            raise DatasetError(message)
        level = [child for candidate in level for child in _folders(candidate)]
    message = f"No folder in {folder} has a name that tells normal from anomalous.\n{ACCEPTED_LAYOUTS}"
    raise DatasetError(message)


def _is_root(folder: Path) -> bool:
    children = list(_folders(folder))
    splits = [child for child in children if _split(child)]
    return any(_label(child) is not None for parent in splits or [folder] for child in _folders(parent))


class _Reader:
    """Collects labelled pictures, and what has to be skipped."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._masks = next((child for child in _folders(root) if _is_masks(child)), None)
        self.skipped: list[Skipped] = []

    def read_split(self, split: Path, *, any_folder_is_anomalous: bool = False) -> Iterator[LabelledPicture]:
        """The pictures of one split; in a test split every folder that is not normal is a kind of anomaly."""
        for folder in _folders(split):
            is_anomalous = _label(folder)
            if is_anomalous is None and (any_folder_is_anomalous or self._has_masks_of(folder)):
                is_anomalous = True
            if is_anomalous is None:
                self.skip_folder(folder)
            else:
                yield from self._read_class(folder, is_anomalous=is_anomalous)
        reason = "The picture is in no labelled folder."
        self.skipped += [Skipped(self._name(file), reason) for file in _pictures(split)]

    def skip_folder(self, folder: Path) -> None:
        """Notes a folder whose name says nothing that is understood."""
        reason = "The folder's name tells neither normal nor anomalous."
        self.skipped.append(Skipped(self._name(folder) + "/", reason))

    def _read_class(self, folder: Path, *, is_anomalous: bool) -> Iterator[LabelledPicture]:
        for path in sorted(folder.rglob("*")):
            if not path.is_file() or _is_hidden(path.relative_to(folder)) or _is_mask_beside(path):
                continue
            reason = reason_to_skip(path)
            if reason:
                self.skipped.append(Skipped(self._name(path), reason))
            else:
                mask = self._mask_of(path, folder.name) if is_anomalous else None
                kinds = kinds_of_folder(folder.name) if is_anomalous else ()
                yield LabelledPicture(path, self._name(path), is_anomalous, mask, kinds)

    def _has_masks_of(self, folder: Path) -> bool:
        """Whether it is a kind of anomaly in a training split: imported datasets have those."""
        return self._masks is not None and (self._masks / folder.name).is_dir()

    def _mask_of(self, path: Path, defect: str) -> Path | None:
        candidates = [path.with_name(path.stem + _BESIDE)]
        if self._masks is not None:
            candidates += [self._masks / defect / f"{path.stem}{ending}" for ending in ("_mask.png", ".png")]
        return next((candidate for candidate in candidates if candidate.is_file()), None)

    def _name(self, path: Path) -> str:
        # A name need not be text; models and reports, which list it, have to be.
        return path.relative_to(self._root).as_posix().encode("utf-8", "backslashreplace").decode()


def reason_to_skip(path: Path) -> str | None:
    """Why a file is no JPEG or PNG picture, by its first bytes; None if it is one."""
    try:
        with path.open("rb") as file:
            start = file.read(1024)
    except OSError as error:
        return f"The file cannot be read: {error.strerror or error}."
    if start.startswith((JPEG.magic, PNG.magic)):
        return None
    if not start:
        return "The file is empty."
    return f"The file is {foreign_format(start) or 'no picture'}, not a JPEG or PNG picture."


def _is_mask_beside(path: Path) -> bool:
    """Whether it is the mask of the picture beside it, and no picture of its own."""
    if not path.name.endswith(_BESIDE):
        return False
    stem = path.name.removesuffix(_BESIDE)
    return any(other.stem == stem for other in path.parent.glob(f"{glob.escape(stem)}.*"))


def _folders(folder: Path) -> Iterator[Path]:
    return (
        child for child in sorted(folder.iterdir()) if child.is_dir() and not _is_hidden(Path(child.name))
    )


def _pictures(folder: Path) -> Iterator[Path]:
    files = (child for child in sorted(folder.iterdir()) if child.is_file())
    return (file for file in files if not _is_hidden(Path(file.name)) and reason_to_skip(file) is None)


def _is_hidden(path: Path) -> bool:
    """Whether it is a file manager's (`.DS_Store`, `__MACOSX`, `Thumbs.db`) and not the user's."""
    return any(
        part.startswith(".") or part.lower() in ("__macosx", "thumbs.db", "desktop.ini")
        for part in path.parts
    )


def is_normal_name(name: str) -> bool:
    """Whether a folder of that name holds normal pictures."""
    return _label(Path(name)) is False


def _plain_name(folder: Path) -> str:
    return _NUMBER.sub("", folder.name.lower())


def _label(folder: Path) -> bool | None:
    """True for an anomalous folder, False for a normal one, None where the name tells nothing."""
    name = _plain_name(folder)
    return True if name in _ANOMALOUS else False if name in _NORMAL else None


def _split(folder: Path) -> str | None:
    name = _plain_name(folder)
    return "train" if name in _TRAIN else "test" if name in _TEST else None


def _is_masks(folder: Path) -> bool:
    return folder.name.lower() in _MASKS
