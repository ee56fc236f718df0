"""`spotcheck up`, `down` and `status`: the embedded AWS with the real Terraform configuration applied."""

from __future__ import annotations

import re
import signal
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from spotcheck import embedded, targets
from spotcheck.console import err, out, print_json

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from spotcheck.embedded import Server

_DONE = re.compile(r": (Creation|Modifications|Destruction) complete")
_NOT_RUNNING = 3  # what `systemctl status` says of a service that is stopped


@dataclass(frozen=True)
class Standing:
    """An embedded AWS with the stack applied.

    Attributes:
        server: The running process.
        outputs: The stack's Terraform outputs.
        started: Whether this call started the process; otherwise it ran before.
        changed: Whether Terraform had anything to change.
        seconds: What each phase took: `start`, `package`, `plan` and `apply`.
    """

    server: Server
    outputs: dict[str, Any]
    started: bool
    changed: bool
    seconds: dict[str, float]


def bring_up(
    port: int = embedded.DEFAULT_PORT,
    *,
    state_dir: Path = targets.STATE_DIR,
    say: Callable[[str], None] = lambda _: None,
    options: Sequence[str] = (),
) -> Standing:
    """Starts the embedded AWS unless it runs, and applies the stack to it.

    What it started it also stops when a later phase fails or is interrupted.

    Args:
        port: Where to serve; one that runs already keeps its own.
        state_dir: Where the embedded AWS keeps its files.
        say: Told what is being done, a few words at a time.
        options: Further options of `python -m localaws`, for one that is started here.

    Raises:
        EmbeddedAwsError: It cannot be started.
        StackError: Terraform cannot apply the stack.
    """
    with embedded.exclusively(state_dir):
        server = embedded.find_server(state_dir)
        try:
            return _start_and_apply(server, port, state_dir, say, options)
        except BaseException:
            if server is None:
                embedded.stop_server(state_dir)
            raise


def end_as_ctrl_c_does() -> None:
    """Makes a request to end, or a closed terminal, stop the command as Ctrl-C does: with its cleaning up."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    for name in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(name, interrupt)


def _start_and_apply(
    running: Server | None, port: int, state_dir: Path, say: Callable[[str], None], options: Sequence[str]
) -> Standing:
    from spotcheck import packaging
    from spotcheck.stack import Stack

    watch = _Watch()
    say("packaging" if running else "starting the embedded AWS, packaging")
    process = None if running else embedded.start_server(port, state_dir, options)
    packaging.build()
    watch.lap("package")
    server = embedded.await_server(process, state_dir) if process else running
    assert server is not None  # noqa: S101 - it ran before, or it has just been started
    watch.lap("start")
    say("planning")
    stack = Stack.local(server.endpoint_url, state_dir=state_dir)
    stack.init()
    plan = stack.plan()
    watch.lap("plan")
    if plan.has_changes:
        stack.apply(plan, _teller(plan.text, say))
    watch.lap("apply")
    outputs = stack.outputs()
    targets.write_outputs(outputs, state_dir)
    return Standing(server, outputs, running is None, plan.has_changes, watch.laps)


def _teller(plan: str, say: Callable[[str], None]) -> Callable[[str], None]:
    """Turns Terraform's lines into how far it is."""
    total = sum(map(int, re.findall(r"(\d+) to (?:add|change|destroy)", plan)))
    done = 0
    say(f"applying the stack: 0 of {total}")

    def on_line(line: str) -> None:
        nonlocal done
        done += bool(_DONE.search(line))
        say(f"applying the stack: {done} of {total}")

    return on_line


class _Watch:
    def __init__(self) -> None:
        self.laps: dict[str, float] = {}
        self._since = time.monotonic()

    def lap(self, name: str) -> None:
        now = time.monotonic()
        self.laps[name] = round(now - self._since, 1)
        self._since = now


def up(
    *,
    detach: Annotated[bool, typer.Option("--detach", "-d", help="Return when it is ready.")] = False,
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Where to serve on 127.0.0.1; 0: any free port.")
    ] = embedded.DEFAULT_PORT,
) -> None:
    """Start the embedded AWS with the stack applied; Ctrl-C stops it.

    Prints `ready` and its address when uploads can be judged. On one that runs already, apply again.
    Everything in it lives in memory and is gone when it stops.
    """
    end_as_ctrl_c_does()
    with err.status("starting") as status:
        standing = bring_up(port, say=lambda words: status.update(f"{words} ..."))
    total = sum(standing.seconds.values())
    done = "applied" if standing.changed else "No changes"
    out.print(f"ready {standing.server.endpoint_url}", highlight=False)
    err.print(f"[dim]{done} in {total:.0f} s[/]", highlight=False)
    _print_usage(standing.outputs, standing.server.endpoint_url)
    if detach or not standing.started:
        err.print("It runs until `spotcheck down`.")
        return
    err.print("It runs until Ctrl-C.")
    _hold(standing.server)


def down() -> None:
    """Stop the embedded AWS and everything that it started."""
    stopped = embedded.stop_server()
    err.print("stopped" if stopped else "the embedded AWS does not run")


def status(
    *,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    env: Annotated[bool, typer.Option("--env", help="Print export lines for `eval`.")] = False,
) -> None:
    """Say whether the embedded AWS runs and how to reach it; exit code 3 when it does not.

    `eval "$(spotcheck status --env)"` points any AWS SDK or CLI in this shell at it.
    """
    server = embedded.find_server()
    health = server.health() if server else None
    outputs = targets.read_outputs() if server else None
    if json:
        print_json(_status(server, health, outputs))
    elif server is None:
        err.print("the embedded AWS does not run: `spotcheck up` starts it")
    elif env:
        for name, value in targets.local_environment(server.endpoint_url).items():
            print(f"export {name}={value}")
    else:
        _print_status(server, health, outputs)
    if server is None:
        raise typer.Exit(_NOT_RUNNING)


def _status(
    server: Server | None, health: dict[str, Any] | None, outputs: dict[str, Any] | None
) -> dict[str, Any]:
    return {
        "running": server is not None,
        "answers": health is not None,
        "applied": outputs is not None,
        "endpoint_url": server.endpoint_url if server else None,
        "pid": server.pid if server else None,
        "lambda": (health or {}).get("lambda"),
        "outputs": outputs,
    }


def _print_status(server: Server, health: dict[str, Any] | None, outputs: dict[str, Any] | None) -> None:
    state = "ready" if health and outputs else "no stack applied yet" if health else "does not answer"
    out.print(f"{server.endpoint_url}  {state}  (process {server.pid})", highlight=False)
    for name, value in ((health or {}).get("lambda") or {}).items():
        out.print(f"  lambda {name}: {value}", highlight=False)
    if outputs:
        _print_usage(outputs, server.endpoint_url)


def _print_usage(outputs: dict[str, Any], endpoint_url: str) -> None:
    """How to use the embedded AWS from a shell, from the aws CLI and from boto3."""
    bucket, table = outputs["images_bucket"], outputs["results_table"]
    err.print(
        f"""
Use it:
  spotcheck publish --model model.onnx
  spotcheck upload picture.jpg
  spotcheck results --follow

With the aws CLI, after [bold]eval "$(spotcheck status --env)"[/]:
  aws s3 cp picture.jpg s3://{bucket}/image_inputs/
  aws dynamodb scan --table-name {table}

With boto3:
  s3 = boto3.client("s3", endpoint_url="{endpoint_url}", region_name="{targets.LOCAL_REGION}",
                    aws_access_key_id="{targets.LOCAL_KEY}", aws_secret_access_key="{targets.LOCAL_KEY}")
  s3.upload_file("picture.jpg", "{bucket}", "image_inputs/picture.jpg")
""",
        highlight=False,
        soft_wrap=True,
    )


def _hold(server: Server) -> None:
    """Stays until Ctrl-C or the server's own end; nothing is left running."""
    try:
        while embedded.find_server() == server:
            time.sleep(0.5)
        err.print("[red]the embedded AWS has ended[/]")
    except KeyboardInterrupt:
        err.print("stopping")
    finally:
        embedded.stop_server()
