"""What a stack holds, and its removal: Terraform deletes no bucket with objects and no protected table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from spotcheck.exceptions import StackError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

# Uploads first: a late event then finds its picture gone instead of writing a new result.
_ROLES = ("videos", "images", "results", "models")
_LAYERS = "layers/"  # in the models bucket; made by Terraform, deleted by Terraform


def held_data(s3: Any, dynamodb: Any, outputs: Mapping[str, Any]) -> list[str]:  # noqa: ANN401 - boto3 clients
    """Names the buckets and the table that hold something of the user's.

    Args:
        s3: The S3 client.
        dynamodb: The DynamoDB client.
        outputs: The stack's outputs.
    """
    held = [f"bucket {bucket}" for bucket in _buckets(outputs) if next(_versions(s3, bucket), None)]
    table = outputs["results_table"]
    if table and dynamodb.scan(TableName=table, Limit=1, Select="COUNT")["Count"]:
        held.append(f"table {table}")
    return held


def empty_buckets(s3: Any, outputs: Mapping[str, Any], told: Callable[[str, int], None]) -> None:  # noqa: ANN401 - a boto3 client
    """Deletes every version of every object, in batches.

    Args:
        s3: The S3 client.
        outputs: The stack's outputs.
        told: Gets a bucket and how many versions were deleted in it, batch by batch.

    Raises:
        StackError: S3 refused to delete some.
    """
    for bucket in _buckets(outputs):
        batch: list[dict[str, str]] = []
        for version in _versions(s3, bucket):
            batch.append(version)
            if len(batch) == 1000:
                delete_versions(s3, bucket, batch, told)
                batch = []
        if batch:
            delete_versions(s3, bucket, batch, told)


def lift_protection(dynamodb: Any, table: str) -> None:  # noqa: ANN401 - a boto3 client
    """Lets DynamoDB delete the table."""
    dynamodb.update_table(TableName=table, DeletionProtectionEnabled=False)


def _buckets(outputs: Mapping[str, Any]) -> list[str]:
    """The buckets that there are; a deployment that broke off has not made all."""
    return [bucket for role in _ROLES if (bucket := outputs[f"{role}_bucket"])]


def _versions(s3: Any, bucket: str) -> Iterator[dict[str, str]]:  # noqa: ANN401 - a boto3 client
    """Key and version id of everything of the user's in a bucket, delete markers included."""
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket):
        for found in [*page.get("Versions", []), *page.get("DeleteMarkers", [])]:
            if not found["Key"].startswith(_LAYERS):
                yield {"Key": found["Key"], "VersionId": found["VersionId"]}


def delete_versions(
    s3: Any,  # noqa: ANN401 - a boto3 client
    bucket: str,
    batch: list[dict[str, str]],
    told: Callable[[str, int], None],
) -> None:
    """Deletes up to 1,000 versions at once.

    Raises:
        StackError: S3 refused to delete some.
    """
    answer = s3.delete_objects(Bucket=bucket, Delete={"Objects": batch, "Quiet": True})
    if errors := answer.get("Errors"):
        first = errors[0]
        message = (
            f"S3 refused to delete {len(errors)} objects of {bucket}, such as {first.get('Key')}: "
            f"{first.get('Code')} {first.get('Message')}."
        )
        raise StackError(message)
    told(bucket, len(batch))
