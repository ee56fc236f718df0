"""The stack's Lookout for Vision API from the desk: botocore signs and sends, without that client's files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from botocore import parsers, serialize
from botocore.auth import SigV4Auth
from botocore.awsrequest import create_request_object, prepare_request_dict
from botocore.exceptions import HTTPClientError
from botocore.httpsession import URLLib3Session

from chalicelib.lookout.api.contract import service_model
from spotcheck.exceptions import LookoutApiError, TargetError

if TYPE_CHECKING:
    from botocore.credentials import Credentials

    from spotcheck.targets import Target

_SCOPE = "execute-api"  # an HTTP API's name in a signature
_UNREACHABLE = "Unreachable"


class LookoutApi:
    """Calls operations by their names.

    Args:
        url: The stack's `api_url`.
        region: Of the stack.
        credentials: Who asks.

    Examples:
        >>> api = LookoutApi.of(targets.local_target())
        >>> api.call("ListModels", ProjectName="spotcheck")["Models"]
    """

    def __init__(self, url: str, region: str, credentials: Credentials) -> None:
        self._url = url
        self._region = region
        self._credentials = credentials
        self._http = URLLib3Session(timeout=40)  # an HTTP API answers within thirty

    @classmethod
    def of(cls, target: Target) -> LookoutApi:
        """The API of a stack.

        Raises:
            TargetError: The stack has none, or nobody is signed in.
        """
        url, credentials = target.outputs.get("api_url"), target.session().get_credentials()
        if not url or credentials is None:
            what = (
                "the stack has no API: deploy it again" if not url else "no credentials: sign in to AWS first"
            )
            raise TargetError(what)
        return cls(url, target.region, credentials)

    def call(self, operation: str, **members: Any) -> dict[str, Any]:  # noqa: ANN401 - an input's members
        """Calls one operation.

        Args:
            operation: As in `StartModel`.
            members: Of its input.

        Returns:
            The members of its output.

        Raises:
            LookoutApiError: The API refused, or cannot be reached.
        """
        model = service_model().operation_model(operation)
        assert model.output_shape is not None  # noqa: S101 - every operation of this service has an output
        protocol = service_model().metadata["protocol"]
        # A serializer checks no shapes: the API does.
        serializer = serialize.create_serializer(protocol, include_validation=False)
        request = serializer.serialize_to_request(members, model)
        prepare_request_dict(request, endpoint_url=self._url)
        unsigned = create_request_object(request)
        SigV4Auth(self._credentials, _SCOPE, self._region).add_auth(unsigned)
        try:
            answer = self._http.send(unsigned.prepare())
        except HTTPClientError as error:
            message = f"the API at {self._url} does not answer: {error}"
            raise LookoutApiError(_UNREACHABLE, message) from error
        parsed: dict[str, Any] = parsers.create_parser(protocol).parse(
            {"headers": answer.headers, "status_code": answer.status_code, "body": answer.content},
            model.output_shape,
        )
        if answer.status_code >= 400:
            refusal = parsed.get("Error", {})
            raise LookoutApiError(str(refusal.get("Code")), _message(answer.status_code, refusal))
        parsed.pop("ResponseMetadata", None)
        return parsed


def _message(status: int, error: dict[str, Any]) -> str:
    said = str(error.get("Message") or f"HTTP status {status}")
    if status == 403 and "Exception" not in str(error.get("Code")):
        return f"{said}: your credentials may not call the API (execute-api:Invoke)"
    return said
