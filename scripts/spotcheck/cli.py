"""The `spotcheck` command: one verb a module, registered here and nowhere else."""

from __future__ import annotations

import errno
import io
import os
import sys
from typing import NoReturn

import typer
from rich.text import Text

from chalicelib.exceptions import SpotcheckError
from spotcheck import model
from spotcheck.audit import audit
from spotcheck.check import check
from spotcheck.console import err
from spotcheck.dashboard import dashboard
from spotcheck.demo import demo
from spotcheck.deploying import deploy, destroy, outputs, package, plan
from spotcheck.detect import detect
from spotcheck.evaluate import evaluate
from spotcheck.forget import forget
from spotcheck.import_anomalib import import_anomalib
from spotcheck.import_lookout import import_lookout
from spotcheck.lookout_env import lookout_env
from spotcheck.model_card import model_card
from spotcheck.profiling import profile
from spotcheck.publish import publish
from spotcheck.redrive import redrive
from spotcheck.results import results
from spotcheck.threshold import threshold
from spotcheck.train import train
from spotcheck.up import down, status, up
from spotcheck.upload import upload

app = typer.Typer(
    name="spotcheck",
    help="Normal or Anomalous, how sure and where: for every picture and video uploaded to S3.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)


@app.callback()
def _root() -> None:
    """Makes `spotcheck VERB` the only form, even while there is one verb."""


for verb in (
    demo,
    check,
    train,
    evaluate,
    detect,
    profile,
    threshold,
    model_card,
    import_anomalib,
    import_lookout,
    lookout_env,
    publish,
    up,
    down,
    status,
    upload,
    results,
    dashboard,
    audit,
    redrive,
    forget,
    outputs,
    package,
    plan,
    deploy,
    destroy,
):
    app.command()(verb)

app.add_typer(model.app, name="model")


def main() -> None:
    """Runs the command; an error of ours becomes one line on stderr and exit code 1."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # names of files need not be text
    try:
        app()
    except SpotcheckError as error:
        _fail(str(error))
    except OSError as error:
        if error.errno != errno.ENOSPC or error.filename is not None:
            raise
        # What is left to say would be tried again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        _fail(f"The answer cannot be written: {error.strerror}. Make room, or write it elsewhere.")


def _fail(message: str) -> NoReturn:
    err.print(Text.assemble(("error: ", "bold red"), message), soft_wrap=True)
    sys.exit(1)
