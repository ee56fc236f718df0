"""What may stand in a deployment's way, found before anything is changed.

Each check takes its clients and looks at one thing; what Terraform is about to do comes from its plan as
JSON. A finding either stops the deployment or is told and left to the user.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

_FRESH_CONCURRENCY = 10  # what AWS gives a new account
_FRESH_MEMORY_MB = 3008
_DATA_BEARING = {"aws_dynamodb_table", "aws_s3_bucket"}
_ABSENT = {"404", "NoSuchBucket", "ResourceNotFoundException", "NotFound"}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that a check found.

    Attributes:
        message: What it is, and what to do.
        stops: Whether deploying would fail, or break something that exists.
    """

    message: str
    stops: bool = True


@dataclass(frozen=True, slots=True)
class Planned:
    """A Terraform plan, as far as the checks ask.

    Attributes:
        region: Where the stack goes.
        created: Type, address and attributes of everything that is to be made.
        functions: Attributes of every function as it shall be, by address.
        lost: Addresses of buckets and tables that are to be deleted or replaced.
    """

    region: str
    created: list[tuple[str, str, dict[str, Any]]] = field(default_factory=list)
    functions: dict[str, dict[str, Any]] = field(default_factory=dict)
    lost: list[str] = field(default_factory=list)

    @classmethod
    def from_json(cls, plan: Mapping[str, Any]) -> Planned:
        """Reads `terraform show -json PLAN`."""
        planned = cls(str(plan["planned_values"]["outputs"]["region"]["value"]))
        for resource in plan.get("resource_changes", []):
            change, kind, address = resource["change"], resource["type"], resource["address"]
            if kind in _DATA_BEARING and "delete" in change["actions"]:
                planned.lost.append(address)
            elif "create" in change["actions"]:
                planned.created.append((kind, address, change["after"]))
            if kind == "aws_lambda_function" and change["after"]:
                planned.functions[address] = change["after"]
        return planned


class DataLoss:
    """Whether Terraform would delete a bucket or the table, as it does when the stack is renamed."""

    def findings(self, planned: Planned) -> Iterator[Finding]:
        """Names what would be lost."""
        if planned.lost:
            yield Finding(
                f"Terraform would delete {', '.join(planned.lost)} with what they hold. To rename a stack, "
                "deploy a second one and copy; data is deleted by `spotcheck destroy` alone."
            )


class AccountLimits:
    """Whether the account's Lambda limits leave room for the functions."""

    def __init__(self, lambda_client: Any) -> None:  # noqa: ANN401 - a boto3 client
        self._lambda = lambda_client

    def findings(self, planned: Planned) -> Iterator[Finding]:
        """Tells what a new account's limits mean for the functions."""
        total = int(self._lambda.get_account_settings()["AccountLimit"]["ConcurrentExecutions"])
        memory = (int(function["memory_size"]) for function in planned.functions.values())
        largest = max(memory, default=0)
        if largest > _FRESH_MEMORY_MB and total <= _FRESH_CONCURRENCY:
            yield Finding(
                f"A function asks for {largest} MB. New accounts such as this one (concurrency {total}) "
                f"mostly have a limit of {_FRESH_MEMORY_MB} MB: if Lambda refuses, set memory_mb lower.",
                stops=False,
            )
        if total <= _FRESH_CONCURRENCY:
            yield Finding(
                f"This account runs {total} functions at a time: uploads beyond that wait, up to six hours, "
                "before they are judged, and StartModel keeps no environment warm. AWS raises the quota on "
                "request.",
                stops=False,
            )


class Regions:
    """Whether the services exist in the region.

    Args:
        available: Gives the regions of a service, as `boto3.Session.get_available_regions` does.
    """

    def __init__(self, available: Callable[[str], list[str]]) -> None:
        self._available = available

    def findings(self, planned: Planned) -> Iterator[Finding]:
        """Asks for the services that not every region has."""
        for service, title in (("lambda", "Lambda"), ("mediaconvert", "MediaConvert")):
            regions = self._available(service)
            if planned.region not in regions:
                near = [name for name in regions if name.split("-")[0] == planned.region.split("-")[0]]
                yield Finding(
                    f"{title} is not offered in {planned.region}: choose another region, "
                    f"such as {', '.join(near[:3] or regions[:3])}."
                )


class Names:
    """Whether something of another owner already has a name that the stack wants."""

    def __init__(self, dynamodb: Any, s3: Any, lambda_client: Any) -> None:  # noqa: ANN401 - boto3 clients
        self._lookups: dict[str, tuple[str, Callable[[str], Any]]] = {
            "aws_dynamodb_table": ("name", lambda name: dynamodb.describe_table(TableName=name)),
            "aws_s3_bucket": ("bucket", lambda name: s3.head_bucket(Bucket=name)),
            "aws_lambda_function": (
                "function_name",
                lambda name: lambda_client.get_function(FunctionName=name),
            ),
        }

    def findings(self, planned: Planned) -> Iterator[Finding]:
        """Looks for each name that is about to be taken."""
        for kind, address, attributes in planned.created:
            if kind not in self._lookups:
                continue
            attribute, look_up = self._lookups[kind]
            name = str(attributes[attribute])
            if _exists(lambda look_up=look_up, name=name: look_up(name)):  # type: ignore[misc]
                yield Finding(_clash(kind, address, name))


def run_checks(checks: list[Any], planned: Planned) -> list[Finding]:
    """Runs every check to its end; one that AWS refuses to answer becomes a finding that does not stop.

    Args:
        checks: Objects with `findings(planned)`.
        planned: What Terraform is about to do.
    """
    found: list[Finding] = []
    for check in checks:
        try:
            found += check.findings(planned)
        except ClientError as error:
            name = type(check).__name__
            found.append(Finding(f"Not checked ({name}): {error}", stops=False))
    return found


def _exists(look_up: Callable[[], Any]) -> bool:
    try:
        look_up()
    except ClientError as error:
        code = error.response.get("Error", {}).get("Code", "")
        if code in _ABSENT:
            return False
        if code == "403":  # a bucket of somebody else
            return True
        raise
    return True


def _clash(kind: str, address: str, name: str) -> str:
    adopt = f"`terraform -chdir=terraform import '{address}' {name}` adopts it"
    if kind == "aws_dynamodb_table":
        return (
            f"A table {name} exists already, and this stack did not make it (the notebook made one of that "
            f"name). Choose another name with --var results_table=NAME, or keep its rows: {adopt}."
        )
    what = "bucket" if kind == "aws_s3_bucket" else "function"
    return (
        f"A {what} {name} exists already, and this stack did not make it: another stack has the same `name`. "
        f"Choose another with --var name=NAME; or, if it is this stack whose state was lost, {adopt}."
    )
