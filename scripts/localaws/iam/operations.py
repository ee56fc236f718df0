"""What a request to AWS asks for: its actions, resources and condition keys, told from the HTTP request.

Only what deployed functions call is known; anything else is refused, so that a new call is added here with
the tests of its permission. Actions and resources are those of the Service Authorization Reference:
https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote

from localaws.exceptions import OperationUnknownError
from localaws.iam import s3_operations
from localaws.iam.needs import Need

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from _typeshed.wsgi import WSGIEnvironment

_CREDENTIAL = re.compile(r"Credential=(?P<key>[^/]+)/\d+/(?P<region>[^/]+)/(?P<service>[^/]+)/aws4_request")
_DYNAMODB = frozenset(
    {"GetItem", "PutItem", "UpdateItem", "DeleteItem", "Query", "Scan", "DescribeTable", "ConditionCheckItem"}
)
_SQS = frozenset(
    {"SendMessage", "ReceiveMessage", "DeleteMessage", "GetQueueAttributes", "ChangeMessageVisibility"}
)
_LOGS = frozenset({"CreateLogStream", "PutLogEvents", "DescribeLogStreams"})
_FUNCTION = re.compile(r"^/[\d-]+/functions/(?P<name>[^/]+)/(?P<what>[a-z-]+)/?$")
_CONCURRENCY = {
    "concurrency": "FunctionConcurrency",
    "provisioned-concurrency": "ProvisionedConcurrencyConfig",
}
_JOB = re.compile(r"^/2017-08-29/jobs(?:/(?P<id>[^/]+))?/?$")


@dataclass(frozen=True, slots=True)
class Call:
    """A signed request, as far as permissions go.

    Attributes:
        access_key: Who signed it.
        service: By its name in the signature's scope, such as `s3`.
        region: In the signature's scope.
        account: Whose resources a name without an account means.
        path: Decoded.
    """

    access_key: str
    service: str
    region: str
    account: str
    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: Callable[[], bytes] = field(repr=False)

    @classmethod
    def of(cls, environ: WSGIEnvironment, account: str) -> Call | None:
        """Reads a WSGI request; None when nobody signed it."""
        query = dict(parse_qsl(environ.get("QUERY_STRING", ""), keep_blank_values=True))
        signed = environ.get("HTTP_AUTHORIZATION") or f"Credential={query.get('X-Amz-Credential', '')}"
        found = _CREDENTIAL.search(signed)
        if found is None:
            return None
        names = {
            name[5:].replace("_", "-").lower(): value
            for name, value in environ.items()
            if name.startswith("HTTP_")
        }
        return cls(
            access_key=found["key"],
            service=found["service"],
            region=found["region"],
            account=account,
            method=environ["REQUEST_METHOD"],
            path=environ["PATH_INFO"].encode("latin-1").decode(errors="replace"),
            query=query,
            headers=names,
            body=lambda: _peek(environ),
        )

    def arn(self, service: str, name: str) -> str:
        """The ARN of something in the call's region and account."""
        return f"arn:aws:{service}:{self.region}:{self.account}:{name}"

    def json(self) -> dict[str, Any]:
        """The body as JSON; empty when it is none."""
        try:
            data = json.loads(self.body() or b"{}")
        except ValueError:
            return {}
        return data if isinstance(data, dict) else {}

    def operation(self) -> str:
        """What the JSON protocols name in `X-Amz-Target`."""
        return self.headers.get("x-amz-target", "").rpartition(".")[2]


def needs(call: Call) -> list[Need]:
    """Everything that must be allowed for a call; nothing for one that needs no permission.

    Raises:
        OperationUnknownError: The call is none of those that deployed functions make.
    """
    reader = _READERS.get(call.service)
    if reader is None:
        message = f"{call.service} {call.method} {call.path} is not known to the IAM of the embedded AWS."
        raise OperationUnknownError(message)
    return reader(call)


def _unknown(call: Call, operation: str) -> OperationUnknownError:
    message = f"{call.service}:{operation or call.method} is not known to the IAM of the embedded AWS."
    return OperationUnknownError(message)


def _s3(call: Call) -> list[Need]:
    return s3_operations.needs(call.method, call.path, call.query, call.headers)


def _dynamodb(call: Call) -> list[Need]:
    operation, body = call.operation(), call.json()

    def need(action: str, request: Mapping[str, Any]) -> Need:
        index = f"/index/{request['IndexName']}" if "IndexName" in request else ""
        name = str(request.get("TableName", "")).rpartition(":table/")[2]
        return Need(f"dynamodb:{action}", call.arn("dynamodb", f"table/{name}{index}"))

    if operation in _DYNAMODB:
        return [need(operation, body)]
    if operation == "TransactWriteItems":
        actions = {"ConditionCheck": "ConditionCheckItem", "Put": "PutItem"}
        actions |= {"Update": "UpdateItem", "Delete": "DeleteItem"}
        return [
            need(actions[kind], request) for item in body["TransactItems"] for kind, request in item.items()
        ]
    if operation in {"BatchGetItem", "BatchWriteItem"}:
        return [need(operation, {"TableName": name}) for name in body["RequestItems"]]
    raise _unknown(call, operation)


def _sqs(call: Call) -> list[Need]:
    operation = call.operation()
    if operation.removesuffix("Batch") not in _SQS:
        raise _unknown(call, operation)
    queue = str(call.json().get("QueueUrl", "")).rpartition("/")[2]
    return [Need(f"sqs:{operation.removesuffix('Batch')}", call.arn("sqs", queue))]


def _logs(call: Call) -> list[Need]:
    operation, body = call.operation(), call.json()
    if operation not in _LOGS:
        raise _unknown(call, operation)
    name = f"log-group:{body['logGroupName']}"
    stream = f":log-stream:{body['logStreamName']}" if operation == "PutLogEvents" else ":*"
    return [Need(f"logs:{operation}", call.arn("logs", name + stream))]


def _mediaconvert(call: Call) -> list[Need]:
    found = _JOB.match(call.path)
    if found is None:
        raise _unknown(call, call.path)
    if found["id"]:
        action = {"GET": "GetJob", "DELETE": "CancelJob"}.get(call.method, call.method)
        return [Need(f"mediaconvert:{action}", call.arn("mediaconvert", f"jobs/{found['id']}"))]
    default = call.arn("mediaconvert", "queues/Default")
    if call.method == "GET":
        return [Need("mediaconvert:ListJobs", call.query.get("queue", "*"))]
    body = call.json()
    role = str(body.get("role", ""))
    passed = {"iam:PassedToService": "mediaconvert.amazonaws.com"}
    return [
        Need("mediaconvert:CreateJob", str(body.get("queue", default))),
        Need("iam:PassRole", role, passed, owner=role.split(":")[4] if role.count(":") > 4 else ""),
    ]


def _lambda(call: Call) -> list[Need]:
    found = _FUNCTION.match(call.path)
    verb = {"GET": "Get", "PUT": "Put", "DELETE": "Delete"}.get(call.method)
    if found is not None and found["what"] == "invocations" and call.method == "POST":
        action = "InvokeFunction"
    elif found is not None and verb and found["what"] in _CONCURRENCY and "List" not in call.query:
        action = verb + _CONCURRENCY[found["what"]]
    else:
        raise _unknown(call, call.path)
    name = unquote(found["name"]).rpartition("function:")[2]
    qualifier = f":{call.query['Qualifier']}" if "Qualifier" in call.query and ":" not in name else ""
    return [Need(f"lambda:{action}", call.arn("lambda", f"function:{name}{qualifier}"))]


def _sts(call: Call) -> list[Need]:
    if b"Action=GetCallerIdentity" in call.body():
        return []  # AWS answers it whatever the policies say
    raise _unknown(call, "")


_READERS: Mapping[str, Callable[[Call], list[Need]]] = MappingProxyType(
    {
        "dynamodb": _dynamodb,
        "lambda": _lambda,
        "logs": _logs,
        "mediaconvert": _mediaconvert,
        "s3": _s3,
        "sqs": _sqs,
        "sts": _sts,
    }
)


def _peek(environ: WSGIEnvironment) -> bytes:
    """The body, left where it can be read again (the server has taken the whole of it off the connection)."""
    source = environ["wsgi.input"]
    data = bytes(source.read())
    source.seek(0)
    return data
