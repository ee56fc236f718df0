"""Who may do what: every role's deployed policy, evaluated as IAM evaluates it.

One row is one question. The roles are read from the IAM of the stack under test; the same evaluator lets the
deployed functions pass or not in every other integration test.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from support_deployed import GRANTED_BUCKET

from localaws.iam import Request, decide, statements, trusts

if TYPE_CHECKING:
    from support_deployed import Deployed

ACCOUNT, REGION, NAME = "123456789012", "us-east-1", "spotcheck"
FUNCTIONS = (
    "detect_image",
    "detect_frame",
    "convert_video",
    "on_video_job",
    "api_handler",
    "detect_anomalies",
    "run_job",
    "train_model",
)
API_FUNCTIONS = ("api_handler", "detect_anomalies", "run_job")
ROLES = (*FUNCTIONS, "mediaconvert")
BUCKETS = {
    what: f"arn:aws:s3:::{NAME}-{what}-{ACCOUNT}-{REGION}"
    for what in ("videos", "images", "results", "models")
}
GRANTED = f"arn:aws:s3:::{GRANTED_BUCKET}"
TABLE = f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/lookout_for_vision_summary"
QUEUE = f"arn:aws:mediaconvert:{REGION}:{ACCOUNT}:queues/{NAME}"
LENT = f"arn:aws:iam::{ACCOUNT}:role/{NAME}-mediaconvert-{REGION}"
DEAD = f"arn:aws:sqs:{REGION}:{ACCOUNT}:{NAME}-dead-letters"
SOMEBODY_ELSES = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:somebody-elses"
ADMIN = f"arn:aws:iam::{ACCOUNT}:role/admin"
TO_MEDIACONVERT = {"iam:PassedToService": "mediaconvert.amazonaws.com"}
TO_LAMBDA = {"iam:PassedToService": "lambda.amazonaws.com"}


def log_of(function: str) -> str:
    return f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/aws/lambda/{NAME}-{function}:log-stream:x"


def function(name: str) -> str:
    return f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{NAME}-{name}"


Row = tuple[Any, ...]  # role, action, resource, allowed?, and perhaps the context of the request

DETECTORS: list[Row] = [
    row
    for role, own, foreign in (
        ("detect_image", "image_inputs", "video_inputs"),
        ("detect_frame", "video_inputs", "image_inputs"),
    )
    for row in (
        (role, "s3:GetObject", f"{BUCKETS['images']}/{own}/a.png", True),
        (role, "s3:GetObjectVersion", f"{BUCKETS['images']}/{own}/a.png", True),
        (role, "s3:ListBucket", BUCKETS["images"], True),
        (role, "s3:GetObject", f"{BUCKETS['images']}/{foreign}/a.png", False),
        (role, "s3:GetObject", f"{BUCKETS['images']}/elsewhere/a.png", False),
        (role, "s3:PutObject", f"{BUCKETS['images']}/{own}/a.png", False),
        (role, "s3:DeleteObject", f"{BUCKETS['images']}/{own}/a.png", False),
        (role, "s3:DeleteObjectVersion", f"{BUCKETS['images']}/{own}/a.png", False),
        (role, "s3:GetObject", f"{BUCKETS['videos']}/video_inputs/a.mp4", False),
        (role, "s3:GetObject", f"{BUCKETS['models']}/projects/spotcheck/current.json", True),
        (role, "s3:GetObject", f"{BUCKETS['models']}/projects/another/current.json", False),
        (role, "s3:GetObject", f"{BUCKETS['models']}/layers/x.zip", False),
        (role, "s3:PutObject", f"{BUCKETS['models']}/projects/spotcheck/current.json", False),
        (role, "s3:PutObject", f"{BUCKETS['results']}/results/a.json", True),
        (role, "s3:GetObject", f"{BUCKETS['results']}/history/a.json", True),
        (role, "s3:PutObject", f"{BUCKETS['results']}/heatmaps/a.png", True),
        (role, "s3:PutObject", f"{BUCKETS['results']}/totals/2026-11-22.json", True),
        (role, "s3:PutObject", f"{BUCKETS['results']}/elsewhere/a.png", False),
        (role, "s3:DeleteObject", f"{BUCKETS['results']}/results/a.json", False),
        (role, "s3:PutObjectAcl", f"{BUCKETS['results']}/results/a.json", False),
        (role, "s3:PutBucketPolicy", BUCKETS["results"], False),
        (role, "s3:GetObject", "arn:aws:s3:::payroll/image_inputs/a.png", False),
        (role, "dynamodb:GetItem", TABLE, True),
        (role, "dynamodb:PutItem", TABLE, True),
        (role, "dynamodb:DeleteItem", TABLE, False),
        (role, "dynamodb:Scan", TABLE, False),
        (role, "dynamodb:PutItem", f"{TABLE}_2", False),
        (role, "mediaconvert:CreateJob", QUEUE, False),
        (role, "iam:PassRole", LENT, False, TO_MEDIACONVERT),
    )
]
ROWS: list[Row] = [
    *DETECTORS,
    ("detect_frame", "dynamodb:UpdateItem", TABLE, True),
    ("detect_image", "dynamodb:UpdateItem", TABLE, False),
    ("convert_video", "mediaconvert:CreateJob", QUEUE, True),
    ("convert_video", "mediaconvert:ListJobs", QUEUE, True),
    ("convert_video", "mediaconvert:CreateJob", QUEUE.replace(NAME, "Default"), False),
    ("convert_video", "mediaconvert:DeleteQueue", QUEUE, False),
    ("convert_video", "iam:PassRole", LENT, True, TO_MEDIACONVERT),
    ("convert_video", "iam:PassRole", LENT, False, TO_LAMBDA),
    ("convert_video", "iam:PassRole", LENT, False),
    ("convert_video", "iam:PassRole", ADMIN, False, TO_MEDIACONVERT),
    ("convert_video", "s3:GetObjectVersion", f"{BUCKETS['videos']}/video_inputs/a.mp4", True),
    ("convert_video", "s3:PutObject", f"{BUCKETS['videos']}/video_sources/a.mp4", True),
    ("convert_video", "s3:PutObject", f"{BUCKETS['videos']}/video_inputs/a.mp4", False),
    ("convert_video", "s3:DeleteObject", f"{BUCKETS['videos']}/video_inputs/a.mp4", False),
    ("convert_video", "s3:GetObject", f"{BUCKETS['images']}/image_inputs/a.png", False),
    ("convert_video", "s3:PutObject", f"{BUCKETS['images']}/video_inputs/a.jpg", False),
    ("convert_video", "dynamodb:PutItem", TABLE, True),
    ("convert_video", "dynamodb:UpdateItem", TABLE, True),
    ("convert_video", "dynamodb:DeleteItem", TABLE, False),
    ("on_video_job", "dynamodb:UpdateItem", TABLE, True),
    ("on_video_job", "dynamodb:DeleteItem", TABLE, False),
    ("on_video_job", "s3:ListBucket", BUCKETS["images"], True),
    ("on_video_job", "s3:ListBucket", BUCKETS["videos"], False),
    ("on_video_job", "s3:GetObject", f"{BUCKETS['images']}/video_inputs/a.jpg", False),
    ("on_video_job", "mediaconvert:CreateJob", QUEUE, False),
    ("on_video_job", "iam:PassRole", LENT, False, TO_MEDIACONVERT),
    ("mediaconvert", "s3:GetObject", f"{BUCKETS['videos']}/video_sources/a.mp4", True),
    ("mediaconvert", "s3:GetObject", f"{BUCKETS['videos']}/video_inputs/a.mp4", False),
    ("mediaconvert", "s3:GetObject", f"{BUCKETS['videos']}/elsewhere/a.mp4", False),
    ("mediaconvert", "s3:GetObject", f"{BUCKETS['images']}/image_inputs/a.png", False),
    ("mediaconvert", "s3:PutObject", f"{BUCKETS['images']}/video_inputs/x/frame.0000000.jpg", True),
    ("mediaconvert", "s3:PutObject", f"{BUCKETS['images']}/video_proxies/x/proxy.mp4", True),
    ("mediaconvert", "s3:PutObject", f"{BUCKETS['images']}/image_inputs/a.png", False),
    ("mediaconvert", "s3:PutObject", f"{BUCKETS['results']}/results/a.json", False),
    ("mediaconvert", "s3:DeleteObject", f"{BUCKETS['videos']}/video_inputs/a.mp4", False),
    ("mediaconvert", "dynamodb:GetItem", TABLE, False),
    ("api_handler", "s3:PutObject", f"{BUCKETS['models']}/projects/cars/project.json", True),
    ("api_handler", "s3:DeleteObject", f"{BUCKETS['models']}/projects/cars/project.json", True),
    ("api_handler", "s3:DeleteObject", f"{BUCKETS['models']}/projects/cars/models/1/model.onnx", False),
    ("api_handler", "s3:GetObject", f"{BUCKETS['images']}/image_inputs/a.png", False),
    ("api_handler", "s3:PutObject", f"{BUCKETS['results']}/results/a.json", False),
    ("api_handler", "dynamodb:GetItem", TABLE, False),
    ("api_handler", "lambda:InvokeFunction", function("run_job:live"), True),
    ("api_handler", "lambda:InvokeFunction", function("run_job"), False),
    ("api_handler", "lambda:InvokeFunction", function("detect_image:live"), False),
    ("run_job", "s3:PutObject", f"{BUCKETS['models']}/projects/cars/project.json", True),
    (
        "api_handler",
        "s3:DeleteObject",
        f"{BUCKETS['models']}/projects/cars/datasets/train/dataset.json",
        True,
    ),
    ("api_handler", "s3:GetObject", f"{BUCKETS['images']}/datasets/cars/a.png", False),
    ("api_handler", "s3:GetObject", f"{GRANTED}/a.png", False),
    ("run_job", "s3:GetObject", f"{BUCKETS['images']}/datasets/cars/a.png", True),
    ("run_job", "s3:GetObjectVersion", f"{BUCKETS['images']}/datasets/cars/a.png", True),
    ("run_job", "s3:PutObject", f"{BUCKETS['images']}/datasets/cars/out.json", True),
    ("run_job", "s3:GetObject", f"{BUCKETS['images']}/image_inputs/a.png", False),
    ("run_job", "s3:DeleteObject", f"{BUCKETS['images']}/datasets/cars/a.png", False),
    ("run_job", "s3:GetObject", f"{GRANTED}/a.png", True),
    ("run_job", "s3:GetObjectVersion", f"{GRANTED}/a.png", True),
    ("run_job", "s3:PutObject", f"{GRANTED}/out/a.json", True),
    ("run_job", "s3:ListBucket", GRANTED, True),
    ("run_job", "s3:DeleteObject", f"{GRANTED}/a.png", False),
    ("run_job", "s3:GetObject", "arn:aws:s3:::payroll/a.png", False),
    ("run_job", "s3:DeleteObject", f"{BUCKETS['models']}/projects/cars/datasets/train/x/entries.jsonl", True),
    *((role, "s3:GetObject", f"{GRANTED}/a.png", False) for role in ("detect_image", "detect_frame")),
    ("detect_anomalies", "s3:GetObject", f"{GRANTED}/a.png", False),
    ("run_job", "s3:PutObject", f"{BUCKETS['results']}/results/a.json", False),
    ("api_handler", "s3:DeleteObject", f"{BUCKETS['models']}/projects/cars/models/1/claimed", True),
    ("api_handler", "s3:DeleteObject", f"{BUCKETS['models']}/projects/cars/trainings.json", True),
    ("api_handler", "lambda:InvokeFunction", function("train_model:live"), True),
    ("api_handler", "lambda:InvokeFunction", function("train_model"), False),
    ("run_job", "s3:DeleteObject", f"{BUCKETS['models']}/projects/cars/models/1/model.onnx", True),
    ("run_job", "s3:DeleteObject", f"{BUCKETS['models']}/projects/cars/project.json", False),
    ("run_job", "lambda:InvokeFunction", function("train_model:live"), False),
    ("train_model", "s3:GetObject", f"{BUCKETS['images']}/datasets/a.png", True),
    ("train_model", "s3:GetObject", f"{BUCKETS['images']}/image_inputs/a.png", False),
    ("train_model", "s3:PutObject", f"{BUCKETS['images']}/datasets/EvaluationResult-cars-1.json", True),
    ("train_model", "s3:PutObject", f"{BUCKETS['images']}/image_inputs/a.png", False),
    ("train_model", "s3:PutObject", f"{BUCKETS['models']}/projects/cars/models/1/model.onnx", True),
    ("train_model", "s3:DeleteObject", f"{BUCKETS['models']}/projects/cars/models/1/model.onnx", False),
    ("train_model", "s3:GetObject", f"{BUCKETS['models']}/layers/x.zip", False),
    ("train_model", "s3:PutObject", f"{BUCKETS['results']}/results/a.json", False),
    ("train_model", "s3:GetObject", "arn:aws:s3:::payroll/a.png", False),
    ("train_model", "lambda:InvokeFunction", function("run_job:live"), False),
    ("train_model", "dynamodb:GetItem", TABLE, False),
    ("run_job", "lambda:InvokeFunction", function("run_job:live"), True),
    ("run_job", "lambda:InvokeFunction", function("run_job"), False),
    ("run_job", "lambda:InvokeFunction", function("detect_image:live"), True),
    ("run_job", "lambda:InvokeFunction", function("detect_frame:live"), True),
    ("run_job", "lambda:InvokeFunction", function("convert_video:live"), False),
    *(
        ("run_job", f"lambda:{verb}ProvisionedConcurrencyConfig", function(resource), allowed)
        for verb in ("Get", "Put", "Delete")
        for resource, allowed in (
            ("detect_anomalies:live", True),
            ("detect_image:live", True),
            ("detect_frame:live", True),
            ("detect_image:7", False),
            ("detect_image", False),
            ("convert_video:live", False),
            ("run_job:live", False),
        )
    ),
    *(
        ("run_job", f"lambda:{verb}FunctionConcurrency", function(resource), allowed)
        for verb in ("Get", "Put", "Delete")
        for resource, allowed in (
            ("detect_anomalies", True),
            ("detect_image", True),
            ("detect_frame", True),
            ("convert_video", False),
            ("run_job", False),
        )
    ),
    (
        "run_job",
        "lambda:PutFunctionConcurrency",
        f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:somebody-elses",
        False,
    ),
    ("run_job", "lambda:UpdateFunctionCode", function("detect_image"), False),
    ("run_job", "dynamodb:Scan", f"{TABLE}/index/waiting", True),
    ("run_job", "dynamodb:Scan", TABLE, False),
    ("run_job", "dynamodb:Scan", f"{TABLE}/index/by-day", False),
    ("run_job", "dynamodb:PutItem", TABLE, False),
    ("api_handler", "lambda:PutFunctionConcurrency", function("detect_image"), False),
    ("detect_anomalies", "lambda:PutFunctionConcurrency", function("detect_anomalies"), False),
    ("detect_anomalies", "s3:GetObject", f"{BUCKETS['models']}/projects/cars/models/1/model.onnx", True),
    ("detect_anomalies", "s3:PutObject", f"{BUCKETS['models']}/projects/cars/current.json", False),
    ("detect_anomalies", "s3:GetObject", f"{BUCKETS['images']}/image_inputs/a.png", False),
    ("detect_anomalies", "dynamodb:PutItem", TABLE, False),
    ("detect_anomalies", "lambda:InvokeFunction", function("run_job:live"), False),
    *(
        row
        for role in API_FUNCTIONS
        for row in (
            (role, "s3:GetObject", f"{BUCKETS['models']}/layers/x.zip", False),
            (role, "s3:PutObject", f"{BUCKETS['models']}/layers/x.zip", False),
            (role, "s3:DeleteObject", f"{BUCKETS['models']}/layers/x.zip", False),
            (role, "s3:DeleteObject", f"{BUCKETS['images']}/image_inputs/a.png", False),
            (role, "s3:DeleteObjectVersion", f"{BUCKETS['models']}/projects/cars/project.json", False),
            (role, "s3:PutObject", f"{BUCKETS['images']}/image_inputs/a.png", False),
            (role, "s3:PutObject", f"{BUCKETS['videos']}/video_inputs/a.mp4", False),
            (role, "s3:PutBucketPolicy", BUCKETS["models"], False),
            (role, "s3:GetObject", "arn:aws:s3:::payroll/projects/cars/project.json", False),
            (role, "dynamodb:DeleteItem", TABLE, False),
            (role, "mediaconvert:CreateJob", QUEUE, False),
            (role, "iam:PassRole", LENT, False, TO_MEDIACONVERT),
            (role, "iam:PassRole", ADMIN, False, TO_LAMBDA),
            (role, "lambda:InvokeFunction", function("convert_video:live"), False),
            (role, "lambda:UpdateFunctionCode", function(role), False),
        )
    ),
    *((role, "logs:PutLogEvents", log_of(role), True) for role in FUNCTIONS),
    *((role, "logs:PutLogEvents", log_of("somebody-else"), False) for role in FUNCTIONS),
    *((role, "logs:DeleteLogStream", log_of(role), False) for role in FUNCTIONS),
    *((role, "sqs:SendMessage", DEAD, True) for role in FUNCTIONS),
    *((role, "sqs:ReceiveMessage", DEAD, False) for role in FUNCTIONS),
    *((role, "sqs:SendMessage", f"{DEAD}-2", False) for role in FUNCTIONS),
    *((role, "sts:AssumeRole", ADMIN, False) for role in ROLES),
    *((role, "iam:CreateRole", ADMIN, False) for role in ROLES),
]


def role_name(role: str) -> str:
    return f"{NAME}-{role}-{REGION}"


@pytest.fixture(scope="module")
def roles(deployed: Deployed) -> dict[str, dict[str, Any]]:
    """Role => its trust policy and the statements of all its policies."""
    iam = deployed.client("iam")
    found = {}
    for role in ROLES:
        name = role_name(role)
        assert iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"] == []
        policies = [
            iam.get_role_policy(RoleName=name, PolicyName=policy)["PolicyDocument"]
            for policy in iam.list_role_policies(RoleName=name)["PolicyNames"]
        ]
        found[role] = {
            "trust": iam.get_role(RoleName=name)["Role"]["AssumeRolePolicyDocument"],
            "may": [statement for policy in policies for statement in statements(policy)],
        }
    return found


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row[0]} {row[1]} {row[2][12:]} {row[3]}")
def test_a_role_may_do_what_its_row_says(roles: dict[str, dict[str, Any]], row: Row) -> None:
    role, action, resource, allowed = row[:4]
    request = Request(f"arn:aws:iam::{ACCOUNT}:role/{role_name(role)}", action, resource, *row[4:])
    decision = decide(request, roles[role]["may"])
    assert decision.allowed is allowed, decision.reason


def test_every_function_of_the_stack_is_in_the_table(deployed: Deployed) -> None:
    assert set(deployed.outputs["function_names"]) == set(FUNCTIONS)


def test_a_function_runs_as_the_role_that_the_table_is_about(deployed: Deployed) -> None:
    for handler, function in deployed.outputs["function_names"].items():
        settings = deployed.client("lambda").get_function_configuration(FunctionName=function)
        assert settings["Role"] == f"arn:aws:iam::{ACCOUNT}:role/{role_name(handler)}"


@pytest.mark.parametrize("role", FUNCTIONS)
def test_only_lambda_takes_on_a_functions_role(roles: dict[str, dict[str, Any]], role: str) -> None:
    def trusted(principal: str) -> bool:
        return trusts(roles[role]["trust"], Request(principal, "sts:AssumeRole", role_name(role)))

    assert trusted("lambda.amazonaws.com")
    assert not trusted("mediaconvert.amazonaws.com")
    assert not trusted("ec2.amazonaws.com")
    assert not trusted(ADMIN)


@pytest.mark.parametrize(
    ("account", "queue", "trusted"),
    [
        (ACCOUNT, QUEUE, True),
        (ACCOUNT, QUEUE.replace(NAME, "Default"), False),
        ("999999999999", QUEUE.replace(ACCOUNT, "999999999999"), False),
    ],
)
def test_mediaconvert_takes_on_its_role_for_our_queue_only(
    roles: dict[str, dict[str, Any]],
    account: str,
    queue: str,
    trusted: bool,  # noqa: FBT001
) -> None:
    context = {"aws:SourceAccount": account, "aws:SourceArn": queue}
    request = Request("mediaconvert.amazonaws.com", "sts:AssumeRole", LENT, context)
    assert trusts(roles["mediaconvert"]["trust"], request) is trusted


@pytest.mark.parametrize(
    ("principal", "source", "allowed"),
    [
        ("events.amazonaws.com", f"arn:aws:events:{REGION}:{ACCOUNT}:rule/{NAME}-on_video_job-event", True),
        ("events.amazonaws.com", f"arn:aws:events:{REGION}:{ACCOUNT}:rule/somebody-elses", False),
        ("sns.amazonaws.com", f"arn:aws:events:{REGION}:{ACCOUNT}:rule/{NAME}-on_video_job-event", False),
        ("arn:aws:iam::999999999999:role/stranger", "", False),
    ],
)
def test_the_dead_letter_queue_takes_messages_from_our_rules_only(
    deployed: Deployed,
    principal: str,
    source: str,
    allowed: bool,  # noqa: FBT001
) -> None:
    answer = deployed.client("sqs").get_queue_attributes(
        QueueUrl=deployed.outputs["dead_letter_queue_url"], AttributeNames=["Policy"]
    )
    context = {"aws:SourceArn": source, "aws:SourceAccount": ACCOUNT, "aws:SecureTransport": "true"}
    request = Request(principal, "sqs:SendMessage", DEAD, context, owner=ACCOUNT)
    assert decide(request, (), statements(answer["Attributes"]["Policy"])).allowed is allowed


STRANGER = "arn:aws:iam::999999999999:role/stranger"
SERVICE = "logging.s3.amazonaws.com"
OWN = f"arn:aws:iam::{ACCOUNT}:role/camera"


@pytest.mark.parametrize("bucket", BUCKETS)
@pytest.mark.parametrize(
    ("principal", "context", "allowed"),
    [
        (OWN, {"aws:SecureTransport": "true", "aws:PrincipalAccount": ACCOUNT}, True),
        (OWN, {"aws:SecureTransport": "false", "aws:PrincipalAccount": ACCOUNT}, False),
        (STRANGER, {"aws:SecureTransport": "true", "aws:PrincipalAccount": "999999999999"}, False),
        ("anonymous", {"aws:SecureTransport": "true"}, False),
        (
            "logging.s3.amazonaws.com",
            {"aws:SecureTransport": "true", "aws:PrincipalIsAWSService": "true"},
            True,
        ),
    ],
    ids=["own account", "plain HTTP", "another account", "nobody", "a service"],
)
def test_a_bucket_refuses_plain_http_and_other_accounts_whatever_else_allows_them(
    deployed: Deployed,
    bucket: str,
    principal: str,
    context: dict[str, str],
    allowed: bool,  # noqa: FBT001
) -> None:
    name = BUCKETS[bucket].rpartition(":")[2]
    policy = statements(deployed.client("s3").get_bucket_policy(Bucket=name)["Policy"])
    everything = statements({"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}})
    request = Request(principal, "s3:GetObject", f"{BUCKETS[bucket]}/a", context)
    assert decide(request, everything, policy).allowed is allowed
