"""Verifies AWS Signature Version 4 in the Authorization header.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html. The signature is
computed by botocore; the messages are AWS's:
https://docs.aws.amazon.com/IAM/latest/UserGuide/signature-v4-troubleshooting.html. What an HTTP API answers
to a wrong signature is documented nowhere; these are the words of REST APIs and of AWS's services.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.compat import HTTPHeaders
from botocore.credentials import Credentials

from localaws.http_api.exceptions import RefusedError, SignatureError

if TYPE_CHECKING:
    from collections.abc import Callable

    from localaws.http_api.identities import Identity
    from localaws.http_api.requests import Received

SERVICE = "execute-api"
SKEW = timedelta(minutes=5)
_ALGORITHM = "AWS4-HMAC-SHA256"
_TERMINATOR = "aws4_request"
_UNSIGNED_PAYLOAD = "UNSIGNED-PAYLOAD"
_MISMATCH = (
    "The request signature we calculated does not match the signature you provided. Check your AWS Secret "
    "Access Key and signing method. Consult the service documentation for details."
)
_TIME = "%Y%m%dT%H%M%SZ"
_PART = re.compile(r"(?P<name>\w+)=(?P<value>[^,\s]+)")


@dataclass(frozen=True, slots=True)
class Signature:
    """What an Authorization header says.

    Attributes:
        key: access key id.
        date: `YYYYMMDD`, in the scope, as are region, service and terminator.
        headers: names of the signed headers, lower case.
        value: hexadecimal.
    """

    key: str
    date: str
    region: str
    service: str
    terminator: str
    headers: tuple[str, ...]
    value: str

    @classmethod
    def parse(cls, header: str) -> Signature | None:
        """Reads the header; None when it is not such a signature."""
        algorithm, _, rest = header.partition(" ")
        parts = {part["name"]: part["value"] for part in _PART.finditer(rest)}
        key, *scope = parts.get("Credential", "").rsplit("/", 4)
        if algorithm != _ALGORITHM or len(scope) != 4 or not {"SignedHeaders", "Signature"} <= parts.keys():
            return None
        date, region, service, terminator = scope
        headers = tuple(parts["SignedHeaders"].lower().split(";"))
        return cls(key, date, region, service, terminator, headers, parts["Signature"])


def verify(request: Received, region: str, identify: Callable[[str], Identity | None]) -> Identity:
    """Tells who signed a request.

    Args:
        request: with its path as the client sent it.
        region: the API's.
        identify: whose an access key is.

    Raises:
        RefusedError: nobody signed it.
        SignatureError: it is not signed as API Gateway wants it.
    """
    signature = Signature.parse(request.headers.get("authorization", ""))
    if signature is None:
        reason = "the request is not signed"
        raise RefusedError(reason)
    timestamp = request.headers.get("x-amz-date", "")
    _check_scope(signature, region, timestamp)
    _check_time(timestamp, request.at)
    identity = _known(identify(signature.key), request)
    if not hmac.compare_digest(_expected(request, signature, identity, timestamp), signature.value):
        raise SignatureError(_MISMATCH)
    return identity


def _known(identity: Identity | None, request: Received) -> Identity:
    token = request.headers.get("x-amz-security-token")
    if identity is None or (identity.token and token != identity.token):
        message = "The security token included in the request is invalid."
        raise SignatureError(message, "UnrecognizedClientException")
    if identity.expires and identity.expires <= request.at:
        message = "The security token included in the request is expired"
        raise SignatureError(message, "ExpiredTokenException")
    return identity


def _check_scope(signature: Signature, region: str, timestamp: str) -> None:
    wrong = []
    if signature.region != region:
        wrong.append(f"Credential should be scoped to a valid region, not '{signature.region}'. ")
    if signature.service != SERVICE:
        wrong.append(f"Credential should be scoped to correct service: '{SERVICE}'. ")
    if signature.terminator != _TERMINATOR:
        terminator = f"'{_TERMINATOR}', not '{signature.terminator}'"
        wrong.append(f"Credential should be scoped with a valid terminator: {terminator}. ")
    if signature.date != timestamp[:8]:
        wrong.append(
            "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: "
            f"'{signature.date}' != '{timestamp[:8]}', from '{timestamp}'. "
        )
    if "host" not in signature.headers:
        wrong.append("'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.")
    if wrong:
        raise SignatureError("".join(wrong))


def _check_time(timestamp: str, now: datetime) -> None:
    try:
        signed = datetime.strptime(timestamp, _TIME).replace(tzinfo=UTC)
    except ValueError:
        message = f"Date must be in ISO-8601 'basic format'. Got '{timestamp}'."
        raise SignatureError(message, "IncompleteSignatureException") from None
    text = now.strftime(_TIME)
    if signed < now - SKEW:
        limit = (now - SKEW).strftime(_TIME)
        message = f"Signature expired: {timestamp} is now earlier than {limit} ({text} - 5 min.)"
        raise SignatureError(message)
    if signed > now + SKEW:
        limit = (now + SKEW).strftime(_TIME)
        message = f"Signature not yet current: {timestamp} is still later than {limit} ({text} + 5 min.)"
        raise SignatureError(message)


def _expected(request: Received, signature: Signature, identity: Identity, timestamp: str) -> str:
    """The signature that the request should have."""
    url = f"http://{request.headers.get('host', '')}{request.path}"
    signed = AWSRequest(method=request.method, url=f"{url}?{request.query}" if request.query else url)
    unsigned = request.headers.get("x-amz-content-sha256") == _UNSIGNED_PAYLOAD
    payload = _UNSIGNED_PAYLOAD if unsigned else hashlib.sha256(request.body).hexdigest()
    signed.headers["X-Amz-Content-SHA256"] = payload
    signed.context["timestamp"] = timestamp
    signer = _Signer(request, signature, identity)
    return str(signer.signature(signer.string_to_sign(signed, signer.canonical_request(signed)), signed))


class _Signer(SigV4Auth):
    """botocore's, with the headers that the client chose to sign instead of those that botocore would."""

    def __init__(self, request: Received, signature: Signature, identity: Identity) -> None:
        super().__init__(Credentials(identity.key, identity.secret), signature.service, signature.region)
        self._headers = {name: request.headers.get(name, "") for name in signature.headers}

    def headers_to_sign(self, request: AWSRequest) -> HTTPHeaders:
        del request
        return HTTPHeaders.from_dict(self._headers)
