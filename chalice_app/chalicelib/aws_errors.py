"""What an error of boto3's says, in one place for everything that writes conditionally."""

from __future__ import annotations

from typing import Any

from botocore.exceptions import ClientError


def error_code(error: ClientError) -> str:
    """The service's own code, such as `NoSuchKey`."""
    return str(error.response["Error"]["Code"])


def condition_held(write: Any, **request: Any) -> bool:  # noqa: ANN401 - a method of boto3's, made at run time
    """Makes a conditional write to DynamoDB; False when its condition did not hold.

    Raises:
        ClientError: The write failed for any other reason.
    """
    try:
        write(**request)
    except ClientError as error:
        if is_condition_refused(error):
            return False
        raise
    return True


def is_condition_refused(error: ClientError) -> bool:
    """Whether DynamoDB refused a write because its condition did not hold."""
    return error_code(error) == "ConditionalCheckFailedException"
