"""Amazon Resource Names of projects and models, as Lookout for Vision wrote them."""

from __future__ import annotations

import re
from dataclasses import dataclass

from chalicelib.lookout.api.errors import ValidationException

_MODEL = re.compile(r"arn:[^:]+:lookoutvision:[^:]+:[^:]*:model/([a-zA-Z0-9][\w-]*)/([1-9][0-9]*)", re.ASCII)


@dataclass(frozen=True, slots=True)
class Names:
    """Makes ARNs in one account and region.

    Attributes:
        partition: `aws`, `aws-cn` or `aws-us-gov`.
        region: Such as `eu-west-1`.
        account: Twelve digits.
    """

    partition: str
    region: str
    account: str

    @classmethod
    def of_function(cls, function_arn: str) -> Names:
        """Those of the account in which a function runs, told by its ARN."""
        _, partition, _, region, account, *_ = function_arn.split(":")
        return cls(partition, region, account)

    def project_arn(self, project: str) -> str:
        """A project's ARN."""
        return f"{self._prefix}:project/{project}"

    def model_arn(self, project: str, version: str) -> str:
        """The ARN of a version of a project's model."""
        return f"{self._prefix}:model/{project}/{version}"

    def parse_model_arn(self, arn: str) -> tuple[str, str]:
        """Project and version of a model's ARN.

        Raises:
            ValidationException: It is no model's ARN, or not one of this account and region.
        """
        found = _MODEL.fullmatch(arn)
        if found is None or self.model_arn(*found.groups()) != arn:
            message = (
                f"{arn} is no ARN of a model in account {self.account} and region {self.region}: only models "
                f"have tags, and theirs look like {self.model_arn('PROJECT', '1')}."
            )
            raise ValidationException(message)
        return found[1], found[2]

    @property
    def _prefix(self) -> str:
        return f"arn:{self.partition}:lookoutvision:{self.region}:{self.account}"
