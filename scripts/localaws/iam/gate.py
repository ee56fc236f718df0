"""Stands in front of the services and lets a function do only what its role may.

Workers sign with an access key that tells their role. Whoever signs with another key (a person, Terraform)
is let through: their permissions are not the stack's to say.
"""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

from werkzeug.wrappers import Response

from localaws.exceptions import LocalAwsError
from localaws.iam.encryption import key_needs
from localaws.iam.evaluation import Decision, Request, decide
from localaws.iam.keys import access_key, is_lent
from localaws.iam.needs import Need
from localaws.iam.operations import Call, needs
from localaws.iam.roles import all_roles, resource_statements, role_statements
from localaws.iam.s3_operations import split
from localaws.settings import ACCOUNT_ID

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Any

    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment


class Gate:
    """A WSGI application in front of another.

    Args:
        app: The services.
        account: Whose they are.
    """

    def __init__(self, app: WSGIApplication, account: str = ACCOUNT_ID) -> None:
        self._app = app
        self._account = account

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answers one request, or refuses it."""
        call = Call.of(environ, self._account)
        if call is None or not is_lent(call.access_key):
            return self._app(environ, start_response)
        role = next(
            (role for role in all_roles(self._account) if access_key(role.arn) == call.access_key), None
        )
        if role is None:
            return _refusal(call, "the key belongs to no role (any more)", Need("sts:AssumeRole", "*"))(
                environ, start_response
            )
        if refused := self._refused(role, call):
            return refused(environ, start_response)
        if call.service == "s3" and call.method in {"GET", "HEAD"} and not self._may_list(role, call):
            return self._hiding_what_is_missing(call, environ, start_response)
        return self._app(environ, start_response)

    def _refused(self, role: Any, call: Call) -> Response | None:  # noqa: ANN401  # moto's Role
        try:
            for need in _whole(needs(call), call):
                decision = self._decide(role, need)
                if not decision.allowed:
                    return _refusal(call, f"{role.name}: {decision.reason}", need)
        except LocalAwsError as error:  # an operation or a condition that cannot be decided
            return _refusal(call, f"{role.name}: {error}", Need(f"{call.service}:?", "*"))
        return None

    def _decide(self, role: Any, need: Need) -> Decision:  # noqa: ANN401  # moto's Role
        context = {
            "aws:PrincipalArn": role.arn,
            "aws:PrincipalAccount": self._account,
            "aws:SecureTransport": "true",  # loopback stands for AWS's encrypted endpoint
        }
        request = Request(role.arn, need.action, need.resource, {**context, **need.context}, need.owner)
        return decide(request, role_statements(role), resource_statements(need.resource, self._account))

    def _may_list(self, role: Any, call: Call) -> bool:  # noqa: ANN401  # moto's Role
        bucket, _ = split(call.path)
        return self._decide(role, Need("s3:ListBucket", f"arn:aws:s3:::{bucket}")).allowed

    def _hiding_what_is_missing(
        self, call: Call, environ: WSGIEnvironment, start_response: StartResponse
    ) -> Iterable[bytes]:
        """Without s3:ListBucket S3 answers 403 for an object that is not there."""
        response = Response.from_app(self._app, environ)
        if response.status_code == 404:
            bucket, _ = split(call.path)
            need = Need("s3:ListBucket", f"arn:aws:s3:::{bucket}")
            response = _refusal(call, "the object is missing, and the role may not know it", need)
        return response(environ, start_response)


def _whole(needed: Iterable[Need], call: Call) -> Iterator[Need]:
    """What a call needs, each with what it needs of the resource's key."""
    for need in needed:
        yield need
        yield from key_needs(need, call.account, call.region)


def _refusal(call: Call, why: str, need: Need) -> Response:
    """What AWS answers, in the words of the service's protocol; the reason in full goes to standard error."""
    print(f"localaws: IAM refuses {call.service} {need.action} on {need.resource}: {why}", file=sys.stderr)
    message = f"User is not authorized to perform: {need.action} on resource: {need.resource}"
    if call.service == "s3":
        body = f"<Error><Code>AccessDenied</Code><Message>{escape(message)}</Message></Error>"
        return Response(body, 403, content_type="application/xml")
    kind = "AccessDeniedException"
    answer = json.dumps({"__type": kind, "Message": message, "message": message})
    status = 403 if call.service in {"mediaconvert", "lambda"} else 400
    return Response(answer, status, {"x-amzn-ErrorType": kind}, content_type="application/json")
