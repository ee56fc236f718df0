"""Gives memory back to the system, which glibc would keep for later."""

from __future__ import annotations

import ctypes
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def sparing_memory() -> Iterator[None]:
    """Around what needs a lot of memory for a moment: what is free before and afterwards is given back.

    Networks, decoded pictures and features differ in size, so that one cannot take the place of another, and
    a process grows by the largest of each. Does nothing where the C library has no `malloc_trim`.
    """
    _trim()
    yield
    _trim()


def _trim() -> None:
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # musl has none
        if trim:
            trim(0)
