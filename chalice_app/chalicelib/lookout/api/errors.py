"""The API's errors: what goes wrong for a caller, with Lookout for Vision's names, HTTP codes and fields."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

ResourceType = Literal["PROJECT", "DATASET", "MODEL", "TRIAL", "MODEL_PACKAGE_JOB"]


class ApiError(Exception):
    """An error that the API's caller sees; the class name is the error code.

    Args:
        message: What happened, to what, and what to do.

    Attributes:
        status: HTTP status, as the service model has it.
        headers: Response headers beside the error's type.
    """

    status: ClassVar[int]
    headers: ClassVar[dict[str, str]] = {}

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message

    @property
    def code(self) -> str:
        """The error's name, as boto3 raises it."""
        return type(self).__name__

    def body(self) -> dict[str, Any]:
        """The members of the error's shape that travel in the body."""
        return {"Message": self.message}


class AccessDeniedException(ApiError):  # noqa: N818 - the service's own name
    """The function's role may not do on the caller's behalf what the operation needs."""

    status = 403


class ValidationException(ApiError):  # noqa: N818 - the service's own name
    """An input does not satisfy the contract."""

    status = 400


class _ResourceError(ApiError):
    """An error about one resource.

    Args:
        message: What happened, to what, and what to do.
        resource_id: Its name or ARN.
        resource_type: What it is.
    """

    def __init__(self, message: str, resource_id: str, resource_type: ResourceType) -> None:
        super().__init__(message)
        self.resource_id = resource_id
        self.resource_type = resource_type

    def body(self) -> dict[str, Any]:
        """The message and the resource."""
        return {**super().body(), "ResourceId": self.resource_id, "ResourceType": self.resource_type}


class ConflictException(_ResourceError):  # noqa: N818 - the service's own name
    """The resource is in a state that does not allow the operation."""

    status = 409


class ResourceNotFoundException(_ResourceError):  # noqa: N818 - the service's own name
    """The resource does not exist."""

    status = 404


class ServiceQuotaExceededException(_ResourceError):  # noqa: N818 - the service's own name
    """A limit of the service or of the account is reached.

    Args:
        message: Which limit, and what to do.
        resource_id: What it was reached by.
        resource_type: What that is.
        quota_code: The limit.
    """

    status = 402

    def __init__(
        self, message: str, resource_id: str, resource_type: ResourceType, quota_code: str = "L-SPOTCHECK"
    ) -> None:
        super().__init__(message, resource_id, resource_type)
        self.quota_code = quota_code

    def body(self) -> dict[str, Any]:
        """The message, the resource and the limit."""
        return {**super().body(), "QuotaCode": self.quota_code, "ServiceCode": "lookoutvision"}


class ThrottlingException(ApiError):  # noqa: N818 - the service's own name
    """Too many requests at once."""

    status = 429
    headers: ClassVar[dict[str, str]] = {"Retry-After": "1"}

    def body(self) -> dict[str, Any]:
        """The message and the limit."""
        return {**super().body(), "QuotaCode": "L-SPOTCHECK", "ServiceCode": "lookoutvision"}


class InternalServerException(ApiError):  # noqa: N818 - the service's own name
    """A fault of ours; the log has the rest."""

    status = 500
    headers: ClassVar[dict[str, str]] = {"Retry-After": "1"}
