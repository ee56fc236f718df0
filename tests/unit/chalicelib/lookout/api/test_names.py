"""ARNs as Lookout for Vision wrote them."""

from __future__ import annotations

import pytest

from chalicelib.lookout.api.errors import ValidationException
from chalicelib.lookout.api.names import Names

NAMES = Names("aws", "eu-west-1", "123456789012")


def test_a_functions_arn_tells_partition_region_and_account() -> None:
    arn = "arn:aws-cn:lambda:cn-north-1:210987654321:function:spotcheck-api_handler:live"
    assert Names.of_function(arn) == Names("aws-cn", "cn-north-1", "210987654321")


def test_projects_and_models_have_arns() -> None:
    assert NAMES.project_arn("cars") == "arn:aws:lookoutvision:eu-west-1:123456789012:project/cars"
    assert NAMES.model_arn("cars", "3") == "arn:aws:lookoutvision:eu-west-1:123456789012:model/cars/3"


def test_a_models_arn_is_taken_apart() -> None:
    assert NAMES.parse_model_arn(NAMES.model_arn("Cars-2_b", "12")) == ("Cars-2_b", "12")


@pytest.mark.parametrize(
    "arn",
    [
        "",
        "cars",
        NAMES.project_arn("cars"),
        NAMES.model_arn("cars", "0"),
        NAMES.model_arn("cars", "latest"),
        NAMES.model_arn("cars/1", "2"),
        NAMES.model_arn("cars", "1") + "\n",
        Names("aws", "us-east-1", "123456789012").model_arn("cars", "1"),
        Names("aws", "eu-west-1", "210987654321").model_arn("cars", "1"),
    ],
)
def test_any_other_arn_is_refused(arn: str) -> None:
    with pytest.raises(ValidationException, match="theirs look like arn:aws:lookoutvision:eu-west-1:"):
        NAMES.parse_model_arn(arn)
