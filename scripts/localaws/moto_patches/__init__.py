"""Everything that moto lacks or does otherwise than AWS, mended in one place.

Each function mends one thing and says what. `tests/unit/localaws/test_moto_patches.py` fails for each when
moto no longer needs it. What is more than a mend has a module of its own: `notifications`, `event_bridge`,
`lambda_`.
"""

# ruff: noqa: ANN401  # the members replaced here take what moto gives them

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

from localaws.moto_patches import functions, s3
from localaws.moto_patches.s3 import MAX_KEY_BYTES, keep_put_body
from localaws.patching import replace

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["MAX_KEY_BYTES", "PATCHES", "apply", "before_import", "keep_put_body"]


def before_import() -> None:
    """Settings that moto reads when it is imported: it knows AWS's managed policies only when told to."""
    os.environ["MOTO_IAM_LOAD_MANAGED_POLICIES"] = "true"


def apply() -> None:
    """Applies every mend; once a process."""
    for patch in PATCHES:
        patch()


def compact_redrive_policy() -> None:
    """SQS: a redrive policy comes back as AWS writes it, without blanks (Terraform compares the texts)."""
    import moto.sqs.models as sqs

    class CompactJson:
        """`json` whose `dumps` puts no blanks."""

        def __getattr__(self, name: str) -> Any:
            return getattr(json, name)

        @staticmethod
        def dumps(value: Any, **options: Any) -> str:
            return json.dumps(value, separators=(",", ":"), **options)

    replace(sqs, json=CompactJson())


PATCHES: tuple[Callable[[], None], ...] = (
    compact_redrive_policy,
    *s3.PATCHES,
    *functions.PATCHES,
)
