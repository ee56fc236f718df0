"""What AWS's own SDK sends, told apart into the permissions that AWS asks for."""

from __future__ import annotations

import io
from typing import Any
from urllib.parse import unquote_to_bytes, urlsplit

import boto3
import pytest
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from botocore.config import Config

from localaws.exceptions import OperationUnknownError
from localaws.iam.needs import Need
from localaws.iam.operations import Call, needs

ACCOUNT = "123456789012"
ENDPOINT = "http://127.0.0.1:4566"
TABLE = "arn:aws:dynamodb:eu-west-1:123456789012:table/results"
QUEUE = "arn:aws:mediaconvert:eu-west-1:123456789012:queues/spotcheck"
ROLE = "arn:aws:iam::123456789012:role/converter"
KEY = {"RequestID": {"S": "x"}}


def call_of(service: str, operation: str, **parameters: Any) -> Call:
    """The request that boto3 would send."""
    sent: list[Any] = []

    def keep(request: Any, **_: Any) -> AWSResponse:
        sent.append(request)
        raw: Any = io.BytesIO(b"{}")
        raw.stream = lambda *_args, **_kwargs: iter([b""])
        return AWSResponse(request.url, 200, HTTPHeaders(), raw)

    make: Any = boto3.client
    client = make(
        service,
        endpoint_url=ENDPOINT,
        region_name="eu-west-1",
        aws_access_key_id="ASIAROLE",
        aws_secret_access_key="x",
        config=Config(s3={"addressing_style": "path"}, retries={"total_max_attempts": 1}),
    )
    client.meta.events.register("before-send", keep)
    try:
        getattr(client, operation)(**parameters)
    except Exception:
        if not sent:
            raise
    request = sent[0]
    url = urlsplit(request.url)
    body = request.body or b""
    data = body if isinstance(body, bytes) else body.read() if hasattr(body, "read") else str(body).encode()
    headers = {
        "HTTP_" + name.upper().replace("-", "_"): value.decode() if isinstance(value, bytes) else str(value)
        for name, value in request.headers.items()
    }
    environ: Any = {
        "REQUEST_METHOD": request.method,
        "PATH_INFO": unquote_to_bytes(url.path).decode("latin-1"),
        "QUERY_STRING": url.query,
        "wsgi.input": io.BytesIO(data),
        **headers,
    }
    call = Call.of(environ, ACCOUNT)
    assert call is not None
    return call


def s3_object(key: str) -> str:
    return f"arn:aws:s3:::images/{key}"


@pytest.mark.parametrize(
    ("operation", "parameters", "expected"),
    [
        ("get_object", {"Key": "a b/é.png"}, [Need("s3:GetObject", s3_object("a b/é.png"))]),
        ("get_object", {"Key": "a", "VersionId": "v"}, [Need("s3:GetObjectVersion", s3_object("a"))]),
        ("head_object", {"Key": "a//b"}, [Need("s3:GetObject", s3_object("a//b"))]),
        ("put_object", {"Key": "a", "Body": b"x"}, [Need("s3:PutObject", s3_object("a"))]),
        ("put_object", {"Key": "a", "IfNoneMatch": "*"}, [Need("s3:PutObject", s3_object("a"))]),
        (
            "put_object",
            {"Key": "a", "IfMatch": "e"},
            [Need("s3:PutObject", s3_object("a")), Need("s3:GetObject", s3_object("a"))],
        ),
        (
            "put_object",
            {"Key": "a", "Tagging": "t=1", "ACL": "private"},
            [
                Need("s3:PutObject", s3_object("a")),
                Need("s3:PutObjectTagging", s3_object("a")),
                Need("s3:PutObjectAcl", s3_object("a")),
            ],
        ),
        (
            "copy_object",
            {"Key": "a", "CopySource": {"Bucket": "other", "Key": "b c"}},
            [Need("s3:PutObject", s3_object("a")), Need("s3:GetObject", "arn:aws:s3:::other/b c")],
        ),
        ("delete_object", {"Key": "a"}, [Need("s3:DeleteObject", s3_object("a"))]),
        ("delete_object", {"Key": "a", "VersionId": "v"}, [Need("s3:DeleteObjectVersion", s3_object("a"))]),
        ("create_multipart_upload", {"Key": "a"}, [Need("s3:PutObject", s3_object("a"))]),
        (
            "list_objects_v2",
            {"Prefix": "video_inputs/x/"},
            [Need("s3:ListBucket", "arn:aws:s3:::images", {"s3:prefix": "video_inputs/x/"})],
        ),
        ("list_object_versions", {}, [Need("s3:ListBucketVersions", "arn:aws:s3:::images")]),
        ("head_bucket", {}, [Need("s3:ListBucket", "arn:aws:s3:::images")]),
    ],
)
def test_s3(operation: str, parameters: dict[str, Any], expected: list[Need]) -> None:
    def asked(need: Need) -> tuple[str, str, object]:
        return need.action, need.resource, need.context.get("s3:prefix")

    found = needs(call_of("s3", operation, Bucket="images", **parameters))
    assert [asked(need) for need in found] == [asked(need) for need in expected]


@pytest.mark.parametrize(
    ("operation", "parameters", "expected"),
    [
        ("get_item", {"Key": KEY}, ("dynamodb:GetItem", TABLE)),
        ("put_item", {"Item": KEY}, ("dynamodb:PutItem", TABLE)),
        (
            "query",
            {"IndexName": "by-day", "KeyConditionExpression": "a = :b"},
            ("dynamodb:Query", f"{TABLE}/index/by-day"),
        ),
        ("scan", {}, ("dynamodb:Scan", TABLE)),
    ],
)
def test_dynamodb(operation: str, parameters: dict[str, Any], expected: tuple[str, str]) -> None:
    [need] = needs(call_of("dynamodb", operation, TableName="results", **parameters))
    assert (need.action, need.resource) == expected


def test_a_transaction_needs_each_of_its_actions() -> None:
    call = call_of(
        "dynamodb",
        "transact_write_items",
        TransactItems=[
            {"Put": {"TableName": "results", "Item": KEY}},
            {"Update": {"TableName": "results", "Key": KEY, "UpdateExpression": "SET a = b"}},
            {"ConditionCheck": {"TableName": "results", "Key": KEY, "ConditionExpression": "a = b"}},
        ],
    )
    assert [need.action for need in needs(call)] == [
        "dynamodb:PutItem",
        "dynamodb:UpdateItem",
        "dynamodb:ConditionCheckItem",
    ]


def test_creating_a_job_passes_its_role_to_mediaconvert() -> None:
    call = call_of("mediaconvert", "create_job", Role=ROLE, Queue=QUEUE, Settings={"Inputs": []})
    assert needs(call) == [
        Need("mediaconvert:CreateJob", QUEUE),
        Need("iam:PassRole", ROLE, {"iam:PassedToService": "mediaconvert.amazonaws.com"}, owner=ACCOUNT),
    ]


def test_a_job_without_a_queue_goes_to_the_default_one() -> None:
    call = call_of("mediaconvert", "create_job", Role=ROLE, Settings={"Inputs": []})
    assert needs(call)[0].resource == "arn:aws:mediaconvert:eu-west-1:123456789012:queues/Default"


def test_jobs_are_listed_on_their_queue() -> None:
    assert needs(call_of("mediaconvert", "list_jobs", Queue=QUEUE)) == [Need("mediaconvert:ListJobs", QUEUE)]


@pytest.mark.parametrize(
    ("service", "operation", "parameters", "expected"),
    [
        (
            "sqs",
            "send_message",
            {"QueueUrl": f"{ENDPOINT}/{ACCOUNT}/dead", "MessageBody": "x"},
            ("sqs:SendMessage", "arn:aws:sqs:eu-west-1:123456789012:dead"),
        ),
        (
            "logs",
            "put_log_events",
            {"logGroupName": "/g", "logStreamName": "s", "logEvents": [{"timestamp": 1, "message": "x"}]},
            ("logs:PutLogEvents", "arn:aws:logs:eu-west-1:123456789012:log-group:/g:log-stream:s"),
        ),
        (
            "lambda",
            "invoke",
            {"FunctionName": "detect", "Qualifier": "live"},
            ("lambda:InvokeFunction", "arn:aws:lambda:eu-west-1:123456789012:function:detect:live"),
        ),
        *(
            (
                "lambda",
                f"{verb}_provisioned_concurrency_config",
                {"FunctionName": "detect", "Qualifier": "live", **more},
                (
                    f"lambda:{verb.title()}ProvisionedConcurrencyConfig",
                    "arn:aws:lambda:eu-west-1:123456789012:function:detect:live",
                ),
            )
            for verb, more in (
                ("get", {}),
                ("put", {"ProvisionedConcurrentExecutions": 1}),
                ("delete", {}),
            )
        ),
        *(
            (
                "lambda",
                f"{verb}_function_concurrency",
                {"FunctionName": "detect", **more},
                (
                    f"lambda:{verb.title()}FunctionConcurrency",
                    "arn:aws:lambda:eu-west-1:123456789012:function:detect",
                ),
            )
            for verb, more in (("get", {}), ("put", {"ReservedConcurrentExecutions": 1}), ("delete", {}))
        ),
    ],
)
def test_other_services(
    service: str, operation: str, parameters: dict[str, Any], expected: tuple[str, str]
) -> None:
    [need] = needs(call_of(service, operation, **parameters))
    assert (need.action, need.resource) == expected


def test_asking_who_one_is_needs_no_permission() -> None:
    assert needs(call_of("sts", "get_caller_identity")) == []


@pytest.mark.parametrize(
    ("service", "operation", "parameters"),
    [
        ("s3", "put_bucket_policy", {"Bucket": "images", "Policy": "{}"}),
        ("s3", "get_object_tagging", {"Bucket": "images", "Key": "a"}),
        ("s3", "delete_objects", {"Bucket": "images", "Delete": {"Objects": [{"Key": "a"}]}}),
        ("s3", "list_buckets", {}),
        ("dynamodb", "delete_table", {"TableName": "results"}),
        ("sqs", "purge_queue", {"QueueUrl": f"{ENDPOINT}/{ACCOUNT}/dead"}),
        ("logs", "delete_log_group", {"logGroupName": "/g"}),
        ("lambda", "list_functions", {}),
        ("lambda", "list_provisioned_concurrency_configs", {"FunctionName": "detect"}),
        ("lambda", "get_function", {"FunctionName": "detect"}),
        ("mediaconvert", "list_queues", {}),
        ("iam", "list_roles", {}),
    ],
)
def test_a_call_that_no_function_makes_is_unknown(
    service: str, operation: str, parameters: dict[str, Any]
) -> None:
    with pytest.raises(OperationUnknownError):
        needs(call_of(service, operation, **parameters))


def test_a_request_that_nobody_signed_is_no_call() -> None:
    environ: Any = {"REQUEST_METHOD": "GET", "PATH_INFO": "/images/a", "QUERY_STRING": ""}
    assert Call.of(environ, ACCOUNT) is None


def test_a_presigned_request_tells_its_signer_too() -> None:
    credential = "ASIAROLE%2F20261122%2Feu-west-1%2Fs3%2Faws4_request"
    environ: Any = {
        "REQUEST_METHOD": "GET",
        "PATH_INFO": "/images/a",
        "QUERY_STRING": f"X-Amz-Credential={credential}&X-Amz-Signature=0",
    }
    call = Call.of(environ, ACCOUNT)
    assert call is not None
    assert call.access_key == "ASIAROLE"
    assert [need.action for need in needs(call)] == ["s3:GetObject"]
