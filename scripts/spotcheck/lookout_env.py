"""`spotcheck lookout-env`: what makes boto3's Lookout for Vision client talk to this stack.

The client left boto3; `pip install botocore-a-la-carte-lookoutvision --no-deps` brings its data files back.
It signs for `lookoutvision`, an HTTP API wants `execute-api`: a file beside the data files says so
(`sdk-extras.json`, as botocore.loaders documents). `aws lookoutvision` reads the same two variables.
"""

from __future__ import annotations

import json
from pathlib import Path  # noqa: TC003 - Typer reads the annotation at run time
from typing import Annotated

import typer

from spotcheck import targets
from spotcheck.console import err
from spotcheck.exceptions import TargetError

_EXTRAS = {"version": 1.0, "merge": {"metadata": {"signingName": "execute-api"}}}


def write_extras(folder: Path) -> Path:
    """Writes the file that changes the signing name.

    Args:
        folder: To be named by `AWS_DATA_PATH`.

    Returns:
        The file.
    """
    file = folder / "lookoutvision" / "2020-11-20" / "service-2.sdk-extras.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(_EXTRAS, indent=2) + "\n", encoding="utf-8")
    return file


def lookout_env(
    *,
    folder: Annotated[Path | None, typer.Option(help="Where the data file goes.", file_okay=False)] = None,
    local: Annotated[bool, typer.Option("--local", help="For the embedded AWS.")] = False,
    aws: Annotated[bool, typer.Option("--aws", help="For the AWS account.")] = False,
) -> None:
    """Print export lines for `eval` that point Lookout for Vision clients at this stack.

    `eval "$(spotcheck lookout-env)"`, after `pip install botocore-a-la-carte-lookoutvision --no-deps`.
    """
    target = targets.resolve(local=local, aws=aws)
    url = target.outputs.get("api_url")
    if not url:
        message = "The stack has no API: `spotcheck up` or `spotcheck deploy` makes it."
        raise TargetError(message)
    chosen = (folder or targets.STATE_DIR / "aws-data").resolve()
    write_extras(chosen)
    print(f"export AWS_DATA_PATH={chosen}")
    print(f"export AWS_ENDPOINT_URL_LOOKOUTVISION={url}")
    if target.kind == "local":
        err.print('[dim]credentials and region: eval "$(spotcheck status --env)"[/]', highlight=False)
