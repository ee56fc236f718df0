"""`spotcheck profile`: where the milliseconds of a verdict go, on this machine."""

from __future__ import annotations

import statistics
import time
from pathlib import Path  # noqa: TC003 - Typer reads the annotations
from typing import TYPE_CHECKING, Annotated, Any

import typer

from spotcheck.console import out, print_json
from spotcheck.runtimes import Runtime, load_detector

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.table import Table

    from chalicelib.detector import Detector

_MEANINGS = {
    "load model": "once a process: read the file, build the graph",
    "first verdict": "once a process: the graph's first run, without decoding",
    "read header": "kind, size and orientation, before any pixel is decoded",
    "decode": "bytes to pixels, at a reduced scale where a JPEG allows it, upright",
    "resize": "pixels to the model's square",
    "inference": "square to score and distances",
    "regions": "distances to boxes and outlines, of an anomalous picture",
    "heat map": "the picture under its heat, as PNG",
    "mask": "the mask in the picture's full size, as PNG",
}
_ONCE = ("load model", "first verdict")


def profile(
    image: Annotated[Path, typer.Argument(help="A JPEG or PNG file.")],
    *,
    model: Annotated[Path, typer.Option(help="The model to judge with.")],
    threads: Annotated[
        int | None, typer.Option(min=1, help="Threads of an inference; all CPUs if not told.")
    ] = None,
    rounds: Annotated[int, typer.Option(min=1, help="How often to judge the picture.")] = 30,
    runtime: Annotated[
        Runtime, typer.Option(help="What runs the model: openvino, where it is installed, may be quicker.")
    ] = "onnxruntime",
    json: Annotated[bool, typer.Option("--json", help="Print milliseconds as JSON.")] = False,
) -> None:
    """Show where the milliseconds of a verdict go."""
    from chalicelib.exceptions import PictureRejectedError
    from chalicelib.pictures import read_picture
    from spotcheck.detect import content_of
    from spotcheck.exceptions import InputError

    data = content_of(image)
    start = time.perf_counter()
    detector = load_detector(model, runtime, threads)
    once = {"load model": _since(start)}
    try:
        picture = read_picture(data, min_decoded_side=detector.min_decoded_side)
    except PictureRejectedError as rejected:
        message = f"{image} cannot be judged: {rejected.reason}"
        raise InputError(message) from rejected
    start = time.perf_counter()
    detector.detect(picture)
    once["first verdict"] = _since(start)
    milliseconds = once | stage_medians(detector, data, rounds)
    height, width = picture.pixels.shape[:2]
    if json:
        print_json({name: round(value, 3) for name, value in milliseconds.items()})
    else:
        size = f"{picture.width} × {picture.height} pixels, decoded at {width} × {height}"  # noqa: RUF001
        out.print(_table(f"{image.name}: {size}", milliseconds))


def stage_medians(detector: Detector, data: bytes, rounds: int) -> dict[str, float]:
    """Median milliseconds of each stage from a file's bytes to everything that a verdict leaves.

    Args:
        detector: The model, already warm.
        data: A JPEG or PNG.
        rounds: How often each stage runs.

    Raises:
        PictureRejectedError: The file can never be judged.
    """
    times: dict[str, list[float]] = {}
    for _ in range(rounds):
        for name, value in _stages(detector, data).items():
            times.setdefault(name, []).append(value)
    return {name: statistics.median(values) for name, values in times.items()}


def _stages(detector: Detector, data: bytes) -> dict[str, float]:
    """Milliseconds of each stage, once."""
    from chalicelib.heatmaps import mask_png, overlay_png
    from chalicelib.pictures import read_picture
    from chalicelib.regions import find_regions

    times: dict[str, float] = {}

    def timed(name: str, call: Callable[[], Any]) -> Any:  # noqa: ANN401 - what each stage gives
        start = time.perf_counter()
        result = call()
        times[name] = _since(start)
        return result

    timed("read header", lambda: _read_header(data))
    picture = timed("decode", lambda: read_picture(data, min_decoded_side=detector.min_decoded_side))
    times["decode"] = max(0.0, times["decode"] - times["read header"])
    squares = timed("resize", lambda: list(detector.model_inputs(picture)))
    timed("inference", lambda: [detector.infer(square) for square in squares])
    detection = detector.detect(picture)
    timed("regions", lambda: find_regions(detection.heat_map, detection.threshold))
    timed("heat map", lambda: overlay_png(picture, detection))
    timed("mask", lambda: mask_png(picture, detection))
    return times


def _read_header(data: bytes) -> None:
    """Reads as far as the size is known, and stops there."""
    from chalicelib.jpeg import read_jpeg
    from chalicelib.picture_formats import JPEG
    from chalicelib.png import read_png

    class Stop(Exception):  # noqa: N818 - not an error: the way out
        pass

    def stop(_width: int, _height: int) -> None:
        raise Stop

    try:
        (read_jpeg if data.startswith(JPEG.magic) else read_png)(data, stop, None)
    except Stop:
        return


def _since(start: float) -> float:
    return (time.perf_counter() - start) * 1000


def _table(title: str, milliseconds: dict[str, float]) -> Table:
    from rich.markup import escape
    from rich.table import Table

    each = sum(value for name, value in milliseconds.items() if name not in _ONCE)
    table = Table(title=escape(title), title_justify="left", show_footer=True)
    table.add_column("stage", footer="a verdict with all its files")
    table.add_column("ms", justify="right", footer=f"{each:.2f}")
    table.add_column("share", justify="right")
    table.add_column("what")
    for name, value in milliseconds.items():
        share = "once" if name in _ONCE else f"{value / each:.0%}"
        table.add_row(
            name, f"{value:.2f}", share, f"[dim]{_MEANINGS[name]}[/]", end_section=name == _ONCE[-1]
        )
    return table
