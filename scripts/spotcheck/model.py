"""`spotcheck model`: the stack's models listed, started, stopped, described and deleted."""

from __future__ import annotations

import time
import uuid
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from spotcheck import targets
from spotcheck.console import err, out, print_json
from spotcheck.exceptions import LookoutApiError, ModelStateError
from spotcheck.lookout_api import LookoutApi

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

app = typer.Typer(help="The stack's models: list, start, stop, describe, delete.", no_args_is_help=True)

_POLL_SECONDS = 2.0
_GONE = "deleted"
_TRANSIENT = {"STARTING_HOSTING", "STOPPING_HOSTING", "TRAINING", "DELETING", "SYSTEM_UPDATING"}

Local = Annotated[bool, typer.Option("--local", help="Of the embedded AWS.")]
Aws = Annotated[bool, typer.Option("--aws", help="Of the AWS account.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Project = Annotated[str | None, typer.Option(help="Another project than the stack's own.")]
Version = Annotated[str, typer.Option("--version", help="A version's number, or latest.")]
NoWait = Annotated[bool, typer.Option("--no-wait", help="Do not wait until it is done.")]
Timeout = Annotated[float, typer.Option(min=1, help="Seconds to wait.")]


class Models:
    """The models of one project, through the API.

    Args:
        call: Calls an operation.
        project: Whose.
        clock: Seconds, monotonic.
        sleep: Waits some seconds.
    """

    def __init__(
        self,
        call: Callable[..., dict[str, Any]],
        project: str,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._call = call
        self._project = project
        self._clock = clock
        self._sleep = sleep

    def all(self) -> Iterator[dict[str, Any]]:
        """Every version, newest first."""
        token: dict[str, str] = {}
        while True:
            page = self._call("ListModels", ProjectName=self._project, **token)
            yield from page["Models"]
            if "NextToken" not in page:
                return
            token = {"NextToken": page["NextToken"]}

    def describe(self, version: str) -> dict[str, Any]:
        """One version."""
        found: dict[str, Any] = self._of("DescribeModel", version)["ModelDescription"]
        return found

    def start(self, version: str, least: int, most: int | None) -> None:
        """Begins to host a version."""
        bound = {} if most is None else {"MaxInferenceUnits": most}
        self._of("StartModel", version, MinInferenceUnits=least, ClientToken=str(uuid.uuid4()), **bound)

    def stop(self, version: str) -> None:
        """Begins to stop a version."""
        self._of("StopModel", version, ClientToken=str(uuid.uuid4()))

    def delete(self, version: str) -> None:
        """Begins to delete a version."""
        self._of("DeleteModel", version, ClientToken=str(uuid.uuid4()))

    def hosted(self) -> str:
        """The one version that is hosted.

        Raises:
            ModelStateError: There is none, or more than one.
        """
        found = [one["ModelVersion"] for one in self.all() if one["Status"] == "HOSTED"]
        if len(found) != 1:
            what = f"versions {', '.join(found)} are" if found else "no version is"
            message = f"{what} hosted in project {self._project}: say which with --version"
            raise ModelStateError(message)
        return str(found[0])

    def until(
        self, version: str, wanted: str, timeout: float, show: Callable[[str, str], None] = lambda *_: None
    ) -> dict[str, Any]:
        """Waits until a version has a state, or is gone.

        Args:
            version: Its number.
            wanted: The state, or `deleted`.
            timeout: Seconds.
            show: Told state and message at every look.

        Returns:
            The version's description, empty when it is gone.

        Raises:
            ModelStateError: It came to another state, or the time is up.
        """
        deadline = self._clock() + timeout
        while True:
            try:
                found = self.describe(version)
            except LookoutApiError as error:
                if wanted == _GONE and error.code == "ResourceNotFoundException":
                    return {}
                raise
            status, message = found["Status"], found.get("StatusMessage", "")
            show(status, message)
            if status == wanted:
                return found
            late = self._clock() >= deadline
            if late or (wanted != _GONE and status not in _TRANSIENT):
                why = f"is {status} still after {timeout:.0f} s" if late else f"is {status}"
                text = f"model version {version} {why}: {message}"
                raise ModelStateError(text)
            self._sleep(_POLL_SECONDS)

    def _of(self, operation: str, version: str, **more: Any) -> dict[str, Any]:  # noqa: ANN401 - an input's members
        return self._call(operation, ProjectName=self._project, ModelVersion=version, **more)


@app.command("list")
def list_models(
    *, project: Project = None, json: Json = False, local: Local = False, aws: Aws = False
) -> None:
    """List the versions, newest first."""
    found = list(_models(project, local=local, aws=aws).all())
    if json:
        print_json([_plain(one) for one in found])
        return
    table = Table("version", "status", "created", "F1", "message", box=None)
    for one in found:
        f1 = one.get("Performance", {}).get("F1Score")
        created = f"{one['CreationTimestamp']:%Y-%m-%d %H:%M}"
        score = "" if f1 is None else f"{f1:.3f}"
        table.add_row(one["ModelVersion"], one["Status"], created, score, one.get("StatusMessage", ""))
    out.print(table)


@app.command()
def start(
    *,
    version: Version = "latest",
    min_units: Annotated[int, typer.Option(min=1, help="Environments to keep warm.")] = 1,
    max_units: Annotated[
        int | None, typer.Option(min=1, help="Environments at most at once; nothing bounds them without.")
    ] = None,
    no_wait: NoWait = False,
    timeout: Timeout = 900.0,
    project: Project = None,
    json: Json = False,
    local: Local = False,
    aws: Aws = False,
) -> None:
    """Host a version: the uploads are judged with it, those that waited too, and environments are kept warm.

    Warm environments cost money while they idle, until `spotcheck model stop`.
    """
    models = _models(project, local=local, aws=aws)
    number = models.describe(version)["ModelVersion"]
    models.start(number, min_units, max_units)
    _finish(models, number, "HOSTED", no_wait=no_wait, timeout=timeout, json=json)


@app.command()
def stop(
    *,
    version: Annotated[
        str | None, typer.Option("--version", help="A version's number; without, the one that is hosted.")
    ] = None,
    no_wait: NoWait = False,
    timeout: Timeout = 900.0,
    project: Project = None,
    json: Json = False,
    local: Local = False,
    aws: Aws = False,
) -> None:
    """Stop a version: nothing costs anything any more, and uploads wait for the next start."""
    models = _models(project, local=local, aws=aws)
    number = models.describe(version)["ModelVersion"] if version else models.hosted()
    models.stop(number)
    _finish(models, number, "TRAINED", no_wait=no_wait, timeout=timeout, json=json)


@app.command()
def describe(
    *,
    version: Version = "latest",
    project: Project = None,
    json: Json = False,
    local: Local = False,
    aws: Aws = False,
) -> None:
    """Describe a version: state, units, figures."""
    _print(_models(project, local=local, aws=aws).describe(version), json=json)


@app.command()
def delete(
    *,
    version: Annotated[str, typer.Option("--version", help="A version's number.")],
    no_wait: NoWait = False,
    timeout: Timeout = 300.0,
    project: Project = None,
    json: Json = False,
    local: Local = False,
    aws: Aws = False,
) -> None:
    """Delete a version that is not hosted."""
    models = _models(project, local=local, aws=aws)
    models.delete(version)
    _finish(models, version, _GONE, no_wait=no_wait, timeout=timeout, json=json)


def _models(project: str | None, *, local: bool, aws: bool) -> Models:
    target = targets.resolve(local=local, aws=aws)
    return Models(LookoutApi.of(target).call, project or str(target.outputs["project_name"]))


def _finish(models: Models, version: str, wanted: str, *, no_wait: bool, timeout: float, json: bool) -> None:
    found: dict[str, Any] = {}
    if not no_wait:
        with err.status(f"model version {version} ...") as progress:
            found = models.until(
                version, wanted, timeout, lambda status, said: progress.update(f"{status}: {said}")
            )
    elif wanted != _GONE:
        found = models.describe(version)
    _print(found or {"ModelVersion": version, "Status": "DELETING" if no_wait else "DELETED"}, json=json)


def _print(described: dict[str, Any], *, json: bool) -> None:
    if json:
        print_json(_plain(described))
        return
    for name, value in _plain(described).items():
        out.print(f"{name}: {value}", highlight=False, markup=False, soft_wrap=True)


def _plain(described: dict[str, Any]) -> dict[str, Any]:
    """As JSON has it: time stamps in ISO 8601."""
    return {
        name: value.isoformat() if isinstance(value, datetime) else value for name, value in described.items()
    }
