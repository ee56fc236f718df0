"""Names made from an object version: its request id, and the keys of what is written about it."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from chalicelib.events import ObjectVersion

MAX_KEY_BYTES = 1024
"""S3's own limit for a key, in bytes of UTF-8."""

_MODEL_DIGITS = 10
_MAX_NAME_BYTES = 200  # leaves room for a hashed key; S3's version ids have 32 bytes, and may have 1,024


def version_name(version: ObjectVersion) -> str:
    """The version id, or ETag and sequencer where the bucket is unversioned."""
    return version.version_id or f"{version.etag}+{version.sequencer}"


def request_id(bucket: str, key: str, version: str) -> str:
    """Partition key of a version's item: the same for every delivery, another for every version.

    Args:
        bucket: Bucket name.
        key: Key, decoded.
        version: As `version_name` gives it.

    Returns:
        32 hexadecimal digits.
    """
    return sha256(f"{bucket}\0{key}\0{version}".encode()).hexdigest()[:32]


def request_id_of(version: ObjectVersion) -> str:
    """The request id of an object version."""
    return request_id(version.bucket, version.key, version_name(version))


@dataclass(frozen=True, slots=True)
class ResultKeys:
    """Keys in the results bucket.

    Attributes:
        newest: Result of the newest version of the key.
        history: Result of this version.
        heat_maps: Folder of this version's heat maps.
    """

    newest: str
    history: str
    heat_maps: str

    def heat_map(self, model_version: str) -> str:
        """Key of the heat map that one model gives.

        The model is part of the name, because a retry may meet another model than the attempt whose verdict
        stands, and must not draw over that verdict's heat map.
        """
        return f"{self.heat_maps}/{model_version}.png"


def result_keys(version: ObjectVersion) -> ResultKeys:
    """Derives the keys of a version's results from its own; a key too long to derive from is hashed."""
    name = version_name(version)
    if len(name.encode()) > _MAX_NAME_BYTES:
        name = sha256(name.encode()).hexdigest()
    stem = version.key
    longest = f"heatmaps/{stem}/{name}/{'9' * _MODEL_DIGITS}.png"
    if len(longest.encode()) > MAX_KEY_BYTES:
        stem = f"hashed/{sha256(version.key.encode()).hexdigest()}"
    return ResultKeys(f"results/{stem}.json", f"history/{stem}/{name}.json", f"heatmaps/{stem}/{name}")
