"""Errors at the desk: one clear line for whoever typed the command."""

from __future__ import annotations

from chalicelib.exceptions import SpotcheckError


class PrerequisiteError(SpotcheckError):
    """A program or package that the command needs is missing from the machine."""


class DatasetError(SpotcheckError):
    """A folder of pictures cannot be understood, or holds too little to work with."""


class TargetError(SpotcheckError):
    """It is not clear, or not possible, which AWS the command should talk to."""


class StackError(SpotcheckError):
    """Terraform failed, or the stack is not in a state that the command can work with."""


class EmbeddedAwsError(SpotcheckError):
    """The embedded AWS cannot be started, or does not answer."""


class UploadError(SpotcheckError):
    """An upload failed, or its verdict did not come in time."""


class DemoError(SpotcheckError):
    """The demo ran to its end, and what it found is not good enough."""


class PackagingError(SpotcheckError):
    """The handlers or the layer cannot be packaged, or the package would not run in Lambda."""


class PreflightError(SpotcheckError):
    """Something in the account stands in the deployment's way; nothing was changed."""


class SmokeError(SpotcheckError):
    """The pipeline is deployed, and does not judge a picture."""


class QuantisationError(SpotcheckError):
    """A model in eight bits judges worse than the one in floating point; it was not written."""


class OutputError(SpotcheckError):
    """A result cannot be written where it should go."""


class InputError(SpotcheckError):
    """A file that was named on the command line is missing or cannot be read."""


class DeadLetterError(SpotcheckError):
    """A message of the dead-letter queue holds no event that could be replayed."""


class LookoutApiError(SpotcheckError):
    """The stack's Lookout for Vision API refused a request.

    Attributes:
        code: The service's own code, such as `ConflictException`.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class ModelStateError(SpotcheckError):
    """A model is not in the state that the command needs, or does not come to it."""


class SoakError(SpotcheckError):
    """The soak does not come to rest."""
