"""`spotcheck publish`: a model into the models bucket, and the uploads that waited for one released."""

from __future__ import annotations

import io
import json
from pathlib import Path  # noqa: TC003 - Typer reads the annotations
from typing import TYPE_CHECKING, Annotated, Any

import typer

from chalicelib.release import Release
from spotcheck import targets
from spotcheck.console import err, out

if TYPE_CHECKING:
    from collections.abc import Callable

    from chalicelib.detector import Detector


def publish(
    *,
    model: Annotated[Path, typer.Option(exists=True, dir_okay=False, help="The model, an ONNX file.")],
    evaluation: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="What `evaluate --json` printed.")
    ] = None,
    report: Annotated[Path | None, typer.Option(exists=True, dir_okay=False, help="A report, HTML.")] = None,
    rate: Annotated[float, typer.Option(min=0.1, help="Release at most so many uploads a second.")] = 20.0,
    timeout: Annotated[float, typer.Option(min=0, help="Seconds to wait for those released.")] = 300.0,
    local: Annotated[bool, typer.Option("--local", help="To the embedded AWS.")] = False,
    aws: Annotated[bool, typer.Option("--aws", help="To the AWS account.")] = False,
) -> None:
    """Publish a model as the project's next version; the pipeline judges with it within a minute.

    The model judges a generated picture first. Uploads that waited for a model are then judged; exit code 1
    when some still wait in the end.
    """
    validate_model(model)
    target = targets.resolve(local=local, aws=aws)
    files = {"evaluation.json": evaluation, "report.html": report}
    entry = target.registry().publish(
        model.read_bytes(), {name: path.read_bytes() for name, path in files.items() if path}
    )
    out.print(f"published version {entry.version} of project {entry.project}", highlight=False)
    if pinned := pinned_version(target):
        err.print(
            f"[yellow]model_version pins version {pinned}: the pipeline judges with that one until the pin "
            "is removed and the stack applied[/]",
            highlight=False,
        )
    still = _release_with_progress(target, rate, timeout)
    if still:
        err.print(f"[red]{still} uploads still wait for a model; publish again, or look at the logs[/]")
        raise typer.Exit(1)


def validate_model(path: Path) -> Detector:
    """Loads a model and lets it judge a generated picture: what cannot do that is not published.

    Raises:
        ModelInvalidError: The file is damaged, or no model that Spotcheck can judge with.
    """
    import numpy as np

    from chalicelib.detector import Detector
    from chalicelib.exceptions import ModelInvalidError
    from chalicelib.pictures import read_picture

    detector = Detector.load(path)
    detection = detector.detect(read_picture(_generated_picture()))
    if not np.isfinite(detection.score):
        msg = f"{path}: the model gives no finite score: train it again"
        raise ModelInvalidError(msg)
    return detector


def pinned_version(target: targets.Target) -> str:
    """The model version that the deployed functions are pinned to; empty when they follow the newest."""
    function = target.outputs["function_names"]["detect_image"]
    settings = target.client("lambda").get_function_configuration(FunctionName=function, Qualifier="live")
    return str(settings.get("Environment", {}).get("Variables", {}).get("MODEL_VERSION", ""))


def release(
    target: targets.Target,
    rate: float,
    timeout: float,
    progress: Callable[[int, int], None] = lambda *_: None,
) -> int:
    """Releases the uploads of a deployed stack that wait for a model; gives how many still wait."""
    functions = target.client("lambda")
    names = target.outputs["function_names"]

    def invoke(handler: str, event: dict[str, Any]) -> None:
        functions.invoke(
            FunctionName=names[handler], Qualifier="live", InvocationType="Event", Payload=json.dumps(event)
        )

    return Release(target.results_table(), invoke, rate=rate).run(timeout, progress)


def _release_with_progress(target: targets.Target, rate: float, timeout: float) -> int:
    from rich.progress import MofNCompleteColumn, Progress

    with Progress(*Progress.get_default_columns(), MofNCompleteColumn(), console=err, transient=True) as bar:
        task = bar.add_task("releasing uploads that waited", total=None, visible=False)
        done = 0

        def show(judged: int, total: int) -> None:
            nonlocal done
            done = judged
            bar.update(task, completed=judged, total=total, visible=total > 0)

        still = release(target, rate, timeout, show)
    if done:
        err.print(f"released {done} uploads that waited for a model", highlight=False)
    return still


def _generated_picture() -> bytes:
    """A small PNG with some structure."""
    import numpy as np
    from PIL import Image

    rows, columns = np.mgrid[0:256, 0:256]
    pixels = np.stack([rows, columns, (rows * columns) // 256], axis=-1).astype(np.uint8)
    with io.BytesIO() as file:
        Image.fromarray(pixels).save(file, "PNG")
        return file.getvalue()
