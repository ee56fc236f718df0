"""What stands in a deployment's way, found in a plan and in an account."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from spotcheck.preflight import AccountLimits, DataLoss, Names, Planned, Regions, run_checks


def change(
    kind: str, actions: list[str], after: Any, before: Any = None, name: str = "this"
) -> dict[str, Any]:
    return {
        "type": kind,
        "address": f"{kind}.{name}",
        "change": {"actions": actions, "before": before, "after": after},
    }


def planned(*changes: dict[str, Any], region: str = "eu-west-1") -> Planned:
    outputs = {"region": {"value": region}}
    return Planned.from_json({"planned_values": {"outputs": outputs}, "resource_changes": list(changes)})


def function(memory: int = 2048) -> dict[str, Any]:
    return change("aws_lambda_function", ["create"], {"function_name": "f", "memory_size": memory})


class FakeLambda:
    def __init__(self, total: int) -> None:
        self.total = total

    def get_account_settings(self) -> dict[str, Any]:
        return {"AccountLimit": {"ConcurrentExecutions": self.total}}


class Account:
    """Answers look-ups: what it has exists, `refusal` is the code for everything else."""

    def __init__(self, *names: str, refusal: str = "ResourceNotFoundException") -> None:
        self.names = names
        self.refusal = refusal

    def look(self, name: str) -> None:
        if name not in self.names:
            raise ClientError({"Error": {"Code": self.refusal}}, "LookUp")

    def describe_table(self, TableName: str) -> None:  # noqa: N803 - boto3's spelling
        self.look(TableName)

    def head_bucket(self, Bucket: str) -> None:  # noqa: N803
        self.look(Bucket)

    def get_function(self, FunctionName: str) -> None:  # noqa: N803
        self.look(FunctionName)


def names_in(account: Account) -> Names:
    return Names(account, account, account)


def test_a_fresh_account_is_told_of_its_ten_and_not_stopped() -> None:
    found = list(AccountLimits(FakeLambda(10)).findings(planned(function())))
    assert [finding.stops for finding in found] == [False]
    assert "10 functions at a time" in found[0].message


def test_an_ordinary_account_has_nothing_to_be_told() -> None:
    assert not list(AccountLimits(FakeLambda(1000)).findings(planned(function())))


def test_large_memory_in_a_fresh_account_is_told() -> None:
    found = list(AccountLimits(FakeLambda(10)).findings(planned(function(memory=4096))))
    assert any("4096 MB" in finding.message and not finding.stops for finding in found)


def test_a_region_without_media_convert_stops_and_names_others() -> None:
    offered = {"lambda": ["eu-west-1"], "mediaconvert": ["us-east-1", "eu-central-1"]}
    found = list(Regions(offered.__getitem__).findings(planned()))
    assert [finding.message for finding in found] == [
        "MediaConvert is not offered in eu-west-1: choose another region, such as eu-central-1."
    ]


def test_the_notebooks_table_is_recognised_and_both_ways_out_are_named() -> None:
    table = change("aws_dynamodb_table", ["create"], {"name": "lookout_for_vision_summary"}, name="results")
    found = list(names_in(Account("lookout_for_vision_summary")).findings(planned(table)))
    assert found[0].stops
    assert "--var results_table=NAME" in found[0].message
    assert "import 'aws_dynamodb_table.results' lookout_for_vision_summary" in found[0].message


def test_names_that_nobody_has_are_free() -> None:
    table = change("aws_dynamodb_table", ["create"], {"name": "t"})
    bucket = change("aws_s3_bucket", ["create"], {"bucket": "b"})
    assert not list(names_in(Account()).findings(planned(table, bucket, function())))


def test_a_bucket_of_somebody_else_is_a_clash() -> None:
    bucket = change("aws_s3_bucket", ["create"], {"bucket": "b"})
    assert list(names_in(Account(refusal="403")).findings(planned(bucket)))


def test_what_the_stack_has_already_is_no_clash() -> None:
    table = change("aws_dynamodb_table", ["update"], {"name": "t"})
    assert not list(names_in(Account("t")).findings(planned(table)))


@pytest.mark.parametrize("actions", [["delete"], ["delete", "create"], ["create", "delete"]])
def test_a_plan_that_would_lose_data_stops(actions: list[str]) -> None:
    table = change("aws_dynamodb_table", actions, {"name": "new"})
    assert "would delete aws_dynamodb_table.this" in next(DataLoss().findings(planned(table))).message


def test_replacing_what_holds_no_data_is_fine() -> None:
    layer = change("aws_lambda_layer_version", ["create", "delete"], {})
    assert not list(DataLoss().findings(planned(layer)))


def test_a_check_that_aws_refuses_is_told_and_does_not_stop() -> None:
    table = change("aws_dynamodb_table", ["create"], {"name": "t"})
    found = run_checks([names_in(Account(refusal="AccessDenied")), DataLoss()], planned(table))
    assert [finding.stops for finding in found] == [False]
    assert found[0].message.startswith("Not checked (Names): ")
