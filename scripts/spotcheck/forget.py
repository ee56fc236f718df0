"""`spotcheck forget`: removes a picture or video with everything that was made of it."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from spotcheck import targets
from spotcheck.console import err, out, print_json
from spotcheck.exceptions import TargetError


def forget(
    key: Annotated[str, typer.Argument(help="Key of a picture or of a video, or a video's id.")],
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    local: Annotated[bool, typer.Option("--local", help="In the embedded AWS.")] = False,
    aws: Annotated[bool, typer.Option("--aws", help="In the AWS account.")] = False,
) -> None:
    """Remove a picture or video: all versions, frames, copies, heat maps, results and items. For good.

    Logs keep its name until they expire. DynamoDB's point-in-time recovery keeps items for up to 35 days, and
    nobody can remove them from there.
    """
    from spotcheck.forgetting import Forgetting

    target = targets.resolve(local=local, aws=aws)
    forgetting = Forgetting(target)
    remains = forgetting.find(key)
    if remains.is_empty:
        msg = f"there is nothing of {key}: name a key such as image_inputs/a.jpg, or a video's id"
        raise TargetError(msg)
    counts: dict[str, Any] = {bucket: len(found) for bucket, found in remains.objects.items() if found}
    if not yes:
        err.print(f"{key}: {_sentence(counts, len(remains.items))}", highlight=False, soft_wrap=True)
        typer.confirm("Remove all of it for good?", abort=True, err=True)
    forgetting.remove(remains)
    removed = {"key": key, "object_versions": counts, "items": sorted(remains.items)}
    if json:
        print_json(removed)
    else:
        out.print(f"removed {_sentence(counts, len(remains.items))}", highlight=False, soft_wrap=True)


def _sentence(counts: dict[str, Any], items: int) -> str:
    parts = [f"{count} object versions in {bucket}" for bucket, count in counts.items()]
    return ", ".join([*parts, f"{items} items of the table"])
