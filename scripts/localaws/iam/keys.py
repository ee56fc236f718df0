"""Access keys that tell a role: what workers sign with, instead of the keys that STS lends on AWS."""

from __future__ import annotations

import base64
import hashlib

_PREFIX = "ASIA"  # of every key that STS lends


def access_key(role_arn: str) -> str:
    """The access key id with which workers of a role sign."""
    return _PREFIX + base64.b32encode(hashlib.sha256(role_arn.encode()).digest()).decode()[:16]


def is_lent(key: str) -> bool:
    """Whether a key is a role's, not a person's."""
    return key.startswith(_PREFIX)
