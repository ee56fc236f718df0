"""Signatures verified: made by botocore, then spoilt in one way each."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore import auth
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from localaws.http_api.exceptions import RefusedError, SignatureError
from localaws.http_api.identities import Identity
from localaws.http_api.requests import Received
from localaws.http_api.sigv4 import verify

URL = "http://127.0.0.1:4566/_localaws/http-api/abc/pets/a%2Fb?z=1&a=%20"
NOW = datetime(2026, 11, 22, 10, 0, 0, tzinfo=UTC)
ME = Identity("AKIAME", "secret", "123456789012", "AIDAME", "arn:aws:iam::123456789012:user/me")
Signed = Callable[..., Received]


def identify(key: str) -> Identity | None:
    return ME if key == ME.key else None


@pytest.fixture
def signed(received: Signed, monkeypatch: pytest.MonkeyPatch) -> Signed:
    """Signs a request as a client would; `change` is what happens to it on the way."""

    def make(
        body: bytes = b"body",
        key: str = ME.key,
        secret: str = ME.secret,
        service: str = "execute-api",
        region: str = "us-east-1",
        signed_at: datetime = NOW,
        headers: dict[str, str] | None = None,
        **change: Any,
    ) -> Received:
        monkeypatch.setattr(auth, "get_current_datetime", lambda: signed_at)
        request = AWSRequest("POST", URL, headers={"Host": "127.0.0.1:4566"} | (headers or {}), data=body)
        SigV4Auth(Credentials(key, secret), service, region).add_auth(request)
        path, _, query = URL.removeprefix("http://127.0.0.1:4566").partition("?")
        found = {name.lower(): value for name, value in request.headers.items()}
        found |= change.pop("later", {})
        given = {"method": "POST", "path": path, "query": query, "headers": found, "body": body}
        return received(**given | change)

    return make


def refusal(request: Received, region: str = "us-east-1") -> str:
    with pytest.raises(SignatureError) as caught:
        verify(request, region, identify)
    assert caught.value.status == 403
    return caught.value.message


def test_a_good_signature_tells_who_signed(signed: Signed) -> None:
    assert verify(signed(), "us-east-1", identify) == ME


def test_headers_that_were_not_signed_do_not_matter(signed: Signed) -> None:
    request = signed(later={"x-forwarded-for": "1.2.3.4", "user-agent": "me"})

    assert verify(request, "us-east-1", identify) == ME


def test_a_body_declared_unsigned_is_not_verified(signed: Signed) -> None:
    request = signed(headers={"X-Amz-Content-SHA256": "UNSIGNED-PAYLOAD"})
    changed = signed(headers={"X-Amz-Content-SHA256": "UNSIGNED-PAYLOAD"}, body=b"other")

    assert verify(request, "us-east-1", identify) == ME
    assert verify(changed, "us-east-1", identify) == ME


@pytest.mark.parametrize(
    "change",
    [
        {"method": "PUT"},
        {"path": "/pets/a%2Fb"},
        {"query": "z=1"},
        {"later": {"host": "elsewhere"}},
        {"secret": "guess"},
        {"headers": {"X-Amz-Content-SHA256": "0" * 64}},
    ],
)
def test_any_change_spoils_the_signature(signed: Signed, change: dict[str, Any]) -> None:
    assert "does not match the signature you provided" in refusal(signed(**change))


def test_another_body_spoils_the_signature(signed: Signed, received: Signed) -> None:
    request = signed(body=b"one")
    other = received(
        method=request.method,
        path=request.path,
        query=request.query,
        headers=request.headers,
        body=b"two",
    )

    assert "does not match the signature you provided" in refusal(other)


@pytest.mark.parametrize("header", ["", "Bearer abc", "AWS4-HMAC-SHA256 Credential=a/b/c, Signature=d"])
def test_what_is_no_signature_is_forbidden(received: Signed, header: str) -> None:
    with pytest.raises(RefusedError, match="not signed") as caught:
        verify(received(headers={"authorization": header}), "us-east-1", identify)

    assert caught.value.message == "Forbidden"


def test_the_scope_must_be_the_apis(signed: Signed) -> None:
    service = "Credential should be scoped to correct service: 'execute-api'. "
    region = "Credential should be scoped to a valid region, not 'us-east-1'. "

    assert refusal(signed(service="lookoutvision")) == service
    assert refusal(signed(), region="eu-west-1") == region
    assert refusal(signed(service="s3"), region="eu-west-1") == region + service


def test_the_scopes_day_must_be_the_requests(signed: Signed) -> None:
    message = refusal(signed(later={"x-amz-date": "20261123T100000Z"}))

    assert "'20261122' != '20261123', from '20261123T100000Z'" in message


@pytest.mark.parametrize("minutes", [-5, 5])
def test_clocks_may_differ_by_five_minutes(signed: Signed, minutes: int) -> None:
    request = signed(signed_at=NOW + timedelta(minutes=minutes))

    assert verify(request, "us-east-1", identify) == ME


def test_older_and_later_signatures_are_refused(signed: Signed) -> None:
    old = signed(signed_at=NOW - timedelta(minutes=5, seconds=1))
    late = signed(signed_at=NOW + timedelta(minutes=5, seconds=1))

    expired = (
        "Signature expired: 20261122T095459Z is now earlier than 20261122T095500Z (20261122T100000Z - 5 min.)"
    )
    assert refusal(old) == expired
    assert refusal(late).startswith("Signature not yet current: 20261122T100501Z is still later than")


def test_a_date_is_needed(signed: Signed) -> None:
    assert refusal(signed(later={"x-amz-date": ""})).startswith("Date in Credential scope does not match")
    assert refusal(signed(later={"x-amz-date": "20261122"})) == (
        "Date must be in ISO-8601 'basic format'. Got '20261122'."
    )


def test_the_host_must_be_signed(signed: Signed) -> None:
    request = signed()
    header = request.headers["authorization"].replace("SignedHeaders=host;", "SignedHeaders=")

    assert "'Host' or ':authority' must be a 'SignedHeader'" in refusal(
        signed(later={"authorization": header})
    )


def test_an_unknown_key_is_refused(signed: Signed) -> None:
    assert refusal(signed(key="AKIAOTHER")) == "The security token included in the request is invalid."


def test_a_session_needs_its_token_and_ends(signed: Signed) -> None:
    def session(expires: datetime) -> Identity:
        return Identity(ME.key, ME.secret, ME.account, ME.user, ME.arn, token="t", expires=expires)

    later, earlier = NOW + timedelta(hours=1), NOW - timedelta(hours=1)
    request = signed(headers={"X-Amz-Security-Token": "t"})

    assert verify(request, "us-east-1", lambda _: session(later)).arn == ME.arn
    with pytest.raises(SignatureError, match=r"token included in the request is expired"):
        verify(request, "us-east-1", lambda _: session(earlier))
    with pytest.raises(SignatureError, match=r"token included in the request is invalid"):
        verify(signed(), "us-east-1", lambda _: session(later))
