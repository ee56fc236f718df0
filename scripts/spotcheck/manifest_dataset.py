"""A single manifest as a dataset, its pictures where they lie: `spotcheck train --data train.manifest`."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

from chalicelib.exceptions import ManifestError
from chalicelib.lookout.manifest import Problem, parse_lines
from chalicelib.measuring.pictures import Dataset, LabelledPicture, Skipped
from spotcheck.datasets import reason_to_skip
from spotcheck.exports import LocalExport, top_of_manifest
from spotcheck.locating import locate


def read_manifest_dataset(manifest: Path) -> Dataset:
    """Reads a manifest whose pictures lie below its folder, or below the one around `datasets/`.

    Masks, coloured by the kind of anomaly, are left out: `spotcheck import-lookout` brings them along.

    Raises:
        ManifestError: Some lines are wrong, or their pictures are not there.
        InputError: The file cannot be read.
    """
    export = LocalExport(Path(top_of_manifest(PurePosixPath(manifest))))
    content = LocalExport(manifest.parent).read(manifest.name)
    parsed = parse_lines(content, manifest.name, allow_paths=True)
    entries = parsed.manifest.entries
    found = locate([entry.source for entry in entries], export.names())
    problems = [*parsed.problems]
    problems += [
        Problem(entry.line, f"{entry.source} is not below {export.title}: copy it there", manifest.name)
        for entry in entries
        if entry.source not in found
    ]
    if problems:
        raise ManifestError(problems)
    pictures: list[LabelledPicture] = []
    skipped: list[Skipped] = []
    for entry in entries:
        name = found[entry.source]
        reason = reason_to_skip(export.path(name)) if entry.label else "The manifest gives it no label."
        if reason:
            skipped.append(Skipped(name, reason))
        else:
            pictures.append(LabelledPicture(export.path(name), name, entry.label == "anomaly"))
    masks = sum(entry.mask is not None for entry in entries)
    if masks:
        reason = f"Its {masks} masks are left out: `spotcheck import-lookout` brings them along."
        skipped.append(Skipped(manifest.name, reason))
    return Dataset(export.path(""), tuple(pictures), (), tuple(skipped))
