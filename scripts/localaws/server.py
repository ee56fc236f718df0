"""The embedded AWS: moto, with Lambda that runs, behind one port of the loopback interface."""

from __future__ import annotations

import json
import os
from contextlib import nullcontext
from typing import TYPE_CHECKING

from werkzeug.wrappers import Response

from localaws import event_bridge, mediaconvert, moto_patches, notifications
from localaws.lambda_ import api
from localaws.lambda_.functions import FunctionName
from localaws.lambda_.provisioned import ProvisionedConcurrencyApi
from localaws.lambda_.service import LambdaService
from localaws.locks import service_lock
from localaws.settings import VERSION

if TYPE_CHECKING:
    from collections.abc import Iterable

    from _typeshed.wsgi import StartResponse, WSGIEnvironment

    from localaws.settings import Settings

# Services whose requests may wait for something else, and which lock what they must themselves.
_UNLOCKED = frozenset({"sqs", "lambda"})


class EmbeddedAws:
    """The WSGI application.

    Args:
        settings: of the server.
        endpoint_url: where it answers.
    """

    def __init__(self, settings: Settings, endpoint_url: str) -> None:
        from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

        self.functions = LambdaService(settings, endpoint_url)
        self._invoke = api.InvokeApi(self.functions)
        self._provisioned = ProvisionedConcurrencyApi(self.functions)
        moto_patches.apply()
        api.install(self.functions)
        self._provisioned.install()
        notifications.install(self._invoke_later)
        event_bridge.install(self._invoke_later)
        mediaconvert.register()
        self._moto = DomainDispatcherApplication(create_backend_app)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answers one request."""
        if environ["PATH_INFO"].startswith("/_localaws/"):
            return self._own(environ["PATH_INFO"])(environ, start_response)
        with notifications.held_back(environ.get("REMOTE_ADDR", "127.0.0.1")):
            for operation in (self._invoke, self._provisioned):
                if operation.handles(environ):
                    return operation(environ)(environ, start_response)
            moto_patches.keep_put_body(environ)
            backend = self._moto.get_application(environ)
            service = str(vars(backend)["service"])
            with nullcontext() if service in _UNLOCKED else service_lock(service):
                return list(backend(environ, start_response))

    def close(self) -> None:
        """Ends every worker."""
        self.functions.close()

    def _invoke_later(self, account: str, region: str, arn: str, payload: bytes) -> None:
        self.functions.invoke_later(FunctionName.parse(arn, account=account, region=region), payload)

    def _own(self, path: str) -> Response:
        """The server's own paths, which no AWS service has."""
        if path != "/_localaws/health":
            return Response("The embedded AWS has /_localaws/health only.\n", 404)
        functions = self.functions.status()
        status = {"status": "ready", "pid": os.getpid(), "version": VERSION, "lambda": functions}
        return Response(json.dumps(status), content_type="application/json")
