"""What an environment does that is kept warm, before its first event: it loads the models.

Lambda runs a function's code outside the handlers while it prepares provisioned concurrency:
https://docs.aws.amazon.com/lambda/latest/dg/provisioned-concurrency.html.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from chalicelib import clients
from chalicelib.documents import Documents
from chalicelib.lookout.api import wiring
from chalicelib.lookout.api.detectors import KEPT
from chalicelib.lookout.api.hosting_book import HostingBook, HostingStatus
from chalicelib.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from chalicelib.judging import Judge
    from chalicelib.telemetry import Telemetry


def warm_start(environment: Mapping[str, str], telemetry: Telemetry, judge: Callable[[], Judge]) -> None:
    """Loads what the function will judge with, and logs it; a fault leaves that to the first event.

    Args:
        environment: Of the function; `WARM_START` says which kind it is: `uploads`, `detection`, or nothing.
        telemetry: Logs.
        judge: Makes what the uploads' functions call.
    """
    try:
        settings = Settings.from_environment(environment)
        book = HostingBook(Documents(clients.s3(), settings.models_bucket))
        match environment.get("WARM_START"):
            case "uploads":
                started = book.started_of(settings.project)
                starting = [version for version, state in started if state.status is HostingStatus.STARTING]
                judge().prepare(max(starting, key=int, default=None))
            case "detection":
                for project, version, _ in islice(book.started(), KEPT):
                    wiring.detectors(settings).get(project, version)
            case _:
                return
        telemetry.info("The environment is warm: its models are loaded.")
    except Exception:  # noqa: BLE001 - whatever it is, the handler meets it again and says it there
        telemetry.fault("The environment is not warm: its first event loads the model.")
