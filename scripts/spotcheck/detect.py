"""`spotcheck detect`: judges picture files on this machine."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path  # noqa: TC003 - Typer reads the annotations
from typing import TYPE_CHECKING, Annotated, Any

import typer

from spotcheck.console import out, print_json
from spotcheck.runtimes import Runtime, load_detector

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.table import Table

    from chalicelib.detector import Detection, Detector
    from chalicelib.pictures import Picture


def detect(
    files: Annotated[list[Path], typer.Argument(help="JPEG or PNG files.")],
    *,
    model: Annotated[Path, typer.Option(help="The model to judge with.")],
    heatmap: Annotated[
        Path | None, typer.Option(help="Folder for a heat map of each picture, as PNG.")
    ] = None,
    runtime: Annotated[
        Runtime, typer.Option(help="What runs the model: openvino, where it is installed, may be quicker.")
    ] = "onnxruntime",
    json: Annotated[bool, typer.Option("--json", help="Print the verdicts as JSON.")] = False,
) -> None:
    """Judge pictures: normal or anomalous, how sure, and where."""
    contents = [content_of(file) for file in files]
    detector = load_detector(model, runtime)
    names = heat_map_names(files)
    verdicts = [
        judge(detector, file, content, heatmap / name if heatmap else None)
        for file, content, name in zip(files, contents, names, strict=True)
    ]
    if json:
        print_json(verdicts)
    else:
        out.print(_table(verdicts))
        if heatmap:
            out.print(f"Heat maps are in {heatmap}.", markup=False, highlight=False)


def judge(detector: Detector, file: Path, content: bytes, heat_map: Path | None) -> dict[str, Any]:
    """Judges one file.

    Args:
        detector: The model.
        file: Its name in the result.
        content: The file's bytes.
        heat_map: Where to write the heat map; None writes none.

    Returns:
        What `spotcheck detect --json` lists for it. A file that can never be judged is `REJECTED`.
    """
    from chalicelib.exceptions import PictureRejectedError
    from chalicelib.pictures import read_picture

    try:
        picture = read_picture(content, min_decoded_side=detector.min_decoded_side)
        detection = detector.detect(picture)
    except PictureRejectedError as rejected:
        return _verdict(file, "REJECTED", detector.metadata.threshold, reason=rejected.reason)
    return _verdict(
        file,
        "JUDGED",
        detection.threshold,
        is_anomalous=detection.is_anomalous,
        confidence=detection.confidence,
        score=detection.score,
        regions=[asdict(region) for region in detection.regions],
        kinds=[asdict(kind) for kind in detection.kinds],
        heatmap=_write_heat_map(picture, detection, heat_map) if heat_map else None,
    )


def _verdict(file: Path, status: str, threshold: float, **known: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    unknown = dict.fromkeys(("is_anomalous", "confidence", "score"))
    verdict = {"file": str(file), "status": status, **unknown, "threshold": threshold}
    return {**verdict, "reason": None, "heatmap": None, "regions": [], "kinds": [], **known}


def heat_map_names(files: Sequence[Path]) -> list[str]:
    """A file name for each picture's heat map; pictures of one name in several folders get a number."""
    names: list[str] = []
    for file in files:
        name, number = f"{file.name}.heatmap.png", 1
        while name in names:
            number += 1
            name = f"{file.name}.{number}.heatmap.png"
        names.append(name)
    return names


def _write_heat_map(picture: Picture, detection: Detection, path: Path) -> str:
    from chalicelib.heatmaps import overlay_png
    from spotcheck.files import write_file

    write_file(path, overlay_png(picture, detection))
    return str(path)


def content_of(file: Path) -> bytes:
    """The bytes of a file that was named on the command line.

    Raises:
        InputError: It cannot be read.
    """
    from spotcheck.exceptions import InputError

    try:
        return file.read_bytes()
    except OSError as error:
        message = f"{file} cannot be read: {error.strerror or error}."
        raise InputError(message) from error


def _table(verdicts: Sequence[dict[str, Any]]) -> Table:
    from rich.markup import escape
    from rich.table import Table

    from chalicelib.measuring.texts import score_text
    from spotcheck.verdicts import named_kinds

    table = Table(
        caption=f"Anomalous above a score of {score_text(verdicts[0]['threshold'])}", caption_justify="left"
    )
    table.add_column("file", overflow="fold")
    table.add_column("verdict")
    table.add_column("confidence", justify="right")
    table.add_column("score", justify="right")
    for verdict in verdicts:
        file = escape(verdict["file"])
        if verdict["status"] == "REJECTED":
            table.add_row(f"{file}\n[yellow]{escape(verdict['reason'])}[/]", "[yellow]Rejected[/]")
            continue
        word = "[red]Anomalous[/]" if verdict["is_anomalous"] else "[green]Normal[/]"
        if names := named_kinds(verdict):
            word += f"\n{names}"
        table.add_row(file, word, f"{verdict['confidence']:.1%}", score_text(verdict["score"]))
    return table
