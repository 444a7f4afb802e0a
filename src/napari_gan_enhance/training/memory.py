"""Keep the memory of one training step for the next."""

from __future__ import annotations

import contextlib
import ctypes
import sys
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
"""Numbers of the parameters in glibc's malloc.h."""

NEVER, DEFAULT = 2**31 - 1, 128 * 2**10
"""Bytes: the largest number mallopt takes, and glibc's first value of both."""


@contextlib.contextmanager
def kept_memory() -> Iterator[None]:
    """Let the C library keep what a step frees, and give it back at the end.

    A step frees and asks again for the same hundreds of MiB. glibc returns large
    arrays to the system, which clears every page before it hands it out again: 12,000
    page faults in each step of the width-16 generator, none with this. In a thread
    other than the first, glibc keeps them anyway.
    """
    mallopt = _function("mallopt")
    if mallopt is None or threading.current_thread() is not threading.main_thread():
        yield
        return
    mallopt(M_MMAP_THRESHOLD, NEVER)
    mallopt(M_TRIM_THRESHOLD, NEVER)
    try:
        yield
    finally:
        mallopt(M_MMAP_THRESHOLD, DEFAULT)
        mallopt(M_TRIM_THRESHOLD, DEFAULT)
        trim = _function("malloc_trim")
        if trim is not None:
            trim(0)


def _function(name: str) -> ctypes._NamedFuncPointer | None:
    """Return a function of the C library; None where it is not glibc."""
    if sys.platform != "linux":
        return None
    function: ctypes._NamedFuncPointer | None = getattr(ctypes.CDLL(None), name, None)
    return function
