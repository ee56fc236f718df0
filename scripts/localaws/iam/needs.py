"""What a call must be allowed to do."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from localaws.iam.conditions import Context


@dataclass(frozen=True, slots=True)
class Need:
    """One permission that a call needs.

    Attributes:
        action: Such as `s3:PutObject`.
        resource: ARN, or `*` where the action has none.
        context: The call's own condition keys, such as `iam:PassedToService`.
        owner: Account of the resource; empty where the ARN does not tell.
    """

    action: str
    resource: str
    context: Context = field(default_factory=dict)
    owner: str = ""
