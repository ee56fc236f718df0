"""HTTP APIs as moto holds them: a snapshot for one request."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from localaws.lambda_.functions import FunctionName
from localaws.locks import service_lock
from localaws.settings import ACCOUNT_ID

if TYPE_CHECKING:
    from collections.abc import Mapping

_INVOKE_ARN = re.compile(r"lambda:path/[^/]+/functions/(?P<function>.+)/invocations$")


@dataclass(frozen=True, slots=True)
class Limits:
    """How many requests a route takes.

    Attributes:
        rate: a second.
        burst: at once.
    """

    rate: float
    burst: int


@dataclass(frozen=True, slots=True)
class Integration:
    """What answers for a route.

    Attributes:
        kind: `AWS_PROXY` is Lambda.
        function: the function, with its alias or version; None when it is something else.
        payload_format: `1.0` or `2.0`.
        timeout: seconds.
    """

    kind: str
    function: FunctionName | None
    payload_format: str
    timeout: float


@dataclass(frozen=True, slots=True)
class Route:
    """One route.

    Attributes:
        authorization: `NONE`, `AWS_IAM`, `JWT` or `CUSTOM`.
        integration: None when the route has none (any more).
    """

    authorization: str
    integration: Integration | None


@dataclass(frozen=True, slots=True)
class Stage:
    """One deployed stage.

    Attributes:
        variables: None when it has none.
        route_limits: by route key.
        default_limits: of the routes without their own; None means the account's, which are not emulated.
    """

    variables: Mapping[str, str] | None
    route_limits: Mapping[str, Limits]
    default_limits: Limits | None

    def limits(self, route_key: str) -> Limits | None:
        """Those of one route."""
        return self.route_limits.get(route_key, self.default_limits)


@dataclass(frozen=True, slots=True)
class Api:
    """One HTTP API.

    Attributes:
        stages: by name.
        routes: by route key.
        has_endpoint: whether it answers at its `execute-api` address.
    """

    id: str
    account: str
    region: str
    stages: Mapping[str, Stage]
    routes: Mapping[str, Route]
    has_endpoint: bool


def find(api_id: str) -> Api | None:
    """Takes a snapshot of an HTTP API; None when there is none with this id."""
    from moto.apigatewayv2.models import apigatewayv2_backends

    with service_lock("apigatewayv2"):
        for region, backend in apigatewayv2_backends[ACCOUNT_ID].items():
            if api := backend.apis.get(api_id):
                return _snapshot(api, region) if api.protocol_type == "HTTP" else None
    return None


def _snapshot(api: Any, region: str) -> Api:  # noqa: ANN401  # moto's Api
    return Api(
        id=api.api_id,
        account=ACCOUNT_ID,
        region=region,
        # moto has no deployments: what is not deployed by itself never is.
        stages={stage.name: _stage(stage) for stage in api.stages.values() if stage.auto_deploy},
        routes={route.route_key: _route(route, api, region) for route in api.routes.values()},
        has_endpoint=str(api.disable_execute_api_endpoint).lower() != "true",
    )


def _stage(stage: Any) -> Stage:  # noqa: ANN401  # moto's Stage
    limits = {key: _limits(settings) for key, settings in (stage.route_settings or {}).items()}
    return Stage(
        variables=dict(stage.stage_variables or {}) or None,
        route_limits={key: value for key, value in limits.items() if value},
        default_limits=_limits(stage.default_route_settings or {}),
    )


def _limits(settings: Mapping[str, Any]) -> Limits | None:
    rate, burst = settings.get("throttlingRateLimit"), settings.get("throttlingBurstLimit")
    if rate is None and burst is None:
        return None
    return Limits(float(rate or 0), int(burst or 0))


def _route(route: Any, api: Any, region: str) -> Route:  # noqa: ANN401  # moto's Route and Api
    integration = api.integrations.get(str(route.target or "").removeprefix("integrations/"))
    return Route(
        authorization=route.authorization_type or "NONE",
        integration=_integration(integration, region) if integration else None,
    )


def _integration(integration: Any, region: str) -> Integration:  # noqa: ANN401  # moto's Integration
    uri = str(integration.integration_uri or "")
    invoked = _INVOKE_ARN.search(uri)
    arn = invoked["function"] if invoked else uri
    is_function = integration.integration_type == "AWS_PROXY" and ":function:" in arn
    return Integration(
        kind=integration.integration_type,
        function=FunctionName.parse(arn, account=ACCOUNT_ID, region=region) if is_function else None,
        payload_format=integration.payload_format_version or "1.0",
        timeout=integration.timeout_in_millis / 1000,
    )
