"""Buckets that pictures, masks and manifests of datasets may lie in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from chalicelib.exceptions import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping

DATASETS_PREFIX = "datasets/"
"""Of the stack's own images bucket; no upload below it starts a handler."""


@dataclass(frozen=True, slots=True)
class DatasetBuckets:
    """What the stack's roles were granted.

    Attributes:
        own: The images bucket: below `datasets/`.
        granted: The user's other buckets, whole.
    """

    own: str
    granted: frozenset[str] = frozenset()

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Self:
        """Reads `IMAGES_BUCKET` and `DATASET_BUCKETS` (names, separated by commas).

        Raises:
            ConfigurationError: There is no `IMAGES_BUCKET`.
        """
        own = environment.get("IMAGES_BUCKET")
        if not own:
            message = "The environment variable IMAGES_BUCKET is not set: Terraform sets it, so deploy again."
            raise ConfigurationError(message)
        named = environment.get("DATASET_BUCKETS", "").split(",")
        return cls(own, frozenset(name for name in named if name))

    def refusal(self, bucket: str | None, key: str) -> str | None:
        """Why an object may not be used, and what to do; None when it may."""
        if bucket in self.granted or (bucket == self.own and key.startswith(DATASETS_PREFIX)):
            return None
        place = f"s3://{self.own}/{DATASETS_PREFIX}"
        if bucket == self.own:
            return f"s3://{bucket}/{key} lies outside {place}: copy it there"
        return (
            f"bucket {bucket} is not open to datasets: add its ARN to the Terraform variable "
            f"dataset_bucket_arns and deploy again, or copy the files below {place}"
        )
