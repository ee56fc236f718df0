"""Errors of the embedded AWS: what happened, to what, and what to do."""

from __future__ import annotations


class LocalAwsError(Exception):
    """Anything the embedded AWS raises on purpose."""


class PortBusyError(LocalAwsError):
    """Another program already listens on the wanted port."""


class ServerStartError(LocalAwsError):
    """The server process ended, or said nothing, before it was ready."""


class ThrottledError(LocalAwsError):
    """Lambda would answer 429: the function may not run at this moment.

    Attributes:
        reason: AWS's word for it, such as `ReservedFunctionConcurrentInvocationLimitExceeded`.
    """

    def __init__(self, reason: str) -> None:
        super().__init__("Rate Exceeded.")
        self.reason = reason


class FunctionGoneError(LocalAwsError):
    """The function, version or alias that an event names does not exist (any more)."""


class FaultPlanError(LocalAwsError):
    """A fault plan cannot be read."""


class ConnectionDroppedError(LocalAwsError):
    """A fault: the connection ends here, without an answer."""


class PolicyUnsupportedError(LocalAwsError):
    """An IAM policy has something that the evaluator does not know, and would decide wrongly."""


class OperationUnknownError(LocalAwsError):
    """A function calls something whose permissions the emulated IAM does not know."""
