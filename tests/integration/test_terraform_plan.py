"""A real plan of the real configuration, and what the checks before a deployment read in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from moto.server import ThreadedMotoServer

from spotcheck import packaging, stack
from spotcheck.exceptions import StackError
from spotcheck.preflight import AccountLimits, DataLoss, Names, Planned, Regions, run_checks
from spotcheck.stack import Stack
from spotcheck.targets import local_config, local_session

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def endpoint_url() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture(scope="module")
def plan_json(endpoint_url: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    packaging.build()
    local = Stack.local(endpoint_url, state_dir=tmp_path_factory.mktemp("stack"))
    local.init()
    return local.changes(local.plan())


def client(name: str, endpoint_url: str) -> Any:
    session: Any = local_session()
    return session.client(name, endpoint_url=endpoint_url, config=local_config())


def test_a_new_stack_creates_its_buckets_table_and_functions(plan_json: dict[str, Any]) -> None:
    planned = Planned.from_json(plan_json)
    kinds = [kind for kind, _, _ in planned.created]
    assert planned.region == "us-east-1"
    assert kinds.count("aws_s3_bucket") == 4
    assert kinds.count("aws_dynamodb_table") == 1
    assert {function["handler"] for function in planned.functions.values()} >= {
        "app.detect_image",
        "app.detect_frame",
    }
    assert planned.lost == []


def test_the_notebooks_table_in_the_account_is_a_clash(plan_json: dict[str, Any], endpoint_url: str) -> None:
    dynamodb, s3, functions = (client(name, endpoint_url) for name in ("dynamodb", "s3", "lambda"))
    checks = [
        DataLoss(),
        Regions(local_session().get_available_regions),
        Names(dynamodb, s3, functions),
    ]
    planned = Planned.from_json(plan_json)
    assert run_checks(checks, planned) == []
    dynamodb.create_table(
        TableName="lookout_for_vision_summary",
        KeySchema=[{"AttributeName": "RequestID", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "RequestID", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    [finding] = run_checks(checks, planned)
    assert finding.stops
    assert "--var results_table=NAME" in finding.message


def test_limits_that_an_account_does_not_tell_are_no_obstacle(
    plan_json: dict[str, Any], endpoint_url: str
) -> None:
    found = run_checks([AccountLimits(client("lambda", endpoint_url))], Planned.from_json(plan_json))
    assert not any(finding.stops for finding in found)


def test_another_account_behind_the_endpoint_is_refused(
    endpoint_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stack, "LOCAL_ACCOUNT", "999999999999")
    with pytest.raises(StackError, match="answers for account 123456789012"):
        Stack.local(endpoint_url).init()


def test_an_endpoint_where_nothing_answers_names_the_command_that_starts_it() -> None:
    with pytest.raises(StackError, match="`spotcheck up`"):
        Stack.local("http://127.0.0.1:9").init()
