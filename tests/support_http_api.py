"""HTTP APIs on the embedded AWS, and requests to them: signed by botocore, or not at all."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.httpsession import URLLib3Session

if TYPE_CHECKING:
    from support_localaws import Desk

TEST = Credentials("test", "test")
ACCOUNT = "123456789012"


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: dict[str, str]
    content: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.content)


class BodyUnsigned(SigV4Auth):
    """As clients do who send their body over TLS without hashing it."""

    def payload(self, request: Any) -> str:
        del request
        return "UNSIGNED-PAYLOAD"


def call(
    url: str,
    method: str = "GET",
    *,
    body: bytes | str = b"",
    headers: dict[str, str] | None = None,
    credentials: Credentials | None = TEST,
    service: str = "execute-api",
    region: str = "us-east-1",
    signer: type[SigV4Auth] = SigV4Auth,
) -> Answer:
    """Sends a request, signed unless there are no credentials."""
    request = AWSRequest(method, url, headers=headers or {}, data=body)
    if credentials:
        signer(credentials, service, region).add_auth(request)
    response = URLLib3Session().send(request.prepare())
    return Answer(response.status_code, {k.lower(): v for k, v in response.headers.items()}, response.content)


def make_api(
    desk: Desk,
    routes: dict[str, str],
    *,
    authorization: str = "AWS_IAM",
    stage: str = "$default",
    permitted: bool = True,
    integration: dict[str, Any] | None = None,
    **stage_options: Any,
) -> str:
    """Makes an HTTP API as Terraform does: one integration and permission for each function.

    Args:
        desk: clients.
        routes: ARN of a function's alias by route key.
        authorization: of all routes.
        stage: its name.
        permitted: whether the functions let the API invoke them.
        integration: further options of the integrations.
        stage_options: of the stage.

    Returns:
        The API's id.
    """
    apis, functions = desk.client("apigatewayv2"), desk.client("lambda")
    api = apis.create_api(Name=desk.name("api"), ProtocolType="HTTP")["ApiId"]
    targets = {}
    for arn in sorted(set(routes.values())):
        uri = f"arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/{arn}/invocations"
        options = {"PayloadFormatVersion": "1.0", "IntegrationUri": uri} | (integration or {})
        made = apis.create_integration(
            ApiId=api, IntegrationType="AWS_PROXY", IntegrationMethod="POST", **options
        )
        targets[arn] = f"integrations/{made['IntegrationId']}"
        if permitted:
            name, qualifier = arn.split(":")[-2:]
            functions.add_permission(
                FunctionName=name,
                Qualifier=qualifier,
                StatementId=api,
                Action="lambda:InvokeFunction",
                Principal="apigateway.amazonaws.com",
                SourceArn=f"arn:aws:execute-api:us-east-1:{ACCOUNT}:{api}/*/*",
            )
    for key, arn in routes.items():
        apis.create_route(ApiId=api, RouteKey=key, Target=targets[arn], AuthorizationType=authorization)
    apis.create_stage(ApiId=api, StageName=stage, **{"AutoDeploy": True} | stage_options)
    return str(api)
