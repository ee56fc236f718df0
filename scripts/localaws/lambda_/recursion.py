"""Whether a function may start itself again and again, which moto does not know.

https://docs.aws.amazon.com/lambda/latest/api/API_PutFunctionRecursionConfig.html and its neighbour. The
setting is kept and told; no loop is looked for.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from werkzeug.wrappers import Request, Response

from localaws.lambda_.api import refusal, target_of
from localaws.lambda_.functions import load

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

_PATH = re.compile(r"^/2024-08-31/functions/(?P<name>.+)/recursion-config/?$")
_CHOICES = ("Allow", "Terminate")
_DEFAULT = "Terminate"


class RecursionApi:
    """Answers GetFunctionRecursionConfig and PutFunctionRecursionConfig."""

    def handles(self, environ: WSGIEnvironment) -> bool:
        """Whether a request is one of these operations."""
        return bool(_PATH.match(environ["PATH_INFO"]))

    def __call__(self, environ: WSGIEnvironment) -> Response:
        """Answers one request.

        Raises:
            FunctionGoneError: No such function, version or alias.
        """
        from moto.awslambda.models import lambda_backends

        request = Request(environ)
        match = _PATH.match(request.path)
        target = target_of(request, unquote(match["name"]) if match else "")
        load(target)
        # Kept with the function, so that it ends with it.
        function: Any = lambda_backends[target.account][target.region].get_function(target.name)
        if request.method == "PUT":
            wanted = request.get_json().get("RecursiveLoop")
            if wanted not in _CHOICES:
                message = f"RecursiveLoop is {wanted}: it must be one of {', '.join(_CHOICES)}."
                return refusal(400, "InvalidParameterValueException", message)
            function.recursive_loop = wanted
        body = {"RecursiveLoop": getattr(function, "recursive_loop", _DEFAULT)}
        return Response(json.dumps(body), 200, content_type="application/json")
