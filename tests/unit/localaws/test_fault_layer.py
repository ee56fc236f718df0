"""How a call fails: as the SDK of each service expects it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from botocore.awsrequest import HeadersDict
from botocore.parsers import create_parser
from botocore.session import get_session
from werkzeug.test import Client, EnvironBuilder

from localaws.exceptions import ConnectionDroppedError
from localaws.fault_layer import Call, FaultLayer
from localaws.faults import Faults, Plan, Rule

if TYPE_CHECKING:
    from collections.abc import Iterable

    from _typeshed.wsgi import StartResponse, WSGIEnvironment

AGENT = "Boto3/1.0 exec-env/AWS_Lambda_python3.13"


class Service:
    """Answers everything, and counts."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, _: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        self.calls += 1
        start_response("200 OK", [])
        return [b"done"]


def signed(service: str, **more: Any) -> dict[str, Any]:
    scope = f"AWS4-HMAC-SHA256 Credential=test/20261122/us-east-1/{service}/aws4_request, Signature=0"
    headers = {"Authorization": scope, "User-Agent": AGENT, "X-Amz-Security-Token": "stream"}
    return {"headers": headers | more.pop("headers", {}), **more}


def call_of(service: str, method: str, path: str, query: str = "", **headers: str) -> Call:
    settings = signed(service, headers=headers)
    call = Call.of(EnvironBuilder(path, method=method, query_string=query, **settings).get_environ())
    assert call is not None
    return call


@pytest.mark.parametrize(
    ("method", "path", "query", "operation"),
    [
        ("GET", "/bucket/a/key.png", "versionId=1", "GetObject"),
        ("HEAD", "/bucket/key", "", "HeadObject"),
        ("PUT", "/bucket/key", "", "PutObject"),
        ("PUT", "/bucket/key", "partNumber=1&uploadId=2", "UploadPart"),
        ("POST", "/bucket/key", "uploads", "CreateMultipartUpload"),
        ("DELETE", "/bucket/key", "", "DeleteObject"),
        ("GET", "/bucket", "list-type=2", "ListObjectsV2"),
        ("GET", "/bucket", "versions", "ListObjectVersions"),
    ],
)
def test_an_operation_of_s3_is_told_by_its_request(
    method: str, path: str, query: str, operation: str
) -> None:
    assert call_of("s3", method, path, query).operation == operation


def test_other_operations_are_told_by_target_or_path() -> None:
    put = call_of("dynamodb", "POST", "/", **{"X-Amz-Target": "DynamoDB_20120810.PutItem"})
    assert put.operation == "PutItem"
    assert call_of("mediaconvert", "POST", "/2017-08-29/jobs").operation == "CreateJob"
    assert call_of("mediaconvert", "GET", "/2017-08-29/jobs").operation == "ListJobs"
    assert call_of("mediaconvert", "GET", "/2017-08-29/jobs/1-a").operation == "GetJob"
    assert call_of("lambda", "POST", "/2015-03-31/functions/f/invocations").operation == "Invoke"


def test_a_function_is_told_from_a_client_and_a_worker_by_its_token() -> None:
    call = call_of("s3", "GET", "/bucket/key")
    assert (call.function, call.worker) == (True, "stream")
    client = call_of("s3", "GET", "/bucket/key", **{"User-Agent": "Boto3/1.0"})
    assert (client.function, client.worker) == (False, "")


@pytest.mark.parametrize(
    ("service", "kind", "status", "code"),
    [
        ("s3", "throttle", 503, "SlowDown"),
        ("s3", "error", 500, "InternalError"),
        ("s3", "denied", 403, "AccessDenied"),
        ("dynamodb", "throttle", 400, "ProvisionedThroughputExceededException"),
        ("dynamodb", "error", 500, "InternalServerError"),
        ("dynamodb", "denied", 400, "AccessDeniedException"),
        ("lambda", "throttle", 429, "TooManyRequestsException"),
        ("mediaconvert", "throttle", 429, "TooManyRequestsException"),
        ("mediaconvert", "error", 500, "InternalServerErrorException"),
        ("logs", "throttle", 400, "ThrottlingException"),
    ],
)
def test_an_error_is_what_the_sdk_reads_from_the_real_service(
    service: str, kind: str, status: int, code: str
) -> None:
    app = Service()
    layer = FaultLayer(app, Faults(Plan(0, (Rule(kind=kind, rate=1),))), lambda _: None)
    answer = Client(layer).get("/bucket/key", **signed(service))
    model = get_session().get_service_model(service)
    shape: Any = model.operation_model(model.operation_names[0]).output_shape
    raw = {"status_code": answer.status_code, "headers": HeadersDict(answer.headers), "body": answer.data}
    parsed = create_parser(model.metadata["protocol"]).parse(raw, shape)
    assert (answer.status_code, parsed["Error"]["Code"]) == (status, code)
    assert parsed["Error"]["Message"]
    assert app.calls == 0


@pytest.mark.parametrize(
    ("kind", "done", "killed"),
    [("reset", 0, []), ("lost-answer", 1, []), ("kill", 0, ["stream"]), ("kill-after", 1, ["stream"])],
)
def test_a_connection_is_dropped_before_or_after_the_service_did_its_part(
    kind: str, done: int, killed: list[str]
) -> None:
    app, victims = Service(), list[str]()
    layer = FaultLayer(app, Faults(Plan(0, (Rule(kind=kind, rate=1),))), victims.append)
    with pytest.raises(ConnectionDroppedError, match=kind):
        Client(layer).get("/bucket/key", **signed("s3"))
    assert (app.calls, victims) == (done, killed)


def test_a_late_answer_is_the_right_one() -> None:
    waits: list[float] = []
    faults = Faults(Plan(0, (Rule(kind="late", rate=1, seconds=3),)))
    layer = FaultLayer(Service(), faults, lambda _: None, waits.append)
    assert Client(layer).get("/bucket/key", **signed("s3")).data == b"done"
    assert [0 <= wait < 3 for wait in waits] == [True]


def test_clients_and_unsigned_requests_are_served() -> None:
    layer = FaultLayer(Service(), Faults(Plan(0, (Rule(kind="reset", rate=1),))), lambda _: None)
    assert Client(layer).get("/bucket/key").data == b"done"
    assert Client(layer).get("/k", **signed("s3", headers={"User-Agent": "Boto3/1.0"})).data == b"done"
