"""A single manifest as a dataset, its pictures where they lie: `spotcheck train --data train.manifest`."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from chalicelib.exceptions import ManifestError, MaskInvalidError
from chalicelib.lookout.manifest import Problem, colors_of, parse_lines
from chalicelib.measuring.pictures import Dataset, LabelledPicture, Skipped
from chalicelib.training.masks import named_mask
from spotcheck.datasets import reason_to_skip
from spotcheck.exports import LocalExport, top_of_manifest
from spotcheck.locating import locate_entries
from spotcheck.mask_import import import_mask

if TYPE_CHECKING:
    from chalicelib.lookout.entries import Entry
    from spotcheck.locating import Located


def read_manifest_dataset(manifest: Path) -> Dataset:
    """Reads a manifest whose pictures and masks lie below its folder, or below the one around `datasets/`.

    A mask that is not there is told, and its picture taken without; one that is there has to fit its line, as
    for `spotcheck import-lookout`.

    Raises:
        ManifestError: Some lines are wrong, their pictures are not there, or masks do not fit them.
        InputError: The file cannot be read.
    """
    export = LocalExport(Path(top_of_manifest(PurePosixPath(manifest))))
    content = LocalExport(manifest.parent).read(manifest.name)
    parsed = parse_lines(content, manifest.name, allow_paths=True)
    reader = _Reader(export, manifest.name)
    reader.problems += parsed.problems
    entries = parsed.manifest.entries
    for entry, located in zip(entries, locate_entries(export, export.names(), entries), strict=True):
        reader.read(entry, located)
    if reader.problems:
        raise ManifestError(reader.problems)
    pictures, skipped = tuple(reader.pictures), tuple(reader.skipped)
    return Dataset(export.path(""), pictures, (), skipped, colors_of(entries))


class _Reader:
    """Takes lines one by one; the masks, as training reads them, live as long as the process."""

    def __init__(self, export: LocalExport, manifest: str) -> None:
        self._export = export
        self._manifest = manifest
        self._masks: Path | None = None
        self.pictures: list[LabelledPicture] = []
        self.skipped: list[Skipped] = []
        self.problems: list[Problem] = []

    def read(self, entry: Entry, located: Located) -> None:
        """Takes a line's picture, with its mask if it has one."""
        if located.picture is None:
            message = f"{entry.source} is not below {self._export.title}: copy it there"
            self.problems.append(Problem(entry.line, message, self._manifest))
            return
        name, path = located.picture, self._export.path(located.picture)
        reason = reason_to_skip(path) if entry.label else "The manifest gives it no label."
        if reason:
            self.skipped.append(Skipped(name, reason))
            return
        if located.missing:
            reason = f"Its mask was not used: {located.missing} is not below {self._export.title}."
            self.skipped.append(Skipped(name, reason))
        kinds, mask = self._mask(entry, located.mask, path) if located.mask else ((), None)
        self.pictures.append(LabelledPicture(path, name, entry.label == "anomaly", mask, kinds))

    def _mask(self, entry: Entry, name: str, picture: Path) -> tuple[tuple[str, ...], Path | None]:
        """The kinds that a mask shows, and the file that shows them to training."""
        assert entry.mask is not None  # noqa: S101 - it was found
        try:
            pixels = import_mask(self._export.read(name), entry.mask, picture.read_bytes())
        except MaskInvalidError as error:
            self.problems.append(Problem(entry.line, str(error), self._manifest))
            return (), None
        kinds, drawn = named_mask(pixels)
        path = self._folder() / f"{len(self.pictures):06}.png"
        path.write_bytes(drawn)
        return kinds, path

    def _folder(self) -> Path:
        if self._masks is None:
            self._masks = Path(tempfile.mkdtemp(prefix="spotcheck-masks-"))
            atexit.register(shutil.rmtree, self._masks, ignore_errors=True)
        return self._masks
