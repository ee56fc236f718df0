"""Lists in pages: the token of the next page says where it begins."""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, TypeVar

from chalicelib.lookout.api.errors import ValidationException

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

LARGEST_PAGE = 100

T = TypeVar("T")


def page(
    items: Sequence[T], name: Callable[[T], str], token: str | None, size: int | None
) -> tuple[list[T], str | None]:
    """One page of a list.

    Args:
        items: The whole list.
        name: Tells an item from every other: the next page begins after it, whatever came or went meanwhile.
        token: `NextToken` of the page before; None for the first page.
        size: `MaxResults`, 100 when not given.

    Returns:
        The items, and the next page's token; None on the last page.

    Raises:
        ValidationException: The token is none of ours, or its place in the list is gone.
    """
    start = 0
    if token is not None:
        try:
            last = base64.b64decode(token, validate=True).decode()
            start = next(index for index, item in enumerate(items, start=1) if name(item) == last)
        except (binascii.Error, ValueError, StopIteration) as error:
            message = "NextToken is none that this list gave, or its place is gone: list from the beginning."
            raise ValidationException(message) from error
    end = start + (size or LARGEST_PAGE)
    found = list(items[start:end])
    more = end < len(items) and found
    return found, base64.b64encode(name(found[-1]).encode()).decode() if more else None
