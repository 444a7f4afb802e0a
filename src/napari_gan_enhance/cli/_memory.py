"""Keep the memory of a long run flat."""

from __future__ import annotations

import ctypes
import sys

M_ARENA_MAX = -8
"""Number of the parameter in glibc's malloc.h."""


def share_one_arena() -> None:
    """Let all threads take memory from one arena, where the C library is glibc.

    glibc gives each thread an arena of its own and keeps what is freed in it. Readers,
    writers and torch all have threads: over an image of 6144 x 6144 pixels the peak
    was 520 MiB with their arenas and 236 MiB with one, in the same time.
    """
    if sys.platform != "linux":
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # not in musl
    if mallopt is not None:
        mallopt(M_ARENA_MAX, 1)
