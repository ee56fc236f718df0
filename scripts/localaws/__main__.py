"""Starts the embedded AWS: `python -m localaws --port 4566 --state-dir DIR`."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from localaws import settings as defaults
from localaws.exceptions import LocalAwsError
from localaws.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(argv: Sequence[str] | None = None) -> int:
    """Serves until it is told to stop.

    Returns:
        The exit code: 0 after SIGTERM or SIGINT, 1 when it could not start.
    """
    settings = parse(argv)
    try:
        return serve(settings)
    except LocalAwsError as error:
        print(f"localaws: {error}", file=sys.stderr)
        return 1


def parse(argv: Sequence[str] | None = None) -> Settings:
    """Reads the command line."""
    parser = argparse.ArgumentParser(
        "localaws", description="AWS on this machine: moto, and Lambda that runs."
    )
    parser.add_argument("--port", type=int, default=defaults.DEFAULT_PORT, help="0 for any free port")
    parser.add_argument("--state-dir", type=Path, required=True, help="where unpacked code is kept")
    parser.add_argument(
        "--retry-scale", type=float, default=1.0, help="Lambda's waits as a fraction of AWS's"
    )
    parser.add_argument("--max-concurrency", type=int, help="worker processes at once")
    parser.add_argument(
        "--runtime-client", choices=["awslambdaric", "pure-python"], help="instead of the best one installed"
    )
    parser.add_argument(
        "--init-seconds", type=float, default=10.0, help="how long a function may take to load"
    )
    parser.add_argument(
        "--idle-seconds", type=float, default=600.0, help="how long an idle worker stays warm"
    )
    parser.add_argument("--faults", type=Path, help="a JSON file with the faults to make from the beginning")
    parser.add_argument(
        "--enforce-iam", action="store_true", help="let functions do only what their roles allow"
    )
    parser.add_argument(
        "--until-stdin-closes", action="store_true", help="stop, too, when the program that started it ends"
    )
    given = vars(parser.parse_args(argv))
    given["state_dir"] = given["state_dir"].resolve()
    if given["max_concurrency"] is None:
        del given["max_concurrency"]
    return Settings(**given)


def serve(settings: Settings) -> int:
    """Serves until SIGTERM or SIGINT; leaves no process behind."""
    from localaws import moto_patches

    moto_patches.before_import()
    from localaws.fault_layer import FaultLayer
    from localaws.faults import Faults, read_plan
    from localaws.http_server import Server
    from localaws.iam.gate import Gate
    from localaws.server import EmbeddedAws

    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    if settings.until_stdin_closes:
        threading.Thread(target=_wait_for_stdin, args=(stop,), name="stdin", daemon=True).start()
    faults = Faults(read_plan(settings.faults))
    with Server(settings.port) as server:
        aws = EmbeddedAws(settings, server.url, faults)
        server.app = FaultLayer(Gate(aws) if settings.enforce_iam else aws, faults, aws.functions.kill)
        threading.Thread(target=server.serve_forever, name="http", daemon=True).start()
        print(f"ready {server.url}", flush=True)
        stop.wait()
        server.shutdown()
        aws.close()
    return 0


def _wait_for_stdin(stop: threading.Event) -> None:
    while os.read(0, 4096):
        pass
    stop.set()


if __name__ == "__main__":
    sys.exit(main())
