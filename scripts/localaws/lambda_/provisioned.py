"""Provisioned concurrency: workers started before anybody asks for them, which moto does not know.

https://docs.aws.amazon.com/lambda/latest/api/API_PutProvisionedConcurrencyConfig.html and its neighbours.
"""

# ruff: noqa: ANN401  # moto's members are replaced with whatever they take

from __future__ import annotations

import json
import math
import os
import re
import threading
import time
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from werkzeug.wrappers import Request, Response

from localaws.lambda_.api import refusal, target_of
from localaws.lambda_.functions import FunctionName, load
from localaws.patching import replace

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

    from localaws.lambda_.service import LambdaService

_ACCOUNT_CONCURRENCY = 1000  # unless the environment says otherwise, by moto's own variable
_UNRESERVED_MINIMUM = 100
_PATH = re.compile(r"^/2019-09-30/functions/(?P<name>.+)/provisioned-concurrency/?$")


@dataclass(slots=True)
class Allocation:
    """Provisioned concurrency of one alias or version.

    Attributes:
        requested: workers wanted.
        allocated: workers started.
        status: `IN_PROGRESS` or `READY`, as AWS calls them.
        modified: when it was put, seconds since the epoch.
    """

    requested: int
    modified: float
    allocated: int = 0
    status: str = "IN_PROGRESS"

    def to_dict(self) -> dict[str, Any]:
        """As the API shows it."""
        return {
            "RequestedProvisionedConcurrentExecutions": self.requested,
            "AvailableProvisionedConcurrentExecutions": self.allocated,
            "AllocatedProvisionedConcurrentExecutions": self.allocated,
            "Status": self.status,
            "LastModified": time.strftime("%Y-%m-%dT%H:%M:%S+0000", time.gmtime(self.modified)),
        }


class ProvisionedConcurrencyApi:
    """Answers the operations on provisioned concurrency, and starts the workers.

    An alias keeps its allocation when it is pointed to another version. As many workers start as the server
    has places for; the rest counts as allocated, because a laptop is no data centre.

    Args:
        service: runs the functions.
    """

    def __init__(self, service: LambdaService) -> None:
        self._service = service
        self._allocations: dict[FunctionName, Allocation] = {}

    def handles(self, environ: WSGIEnvironment) -> bool:
        """Whether a request is one of these operations."""
        return bool(_PATH.match(environ["PATH_INFO"]))

    def __call__(self, environ: WSGIEnvironment) -> Response:
        """Answers one request.

        Raises:
            FunctionGoneError: No such function, version or alias.
        """
        request = Request(environ)
        match = _PATH.match(request.path)
        target = target_of(request, unquote(match["name"]) if match else "")
        load(target)
        if request.method == "PUT":
            return self._put(target, int(request.get_json()["ProvisionedConcurrentExecutions"]))
        if request.args.get("List") == "ALL":
            return self._list(target)
        if target not in self._allocations:
            message = "No Provisioned Concurrency Config found for this function"
            return refusal(404, "ProvisionedConcurrencyConfigNotFoundException", message)
        if request.method == "DELETE":
            del self._allocations[target]
            self._service.keep_warm(target, 0)
            return Response(status=204)
        return _answer(200, self._allocations[target].to_dict())

    def install(self) -> None:
        """Makes an alias's workers follow it to another version."""
        from moto.awslambda.models import LambdaBackend

        update_alias = LambdaBackend.update_alias

        def update_and_allocate(
            backend: LambdaBackend, name: str, function_name: str, *args: Any, **more: Any
        ) -> Any:
            alias = update_alias(backend, name, function_name, *args, **more)
            target = FunctionName.parse(
                function_name, account=backend.account_id, region=backend.region_name, qualifier=name
            )
            if target in self._allocations:
                self._allocate(target, self._allocations[target])
            return alias

        replace(LambdaBackend, update_alias=update_and_allocate)

    def _put(self, target: FunctionName, wanted: int) -> Response:
        if target.qualifier in (None, "$LATEST"):
            message = "Provisioned Concurrency Configs cannot be applied to unpublished function versions."
            return refusal(400, "InvalidParameterValueException", message)
        if complaint := self._complaint(target, wanted):
            return refusal(400, "InvalidParameterValueException", complaint)
        allocation = self._allocations[target] = Allocation(wanted, time.time())
        self._allocate(target, allocation)
        return _answer(202, allocation.to_dict())

    def _complaint(self, target: FunctionName, wanted: int) -> str | None:
        """Why the function, or the account, has no room for so many; None when there is room."""
        from moto.awslambda.models import lambda_backends

        others: Counter[str] = Counter()
        for owner, allocation in self._allocations.items():
            if (owner.account, owner.region) == (target.account, target.region) and owner != target:
                others[owner.name] += allocation.requested
        functions = lambda_backends[target.account][target.region].list_functions()
        reserved = {
            function.function_name: int(function.reserved_concurrency)
            for function in functions
            if function.reserved_concurrency is not None
        }
        if others[target.name] + wanted > reserved.get(target.name, math.inf):
            return (
                "Requested Provisioned Concurrency should not be greater than the "
                "reservedConcurrentExecution for function"
            )
        others[target.name] += wanted
        taken = sum(reserved.values())
        taken += sum(count for name, count in others.items() if name not in reserved)
        quota = int(os.environ.get("MOTO_LAMBDA_CONCURRENCY_QUOTA", _ACCOUNT_CONCURRENCY))
        if quota - taken >= _UNRESERVED_MINIMUM:
            return None
        return (
            "Specified ConcurrentExecutions for function decreases account's UnreservedConcurrentExecution "
            f"below its minimum value of [{_UNRESERVED_MINIMUM}]."
        )

    def _list(self, target: FunctionName) -> Response:
        found = [
            allocation.to_dict() | {"FunctionArn": owner.arn}
            for owner, allocation in self._allocations.items()
            if (owner.account, owner.region, owner.name) == (target.account, target.region, target.name)
        ]
        return _answer(200, {"ProvisionedConcurrencyConfigs": found})

    def _allocate(self, target: FunctionName, allocation: Allocation) -> None:
        def start() -> None:
            self._service.keep_warm(target, allocation.requested)
            allocation.allocated = allocation.requested
            allocation.status = "READY"

        allocation.status = "IN_PROGRESS"
        threading.Thread(target=start, name=f"provision-{target.name}", daemon=True).start()


def _answer(status: int, body: dict[str, Any]) -> Response:
    return Response(json.dumps(body), status, content_type="application/json")
