"""`spotcheck lookout-env`: what makes boto3's Lookout for Vision client talk to this stack.

The client left boto3 and the AWS CLI; it is nothing but data files, which `AWS_DATA_PATH` brings back. It
signs for `lookoutvision`, an HTTP API wants `execute-api`: a file beside the data files says so
(`sdk-extras.json`, as botocore.loaders documents).
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Annotated

import botocore
import typer

from spotcheck import targets
from spotcheck.console import err
from spotcheck.exceptions import TargetError

_EXTRAS = {"version": 1.0, "merge": {"metadata": {"signingName": "execute-api"}}}


def write_client(folder: Path) -> bool:
    """Writes the client's data files, if they are installed here, and what changes the signing name.

    Args:
        folder: To be named by `AWS_DATA_PATH`.

    Returns:
        Whether the client is complete: otherwise whoever uses it has to install it.
    """
    place = folder / "lookoutvision" / "2020-11-20"
    place.mkdir(parents=True, exist_ok=True)
    installed = Path(botocore.__file__).parent / "data" / "lookoutvision" / "2020-11-20"
    for file in installed.glob("*.json"):
        shutil.copyfile(file, place / file.name)
    extras = json.dumps(_EXTRAS, indent=2) + "\n"
    (place / "service-2.sdk-extras.json").write_text(extras, encoding="utf-8")
    return (place / "service-2.json").exists()


def lookout_env(
    *,
    folder: Annotated[Path | None, typer.Option(help="Where the data file goes.", file_okay=False)] = None,
    local: Annotated[bool, typer.Option("--local", help="For the embedded AWS.")] = False,
    aws: Annotated[bool, typer.Option("--aws", help="For the AWS account.")] = False,
) -> None:
    """Print export lines for `eval` that point Lookout for Vision clients at this stack.

    `eval "$(spotcheck lookout-env)"`; then boto3 and `aws lookoutvision` know the service again.
    """
    target = targets.resolve(local=local, aws=aws)
    url = target.outputs.get("api_url")
    if not url:
        message = "The stack has no API: `spotcheck up` or `spotcheck deploy` makes it."
        raise TargetError(message)
    chosen = (folder or targets.STATE_DIR / "aws-data").resolve()
    if not write_client(chosen):
        err.print(
            "[yellow]the client is not installed here:[/] where your program runs, "
            "pip install botocore-a-la-carte-lookoutvision --no-deps",
            highlight=False,
        )
    print(f"export AWS_DATA_PATH={chosen}")
    print(f"export AWS_ENDPOINT_URL_LOOKOUTVISION={url}")
    if target.kind == "local":
        err.print('[dim]credentials and region: eval "$(spotcheck status --env)"[/]', highlight=False)
