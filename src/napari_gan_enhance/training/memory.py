"""Keep the memory of one training step for the next, and give all back at the end."""

from __future__ import annotations

import contextlib
import ctypes
import sys
import threading
import traceback
from typing import TYPE_CHECKING

import torch

from napari_gan_enhance.errors import GanEnhanceError

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


@contextlib.contextmanager
def returned_memory(device: torch.device) -> Iterator[None]:
    """Give back what was held of a device: torch keeps it, even when nobody needs it.

    An error holds everything that the functions it came through had, as does the one
    that caused it. It must not: after a lack of memory it would last.
    """
    try:
        yield
    except (GanEnhanceError, MemoryError) as error:
        cause: BaseException | None = error
        while cause is not None:
            traceback.clear_frames(cause.__traceback__)
            cause = cause.__cause__
        raise
    finally:
        if device.type == "cuda":
            torch.cuda.empty_cache()


def _function(name: str) -> ctypes._NamedFuncPointer | None:
    """Return a function of the C library; None where it is not glibc."""
    if sys.platform != "linux":
        return None
    function: ctypes._NamedFuncPointer | None = getattr(ctypes.CDLL(None), name, None)
    return function
