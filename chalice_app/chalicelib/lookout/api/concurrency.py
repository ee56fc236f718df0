"""Lambda's two concurrency settings: environments that are kept warm, and how many there may be at once.

Provisioned concurrency belongs to the alias `live` and never exceeds the function's reserved concurrency:
https://docs.aws.amazon.com/lambda/latest/dg/provisioned-concurrency.html.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from chalicelib.aws_errors import error_code

if TYPE_CHECKING:
    from collections.abc import Callable

    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_lambda.type_defs import GetProvisionedConcurrencyConfigResponseTypeDef

_ALIAS = "live"
_NONE = "ProvisionedConcurrencyConfigNotFoundException"
# What no retry mends: the account's limit, or a role that may not.
_REFUSED = {
    "InvalidParameterValueException",
    "LimitExceededException",
    "ServiceQuotaExceededException",
    "AccessDeniedException",
}


@dataclass(frozen=True, slots=True)
class Units:
    """What a function shall have.

    Attributes:
        warm: Environments to keep warm.
        most: Environments at most at once; None bounds nothing.
    """

    warm: int = 0
    most: int | None = None

    def __add__(self, other: Units) -> Units:
        """Both together; unbounded if either is."""
        most = None if self.most is None or other.most is None else self.most + other.most
        return Units(self.warm + other.warm, most)


class Concurrency:
    """Sets and reads the concurrency of functions.

    Args:
        lambda_client: Lambda client.
    """

    def __init__(self, lambda_client: LambdaClient) -> None:
        self._lambda = lambda_client

    def apply(self, function: str, units: Units) -> list[str]:
        """Gives a function what it shall have; may be called again.

        Args:
            function: Its name.
            units: What it shall have.

        Returns:
            What the account does not allow, in words; empty where everything was set.

        Raises:
            ClientError: Lambda failed in a way that a retry may mend, or does not let go of what costs money.
        """
        reserved = self._lambda.get_function_concurrency(FunctionName=function).get(
            "ReservedConcurrentExecutions"
        )
        steps: list[Callable[[], str | None]] = [
            lambda: self._warm(function, units.warm),
            lambda: self._bound(function, reserved, units.most),
        ]
        if units.most is None or (reserved is not None and reserved < units.warm):
            steps.reverse()  # what is kept warm has to fit into what is reserved at every moment
        return [said for step in steps if (said := step())]

    def progress(self, function: str) -> tuple[str, str]:
        """How far the environments to be kept warm are.

        Returns:
            `READY`, `IN_PROGRESS` or `FAILED` (`READY`, too, where none are wanted), and AWS's reason.
        """
        answer = self._configured(function)
        return ("READY", "") if answer is None else (answer["Status"], answer.get("StatusReason", ""))

    def _warm(self, function: str, wanted: int) -> str | None:
        if self._provisioned(function) == wanted:
            return None
        if not wanted:
            self._lambda.delete_provisioned_concurrency_config(FunctionName=function, Qualifier=_ALIAS)
            return None
        return _unless_refused(
            lambda: self._lambda.put_provisioned_concurrency_config(
                FunctionName=function, Qualifier=_ALIAS, ProvisionedConcurrentExecutions=wanted
            ),
            f"{function} is not kept warm",
        )

    def _bound(self, function: str, reserved: int | None, most: int | None) -> str | None:
        if reserved == most:
            return None
        if most is None:
            self._lambda.delete_function_concurrency(FunctionName=function)
            return None
        return _unless_refused(
            lambda: self._lambda.put_function_concurrency(
                FunctionName=function, ReservedConcurrentExecutions=most
            ),
            f"{function} is not bounded",
        )

    def _provisioned(self, function: str) -> int | None:
        """What is wanted so far; None where the last try failed, so that it is made again."""
        answer = self._configured(function)
        if answer is None:
            return 0
        return None if answer["Status"] == "FAILED" else answer["RequestedProvisionedConcurrentExecutions"]

    def _configured(self, function: str) -> GetProvisionedConcurrencyConfigResponseTypeDef | None:
        try:
            return self._lambda.get_provisioned_concurrency_config(FunctionName=function, Qualifier=_ALIAS)
        except ClientError as error:
            if error_code(error) == _NONE:
                return None
            raise


def _unless_refused(call: Callable[[], object], otherwise: str) -> str | None:
    try:
        call()
    except ClientError as error:
        if error_code(error) not in _REFUSED:
            raise
        return f"{otherwise}: {error.response['Error'].get('Message', error)}"
    return None
