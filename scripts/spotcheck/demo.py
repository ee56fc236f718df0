"""`spotcheck demo`: the whole pipeline on real pictures, from nothing to verdicts, on this machine.

Two things take time and little of each other's: Terraform waits, training computes. They run beside each
other; what follows needs both.
"""

from __future__ import annotations

import json
import time
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path  # noqa: TC003 - Typer reads the annotations
from typing import TYPE_CHECKING, Annotated, Any

import typer

from spotcheck import embedded, targets
from spotcheck.console import err, out
from spotcheck.demo_summary import check, summarise
from spotcheck.phases import Phases
from spotcheck.up import bring_up, end_as_ctrl_c_does

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from spotcheck.demo_data import DemoData, Sample
    from spotcheck.demo_video import Judged
    from spotcheck.report import Shown
    from spotcheck.up import Standing
    from spotcheck.verdicts import Outcome

DEMO_DIR = targets.BUILD_DIR / "demo"

_IN_FLIGHT = 3  # uploads without a verdict at any time: a camera that waits for its line
_POINTER_SECONDS = 61.0  # functions read which model is current at most once a minute


def demo(
    data: Annotated[
        Path | None, typer.Option(exists=True, file_okay=False, help="Your own pictures instead.")
    ] = None,
) -> None:
    """Judge real pictures on the embedded AWS: train, deploy, publish, upload, report.

    Trains on normal cells of solar modules, uploads others, half of them defective, and two broken files.
    A film of them follows, defective from a known second on. Exit code 1 when an upload has no result, the
    film no verdict, or the built-in pictures' image AUROC is below 0.85.
    """
    from spotcheck.demo_data import LICENCE

    end_as_ctrl_c_does()
    if data is None:
        err.print(f"[dim]{LICENCE}[/]\n", highlight=False)
    summary, least_auroc = run(data)
    out.print(_closing(summary), highlight=False, soft_wrap=True)
    check(summary, least_auroc)


def run(data: Path | None, folder: Path = DEMO_DIR) -> tuple[dict[str, Any], float | None]:
    """Runs the demo and writes `summary.json`, `report.html` and `model.onnx`.

    Args:
        data: A folder of the user's own pictures; none for the built-in ones.
        folder: Where the files go.

    Returns:
        The summary, and the image AUROC that these pictures promise.
    """
    from spotcheck.demo_data import own_pictures

    began = time.monotonic()
    folder.mkdir(parents=True, exist_ok=True)
    own = None if data is None else own_pictures(data)  # an error there is told before anything is started
    with Phases() as phases, ThreadPoolExecutor(2) as pool:
        stack = pool.submit(_bring_up, phases)
        try:
            pictures = _read_pictures(phases, own, folder)
            model = _train(phases, pictures)
            (folder / "model.onnx").write_bytes(model)
            standing = stack.result()
            target = targets.local_target()
            phases.seconds |= standing.seconds
            with _published(phases, target, model):
                outcomes = _upload(phases, target, pictures)
                judged = _show_film(phases, target, outcomes, folder)
            shown = _with_heat_maps(target, outcomes)
        finally:
            _stop_what_was_started(stack)
        films = [] if judged is None else [judged.summary()]
        summary = summarise(outcomes, phases.seconds, time.monotonic() - began, films)
        _write(folder, pictures, summary, shown, None if judged is None else judged.for_report())
    _print_outcomes(outcomes)
    if judged is not None:
        judged.print()
    return summary, pictures.least_auroc


def _bring_up(phases: Phases) -> Standing:
    with phases.phase("stack", "embedded AWS, deployed with Terraform") as phase:
        # Any free port: nobody needs to find it, and 4566 may be somebody else's.
        standing = bring_up(0, say=phase.say)
        phase.say("applied" if standing.changed else "no changes")
    return standing


def _read_pictures(phases: Phases, own: DemoData | None, folder: Path) -> DemoData:
    from dataclasses import replace

    from spotcheck.demo_data import broken_files, solar_cells

    with phases.phase("data", "pictures") as phase:
        pictures = own or solar_cells(folder / "data")
        broken = broken_files(folder / "broken", pictures.samples[0].path)
        phase.say(f"{len(pictures.train)} to train on, {len(pictures.samples)} to upload, 2 broken files")
    return replace(pictures, samples=[*pictures.samples, *broken])


def _train(phases: Phases, pictures: DemoData) -> bytes:
    from chalicelib.training import NamedPicture, TrainingConfig, train

    with phases.phase("train", "model trained on normal pictures") as phase:
        named = [NamedPicture.of_file(path, "/".join(path.parts[-3:])) for path in pictures.train]
        trained = train(named, TrainingConfig(), phase.progress)
        phase.say(f"{trained.metadata.normals} pictures, {len(trained.model) / 1e6:.0f} MB")
    return trained.model


@contextmanager
def _published(phases: Phases, target: targets.Target, model: bytes) -> Iterator[None]:
    """Publishes the demo's model; on an embedded AWS that had one, puts that one back in the end."""
    from chalicelib.exceptions import ModelNotFoundError

    registry = target.registry()
    try:
        previous = registry.current()
    except ModelNotFoundError:
        previous = None
    with phases.phase("publish", "model published") as phase:
        entry = registry.publish(model, {})
        if previous:
            phase.say("waiting until no function judges with the one before")
            time.sleep(_POINTER_SECONDS)
        phase.say(f"version {entry.version} of project {entry.project}")
    try:
        yield
    finally:
        if previous:
            entry = registry.publish(registry.download(previous), {})
            err.print(f"your model is current again, as version {entry.version}", highlight=False)


def _upload(phases: Phases, target: targets.Target, pictures: DemoData) -> list[Outcome]:
    from spotcheck.upload import IMAGE_PREFIX, Sender, record_finder
    from spotcheck.verdicts import send_and_follow

    prefix = f"{IMAGE_PREFIX}demo-{datetime.now(UTC):%Y%m%d-%H%M%S}/"
    sender = Sender(target.client("s3"), target.outputs["images_bucket"], prefix, {"source": "demo"})
    outcomes: list[Outcome] = []

    def send(sample: Sample) -> Any:  # noqa: ANN401 - an Upload
        return sender.send((sample.name, sample.path))

    with phases.phase("upload", "pictures uploaded and judged") as phase:
        find = record_finder(target)
        for outcome in send_and_follow(pictures.samples, send, find, in_flight=_IN_FLIGHT):
            outcomes.append(outcome)
            phase.progress(len(outcomes), len(pictures.samples))
            phase.say(_in_short(outcome))
        phase.say(f"{sum(one.has_result for one in outcomes)} of {len(outcomes)} have a result")
    return outcomes


def _show_film(
    phases: Phases, target: targets.Target, outcomes: Sequence[Outcome], folder: Path
) -> Judged | None:
    """Has a film judged that is made of the pictures; none where they have no labels to make it by."""
    from spotcheck.demo_film import make_film
    from spotcheck.demo_video import judge_film

    film = make_film(outcomes, folder / "film.mp4")
    if film is None:
        return None
    with phases.phase("video", "film of them uploaded and judged") as phase:
        return judge_film(target, film, phase.say)


def _in_short(outcome: Outcome) -> str:
    from spotcheck.verdicts import verdict_text

    return f"{outcome.source.name}: {outcome.error or verdict_text(outcome.record).plain}"


def _with_heat_maps(target: targets.Target, outcomes: Sequence[Outcome]) -> list[Shown]:
    from spotcheck.report import Shown

    s3, bucket = target.client("s3"), target.outputs["results_bucket"]

    def show(one: Outcome) -> Shown:
        key = (one.record or {}).get("heat_map_key")
        heat_map = s3.get_object(Bucket=bucket, Key=key)["Body"].read() if key else None
        sample = one.source
        return Shown(
            sample.name, sample.path.read_bytes(), one.record, heat_map, sample.is_defective, one.seconds
        )

    return [show(one) for one in outcomes]


def _stop_what_was_started(stack: Future[Standing]) -> None:
    """Leaves an embedded AWS that ran before as it was, and nothing of one that the demo started."""
    try:
        started = stack.result().started
    except BaseException:  # noqa: BLE001 - told by whoever waits for the stack; bring_up has cleaned up
        return
    if started:
        embedded.stop_server()


def _write(
    folder: Path,
    pictures: DemoData,
    summary: dict[str, Any],
    shown: Sequence[Shown],
    film: dict[str, Any] | None,
) -> None:
    from spotcheck.report import render

    (folder / "summary.json").write_text(json.dumps(summary, indent=2) + "\n", encoding="utf-8")
    html = render(pictures.title, pictures.description, summary, shown, pictures.notes, film)
    (folder / "report.html").write_text(html, encoding="utf-8")


def _print_outcomes(outcomes: Sequence[Outcome]) -> None:
    from spotcheck.verdicts import add_row, results_table

    table = results_table()
    for one in outcomes:
        if one.record:
            add_row(table, one.record, one.seconds, name=one.source.name)
        else:
            table.add_row("", f"{one.source.name}\n{one.error or 'not in time'}", "no result", "", "", "")
    out.print(table)


def _closing(summary: dict[str, Any]) -> str:
    from chalicelib.measuring.texts import number

    auroc, precision, recall = (
        number(summary[name], ".3f") for name in ("image_auroc", "precision", "recall")
    )
    half, most = (number(summary[name], ".2f") for name in ("verdict_seconds_p50", "verdict_seconds_p95"))
    counts = f"{summary['results']} of {summary['uploads']} uploads have a result"
    total = format(summary["phase_seconds"]["total"], ".0f")
    return f"""
[bold]{counts}[/], {summary["rejected"]} rejected with a reason
image AUROC {auroc}, precision {precision}, recall {recall}
upload to verdict: median {half} s, 95th percentile {most} s; everything {total} s

Look at   build/demo/report.html   (figures: build/demo/summary.json)
Try next  make demo DATA=folder    the same on your own pictures: normal/ and anomaly/, or MVTec layout
          make up                  keeps the embedded AWS; then publish, upload, results
          make deploy              the same stack in your AWS account (shows the plan, asks first)
"""
