"""Names and ARNs of functions."""

from __future__ import annotations

import pytest

from localaws.lambda_.functions import FunctionName

ARN = "arn:aws:lambda:eu-west-1:999999999999:function:judge"


@pytest.mark.parametrize(
    ("text", "qualifier", "expected"),
    [
        ("judge", None, ("123456789012", "us-east-1", "judge", None)),
        ("judge", "live", ("123456789012", "us-east-1", "judge", "live")),
        ("judge:live", None, ("123456789012", "us-east-1", "judge", "live")),
        ("999999999999:function:judge", None, ("999999999999", "us-east-1", "judge", None)),
        (ARN, None, ("999999999999", "eu-west-1", "judge", None)),
        (f"{ARN}:live", None, ("999999999999", "eu-west-1", "judge", "live")),
        (f"{ARN}:$LATEST", "live", ("999999999999", "eu-west-1", "judge", "$LATEST")),
    ],
)
def test_every_way_of_naming_a_function_is_understood(
    text: str, qualifier: str | None, expected: tuple[str, str, str, str | None]
) -> None:
    name = FunctionName.parse(text, account="123456789012", region="us-east-1", qualifier=qualifier)

    assert (name.account, name.region, name.name, name.qualifier) == expected


def test_the_arn_carries_the_qualifier() -> None:
    assert FunctionName("1", "r", "f", "live").arn == "arn:aws:lambda:r:1:function:f:live"
    assert FunctionName("1", "r", "f", None).arn == "arn:aws:lambda:r:1:function:f"
