"""The `spotcheck` command: one verb a module, registered here and nowhere else."""

from __future__ import annotations

import sys

import typer

from chalicelib.exceptions import SpotcheckError
from spotcheck.console import err

app = typer.Typer(
    name="spotcheck",
    help="Normal or Anomalous, how sure and where: for every picture and video uploaded to S3.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)


@app.callback()
def _root() -> None:
    """Makes `spotcheck VERB` the only form, even while there is one verb."""


def main() -> None:
    """Runs the command; an error of ours becomes one line on stderr and exit code 1."""
    try:
        app()
    except SpotcheckError as error:
        err.print(f"[bold red]error:[/] {error}", highlight=False)
        sys.exit(1)
