"""Everything that reads bytes from strangers, as functions that must never fail but by an error of ours.

`make fuzz` feeds them with atheris, `tests/fuzz` with the corpus and with random changes of it.
"""

from __future__ import annotations

import json
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from chalicelib import onnx_file
from chalicelib.events import object_versions, s3_event
from chalicelib.exceptions import SpotcheckError
from chalicelib.job_events import JobChange
from chalicelib.lookout.api.contract import HttpRequest, members_of
from chalicelib.lookout.api.errors import ApiError
from chalicelib.lookout.entries import Location, Mask
from chalicelib.lookout.evaluation import EvaluationResult
from chalicelib.lookout.manifest import parse_manifest
from chalicelib.lookout.masks import read_mask
from chalicelib.model_metadata import ModelMetadata
from chalicelib.pictures import PictureLimits, read_picture
from spotcheck import dead_letters

if TYPE_CHECKING:
    from collections.abc import Callable

# Small enough that a bomb is seen as one, and that a run is many tries.
_LIMITS = PictureLimits(max_bytes=1_000_000, max_pixels=4_000_000, min_side=8)
_MASK = Mask(Location("b", "m.png"), {"#23a436": "cracked"}, "#ffffff")
_HANDLERS = {"spotcheck-detect_image": "detect_image"}


def picture(data: bytes) -> None:
    """An upload, decoded whole."""
    _finite(read_picture(data, _LIMITS).pixels.shape)


def reduced_picture(data: bytes) -> None:
    """An upload, decoded at the scale that a model needs."""
    _finite(read_picture(data, _LIMITS, min_decoded_side=32).pixels.shape)


def upload_event(data: bytes) -> None:
    """An S3 event, taken apart and put together."""
    for version in object_versions(_json_object(data)):
        assert object_versions(s3_event(version)) == [version]


def job_event(data: bytes) -> None:
    """The detail of an event of MediaConvert's."""
    JobChange.of(_json_object(data))


def dead_letter(data: bytes) -> None:
    """A message of the dead-letter queue."""
    dead_letters.read(data.decode(errors="replace"), None, _HANDLERS)


def manifest(data: bytes) -> None:
    """A manifest of Lookout for Vision."""
    assert parse_manifest(parse_manifest(data).to_bytes()).to_bytes()


def mask(data: bytes) -> None:
    """A mask of Lookout for Vision."""
    read_mask(data, _MASK, _LIMITS)


def evaluation_result(data: bytes) -> None:
    """A file of what a model of Lookout for Vision was worth."""
    EvaluationResult.from_bytes(data)


def model(data: bytes) -> None:
    """A model file, as far as it is checked before onnxruntime sees it."""
    onnx_file.check(data)


def model_metadata(data: bytes) -> None:
    """What a model file says of itself."""
    ModelMetadata.from_json(data.decode(errors="replace"))


def api_request(data: bytes) -> None:
    """The body of a request to the Lookout for Vision API."""
    path = {"projectName": "p", "datasetType": "train"}
    for operation in ("CreateProject", "CreateModel", "StartModelPackagingJob", "UpdateDatasetEntries"):
        with suppress(ApiError):
            members_of(operation, HttpRequest(path, {}, {}, data))


def _json_object(data: bytes) -> dict[str, Any]:
    """What the Lambda runtime would hand over; anything else never reaches a handler."""
    with suppress(ValueError, RecursionError):
        value = json.loads(data)
        if isinstance(value, dict):
            return value
    return {}


def _finite(shape: tuple[int, ...]) -> None:
    assert shape[2] == 3
    assert min(shape) > 0


TARGETS: dict[str, Callable[[bytes], None]] = {
    target.__name__: target
    for target in (
        picture,
        reduced_picture,
        upload_event,
        job_event,
        dead_letter,
        manifest,
        mask,
        evaluation_result,
        model,
        model_metadata,
        api_request,
    )
}


def try_target(name: str, data: bytes) -> None:
    """Feeds one input to one target; errors of ours are answers, everything else is a finding.

    Args:
        name: A key of `TARGETS`.
        data: Anything.
    """
    with suppress(SpotcheckError):
        TARGETS[name](data)
