"""How a text of a policy matches a text of a request: IAM's wildcards, and ARNs part by part."""

from __future__ import annotations

import re
from functools import lru_cache

_ARN_PARTS = 6


def matches(pattern: str, text: str, *, ignore_case: bool = False) -> bool:
    """Whether a pattern covers a whole text; `*` is any number of characters, `?` exactly one."""
    return _compiled(pattern, ignore_case).fullmatch(text) is not None


def arn_matches(pattern: str, arn: str) -> bool:
    """Whether a pattern covers an ARN: each of the six parts between colons is compared by itself.

    `*` alone covers everything, and alone covers what has no ARN (`*` as the resource of a request).
    """
    if pattern == "*":
        return True
    wanted, given = pattern.split(":", _ARN_PARTS - 1), arn.split(":", _ARN_PARTS - 1)
    return len(wanted) == len(given) == _ARN_PARTS and all(map(matches, wanted, given))


@lru_cache(maxsize=4096)
def _compiled(pattern: str, ignore_case: bool) -> re.Pattern[str]:  # noqa: FBT001  # the cache's key
    parts = (".*" if part == "*" else "." if part == "?" else re.escape(part) for part in pattern)
    return re.compile("".join(parts), re.DOTALL | (re.IGNORECASE if ignore_case else 0))
