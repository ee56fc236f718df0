"""Errors of MediaConvert: what the API refuses, and what ends a job in ERROR."""

# ruff: noqa: N818  # the API's errors have AWS's names

from __future__ import annotations

from moto.core.exceptions import ServiceException


class MediaConvertError(ServiceException):
    """Base of the API's errors; `code` is the exception's name in AWS's service model."""


class BadRequestException(MediaConvertError):
    """400: the request is wrong and would be wrong again."""

    code = "BadRequestException"


class NotFoundException(MediaConvertError):
    """404: no such job, queue or resource."""

    code = "NotFoundException"


class ConflictException(MediaConvertError):
    """409: the resource is in a state that forbids this."""

    code = "ConflictException"


class JobError(Exception):
    """Ends a job in ERROR.

    Codes are AWS's own (MediaConvert user guide, "Error codes"); each subclass is one of them.

    Attributes:
        code: `errorCode` of the event and of GetJob.
        message: `errorMessage`, what happened to which file.
    """

    code: int = 1999

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class InputError(JobError):
    """1010: the input cannot be read as a video file."""

    code = 1010


class NoVideoError(JobError):
    """1020: the input has no video track."""

    code = 1020


class NoAudioError(JobError):
    """1021: an output asks for audio that the input does not have and nothing may stand in for."""

    code = 1021


class UnsupportedCodecError(JobError):
    """1030: MediaConvert does not read this codec."""

    code = 1030


class SettingsError(JobError):
    """1040: the job's settings do not fit its input."""

    code = 1040


class ClippingError(JobError):
    """1060: an input clipping lies outside the input."""

    code = 1060


class TruncatedSourceError(JobError):
    """1076: the input ends before its own index says."""

    code = 1076


class AccessDeniedError(JobError):
    """1401: S3 refuses the job's role."""

    code = 1401


class ObjectNotFoundError(JobError):
    """1404: no such object or bucket."""

    code = 1404


class AssumeRoleError(JobError):
    """1434: the job's role does not trust MediaConvert."""

    code = 1434


class JobStoppedError(Exception):
    """The job was cancelled, or its backend reset, while it was being converted; no error of the job's."""
