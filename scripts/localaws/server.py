"""The embedded AWS: moto, with Lambda that runs, behind one port of the loopback interface."""

from __future__ import annotations

import json
import os
from contextlib import nullcontext
from functools import partial
from typing import TYPE_CHECKING, Any

from werkzeug.wrappers import Request, Response

from localaws import event_bridge, mediaconvert, moto_patches, notifications
from localaws.deliveries import disturbed
from localaws.exceptions import FaultPlanError, FunctionGoneError
from localaws.faults import Faults, Plan
from localaws.http_api.gateway import HttpApis
from localaws.iam.encryption import log_groups_need_their_key
from localaws.lambda_ import api
from localaws.lambda_.functions import FunctionName
from localaws.lambda_.provisioned import ProvisionedConcurrencyApi
from localaws.lambda_.recursion import RecursionApi
from localaws.lambda_.service import LambdaService
from localaws.locks import service_lock
from localaws.settings import VERSION

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from _typeshed.wsgi import StartResponse, WSGIEnvironment

    from localaws.settings import Settings

# Services whose requests may wait for something else, and which lock what they must themselves.
_UNLOCKED = frozenset({"sqs", "lambda"})


class EmbeddedAws:
    """The WSGI application.

    Args:
        settings: of the server.
        endpoint_url: where it answers.
        faults: what goes wrong on the way to functions; nothing by default.
    """

    def __init__(self, settings: Settings, endpoint_url: str, faults: Faults | None = None) -> None:
        from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

        self._faults = faults or Faults()
        self.functions = LambdaService(settings, endpoint_url, self._faults)
        self._invoke = api.InvokeApi(self.functions)
        self._provisioned = ProvisionedConcurrencyApi(self.functions)
        self._recursion = RecursionApi()
        self._http_apis = HttpApis(self.functions)
        moto_patches.apply()
        log_groups_need_their_key()
        api.install(self.functions)
        self._provisioned.install()
        notifications.install(partial(self._invoke_later, "s3"))
        event_bridge.install(partial(self._invoke_later, "events"))
        mediaconvert.register()
        self._moto = DomainDispatcherApplication(create_backend_app)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answers one request."""
        if self._http_apis.handles(environ):
            return self._http_apis(environ)(environ, start_response)
        if environ["PATH_INFO"].startswith("/_localaws/"):
            return self._own(Request(environ))(environ, start_response)
        with notifications.held_back(environ.get("REMOTE_ADDR", "127.0.0.1")):
            for operation in (self._invoke, self._provisioned, self._recursion):
                if operation.handles(environ):
                    return _of_function(operation, environ)(environ, start_response)
            moto_patches.keep_put_body(environ)
            backend = self._moto.get_application(environ)
            service = str(vars(backend)["service"])
            with nullcontext() if service in _UNLOCKED else service_lock(service):
                return list(backend(environ, start_response))

    def close(self) -> None:
        """Ends every worker."""
        self.functions.close()

    def _invoke_later(self, source: str, account: str, region: str, arn: str, payload: bytes) -> None:
        target = FunctionName.parse(arn, account=account, region=region)
        for delivery in disturbed(payload, self._faults.on_delivery(source, arn)):
            self.functions.invoke_later(target, delivery.payload, delivery.wait)

    def _own(self, request: Request) -> Response:
        """The server's own paths, which no AWS service has."""
        match request.method, request.path:
            case "GET", "/_localaws/health":
                return _json(
                    {
                        "status": "ready",
                        "pid": os.getpid(),
                        "version": VERSION,
                        "lambda": self.functions.status(),
                    }
                )
            case "GET", "/_localaws/faults":
                return _json(self._faults.status())
            case "PUT", "/_localaws/faults":
                try:
                    self._faults.replace(Plan.from_json(request.get_data()))
                except FaultPlanError as error:
                    return Response(f"{error}\n", 400)
                return _json(self._faults.status())
        return Response("The embedded AWS has /_localaws/health and /_localaws/faults only.\n", 404)


def _of_function(operation: Callable[[WSGIEnvironment], Response], environ: WSGIEnvironment) -> Response:
    """What an operation on a function answers; one and the same refusal where there is no such function."""
    try:
        return operation(environ)
    except FunctionGoneError as error:
        return api.refusal(404, "ResourceNotFoundException", str(error))


def _json(data: dict[str, Any]) -> Response:
    return Response(json.dumps(data), content_type="application/json")
