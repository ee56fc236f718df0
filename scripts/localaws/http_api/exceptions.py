"""What an HTTP API answers instead of the function's response."""

from __future__ import annotations

from localaws.exceptions import LocalAwsError


class RefusedError(LocalAwsError):
    """API Gateway answers itself.

    Attributes:
        status: HTTP status.
        message: in the answer's body.
        kind: AWS's name of the error, where the answer tells it in `x-amzn-ErrorType`.
        reason: what the caller is not told, for whoever runs the server; empty when the message says it all.
    """

    status = 403
    message = "Forbidden"
    kind = ""

    def __init__(self, reason: str = "") -> None:
        super().__init__(reason or self.message)
        self.reason = reason


class NotFoundError(RefusedError):
    """No such API, stage or route."""

    status, message = 404, "Not Found"


class TooLargeError(RefusedError):
    """The request is more than API Gateway, or Lambda, takes."""

    status, message = 413, "Request Entity Too Large"


class TooManyRequestsError(RefusedError):
    """The route's bucket is empty."""

    status, message = 429, "Too Many Requests"


class InternalError(RefusedError):
    """The function cannot be asked, or its response cannot be used."""

    status, message = 500, "Internal Server Error"


class UnavailableError(RefusedError):
    """The function has no room, or takes too long."""

    status, message = 503, "Service Unavailable"


class SignatureError(RefusedError):
    """The request is signed, but not as it should be."""

    def __init__(self, message: str, kind: str = "InvalidSignatureException") -> None:
        self.message = message
        self.kind = kind
        super().__init__()
