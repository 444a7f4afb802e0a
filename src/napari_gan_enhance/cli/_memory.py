"""Keep the memory of a long run flat."""

from __future__ import annotations

import ctypes
import sys

M_MMAP_THRESHOLD = -3
"""Number of the parameter in glibc's malloc.h."""

LARGE = 4 * 2**20
"""Bytes; a tile's arrays are larger, and everything else is smaller."""


def give_back_large_arrays() -> None:
    """Let the C library hand large arrays back to the system when they are freed.

    glibc soon keeps arrays of up to 32 MiB in its heap, where those of a network leave
    gaps: over an image of 6144 x 6144 pixels the peak was 468 MiB, and 186 MiB with a
    fixed limit, for the same work of the processor.
    """
    if sys.platform != "linux":
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # not in musl
    if mallopt is not None:
        mallopt(M_MMAP_THRESHOLD, LARGE)
