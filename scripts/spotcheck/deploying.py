"""`spotcheck package`, `plan`, `deploy`, `destroy` and `outputs`: the life of a stack."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from spotcheck.choosing import architecture_of, aws_identity, choose_stack
from spotcheck.console import err, out, print_json
from spotcheck.exceptions import PreflightError, StackError

if TYPE_CHECKING:
    from spotcheck.packaging import Architecture
    from spotcheck.stack import Plan, Stack
    from spotcheck.targets import Target

Local = Annotated[bool, typer.Option("--local", help="The stack on the embedded AWS.")]
Aws = Annotated[bool, typer.Option("--aws", help="The stack in the AWS account.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
BackendConfig = Annotated[
    list[str] | None,
    typer.Option(metavar="KEY=VALUE", help="Remote state in S3, as for `terraform init`; once is enough."),
]
Var = Annotated[
    list[str] | None,
    typer.Option(metavar="NAME=VALUE", help="A variable of docs/deploying.md, as for `terraform plan`."),
]


def package(
    *,
    architecture: Annotated[str, typer.Option(help="x86_64, or arm64 (unverified).")] = "x86_64",
    json: Json = False,
) -> None:
    """Build the handlers' zip and the Lambda layers into build/package; what has not changed is kept."""
    from spotcheck import packaging
    from spotcheck.zips import unzipped_size

    built = packaging.build(cast("Architecture", architecture))  # which refuses what Lambda does not have
    sizes = {
        path.name: {"zipped": path.stat().st_size, "unzipped": unzipped_size(path)}
        for path in (built.zip, built.layer, built.training_layer)
    }
    if json:
        files = {"deployment_zip": built.zip, "chalice_json": built.chalice_json}
        files |= {"layer": built.layer, "training_layer": built.training_layer, "sbom": built.sbom}
        print_json({name: str(path) for name, path in files.items()} | {"bytes": sizes})
        return
    for name, size in sizes.items():
        zipped, unzipped = size["zipped"] / 1e6, size["unzipped"] / 1e6
        out.print(f"{name:25} {zipped:6.1f} MB zipped {unzipped:6.1f} MB unzipped", highlight=False)
    err.print(f"in {built.zip.parent}", highlight=False, soft_wrap=True)


def plan(
    *, local: Local = False, aws: Aws = False, backend_config: BackendConfig = None, var: Var = None
) -> None:
    """Package, then show what Terraform would change; nothing is changed."""
    stack = choose_stack(local=local, aws=aws, backend_config=backend_config, var=var)
    _build(stack)
    shown = _plan(stack)
    shown.file.unlink(missing_ok=True)
    out.print(shown.text, highlight=False, markup=False, soft_wrap=True)


def deploy(
    *,
    local: Local = False,
    aws: Aws = False,
    backend_config: BackendConfig = None,
    var: Var = None,
    yes: Yes = False,
) -> None:
    """Package, show the plan, ask, apply, and send a smoke picture through what was deployed.

    Fails with exit code 1 when the account's limits or a name stand in the way, when Terraform fails, or when
    the smoke picture is not judged.
    """
    stack = choose_stack(local=local, aws=aws, backend_config=backend_config, var=var)
    _build(stack)
    shown = _plan(stack)
    out.print(shown.text, highlight=False, markup=False, soft_wrap=True)
    if shown.has_changes:
        if stack.kind == "aws":
            _preflight(stack, shown)
        _ask("Apply this plan?", yes=yes)
        _apply(stack, shown)
    shown.file.unlink(missing_ok=True)
    target = _target(stack)
    _smoke(target)
    err.print("What it is called: `spotcheck outputs`. Next: `spotcheck publish --model model.onnx`.")


def destroy(
    *,
    local: Local = False,
    aws: Aws = False,
    backend_config: BackendConfig = None,
    var: Var = None,
    yes: Yes = False,
    delete_data: Annotated[
        bool, typer.Option("--delete-data", help="Also when buckets or table hold something: delete it too.")
    ] = False,
) -> None:
    """Take the stack down; refuses while its buckets or table hold data, unless --delete-data."""
    from spotcheck import emptying, targets

    stack = choose_stack(local=local, aws=aws, backend_config=backend_config, var=var, must_exist=True)
    _build(stack)
    stack.init()
    if not stack.exists():
        message = "There is nothing to destroy: no stack is known here."
        raise StackError(message)
    target = _target(stack)
    s3, dynamodb = target.client("s3"), target.client("dynamodb")
    held = emptying.held_data(s3, dynamodb, target.outputs)
    if held and not delete_data:
        message = (
            f"Not destroyed, because data would be lost: {', '.join(held)}. --delete-data deletes it too."
        )
        raise StackError(message)
    shown = _plan(stack, destroy=True)
    out.print(shown.text, highlight=False, markup=False, soft_wrap=True)
    lost = f" and delete for ever what {', '.join(held)} hold" if held else ""
    _ask(f"Destroy this stack{lost}?", yes=yes)
    if held:
        emptying.empty_buckets(s3, target.outputs, _say_deleted)
    if table := target.outputs["results_table"]:
        emptying.lift_protection(dynamodb, table)
    _apply(stack, shown)
    if stack.kind == "local":
        (targets.STATE_DIR / "outputs.json").unlink(missing_ok=True)


def outputs(*, local: Local = False, aws: Aws = False, json: Json = False) -> None:
    """Print what the stack's buckets, table, queue and functions are called."""
    from spotcheck import targets

    target = targets.resolve(local=local, aws=aws)
    if json:
        print_json(target.outputs)
        return
    for name, value in target.outputs.items():
        out.print(f"{name} = {'' if value is None else value}", highlight=False, markup=False, soft_wrap=True)


def _build(stack: Stack) -> None:
    from spotcheck import packaging

    files = [stack.folder / "terraform.tfvars", *sorted(stack.folder.glob("*.auto.tfvars"))]
    texts = [path.read_text(encoding="utf-8") for path in files if path.is_file()]
    with err.status("packaging ..."):
        packaging.build(cast("Architecture", architecture_of(stack.variables, texts)))


def _plan(stack: Stack, *, destroy: bool = False) -> Plan:
    with err.status("planning ..."):
        stack.init()
        return stack.plan(destroy=destroy)


def _preflight(stack: Stack, shown: Plan) -> None:
    """Looks for what stands in the way, before the question whether to apply."""
    import boto3

    from spotcheck.preflight import AccountLimits, DataLoss, Names, Planned, Regions, run_checks

    with err.status("looking at the account ..."):
        planned = Planned.from_json(stack.changes(shown))
        session = boto3.Session(region_name=planned.region)
        functions = session.client("lambda")
        checks: list[Any] = [
            DataLoss(),
            Regions(session.get_available_regions),
            AccountLimits(functions),
            Names(session.client("dynamodb"), session.client("s3"), functions),
        ]
        findings = run_checks(checks, planned)
    for finding in findings:
        if not finding.stops:
            err.print(f"note: {finding.message}", highlight=False, markup=False)
    if stopping := [finding.message for finding in findings if finding.stops]:
        shown.file.unlink(missing_ok=True)
        raise PreflightError("\n".join(["Nothing was changed.", *stopping]))


def _ask(question: str, *, yes: bool) -> None:
    if yes:
        return
    try:
        agreed = typer.confirm(question, err=True)
    except typer.Abort:
        agreed = False
    if not agreed:
        message = "Nothing was changed. (--yes answers the question where nobody can.)"
        raise StackError(message)


def _apply(stack: Stack, shown: Plan) -> None:
    with err.status("applying ..."):
        stack.apply(shown, on_line=_say_progress)


def _say_progress(line: str) -> None:
    if " complete after " in line or line.startswith(("Apply complete", "Destroy complete")):
        err.print(line, style="dim", highlight=False, markup=False)


def _say_deleted(bucket: str, count: int) -> None:
    err.print(f"deleted {count} object versions of {bucket}", style="dim", highlight=False)


def _target(stack: Stack) -> Target:
    """The deployed stack as other commands see it; the embedded AWS's outputs are remembered for them."""
    from spotcheck import targets

    known = stack.outputs()
    if stack.kind == "local":
        targets.write_outputs(known)
        return targets.Target("local", known, targets.LOCAL_ACCOUNT)
    account, region = aws_identity()
    return targets.Target("aws", {**known, "region": known["region"] or region}, account)


def _smoke(target: Target) -> None:
    from spotcheck.smoke import send_smoke_picture

    with err.status("sending a smoke picture through the pipeline ..."):
        result = send_smoke_picture(target)
    meaning = "judged" if result.status == "JUDGED" else "waiting for a model to be published, as it should"
    err.print(f"Smoke picture: {meaning}, after {result.seconds:.1f} s.", highlight=False)
