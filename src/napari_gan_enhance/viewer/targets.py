"""Where a result is written while it is on screen."""

from __future__ import annotations

import math
import weakref
from contextlib import ExitStack
from pathlib import Path
from tempfile import gettempdir
from typing import TYPE_CHECKING, Any

import numpy as np
import psutil

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_gan_enhance.micrograph.micrograph import Micrograph

FREE_SHARE = 0.5
"""A result larger than this share of the free memory is kept on disk."""

CHUNK = 512
"""Side of a chunk on disk: close to a tile, so that a tile touches few of them."""


class RoundedArray:
    """An integer array that rounds and clips what is written to it.

    napari shows RGB pixels as they are: integers in their range, or floats from 0 to 1.
    A result on the scale of an 8-bit source must be 8-bit to look like it.

    Parameters
    ----------
    pixels : ndarray of an integer dtype
    """

    def __init__(self, pixels: NDArray[Any]) -> None:
        self.pixels = pixels
        self.shape: tuple[int, ...] = pixels.shape
        self.dtype: np.dtype[Any] = pixels.dtype
        self.ndim = pixels.ndim
        limits = np.iinfo(pixels.dtype)
        self._low, self._high = limits.min, limits.max

    def __getitem__(self, index: Any) -> Any:
        """Read pixels."""
        return self.pixels[index]

    def __setitem__(self, index: Any, values: NDArray[Any]) -> None:
        """Write pixels, rounded to the nearest integer in range."""
        self.pixels[index] = np.clip(np.rint(values), self._low, self._high)


def new_target(micrograph: Micrograph, shape: tuple[int, ...]) -> Any:
    """Return an array for a result: transparent on screen until it is written.

    Parameters
    ----------
    micrograph : Micrograph
        The source.
    shape : tuple of int
        Of the result, or of several, one behind the other.

    Returns
    -------
    ndarray, RoundedArray or zarr array
        float32, NaN (which napari does not draw) where nothing is written; zeros on
        disk, and for integer RGB, which keeps the source's dtype. What is on disk is
        removed when nothing reads it any more: other layers may share the pixels.
    """
    dtype = np.dtype(micrograph.pixels.dtype)
    if micrograph.is_rgb and dtype.kind in "ui":
        return RoundedArray(np.zeros(shape, dtype))
    if _size(shape) <= psutil.virtual_memory().available * FREE_SHARE:
        return np.full(shape, np.nan, np.float32)
    from napari_gan_enhance.io.scratch import scratch_array

    chunks = tuple(CHUNK if axis in "YX" else 1 for axis in micrograph.axes)
    chunks = (1,) * (len(shape) - len(chunks)) + chunks
    keep = ExitStack()
    scratch = scratch_array(shape, np.float32, scratch_folder(), chunks)
    array = keep.enter_context(scratch)
    weakref.finalize(array.store, keep.close)  # copies of the array have its store
    return array


def fits(shape: tuple[int, ...]) -> bool:
    """Return whether float32 results of a shape find room, in memory or on disk.

    Half of what is free is left to others, the result itself among them.
    """
    size, folder = _size(shape), str(scratch_folder())
    room = max(psutil.virtual_memory().available, psutil.disk_usage(folder).free)
    return bool(size <= room * FREE_SHARE)


def scratch_folder() -> Path:
    """Return where results are kept that are larger than memory."""
    return Path(gettempdir())


def shown_pixels(target: Any) -> Any:
    """Return the array a layer shows for a target."""
    return target.pixels if isinstance(target, RoundedArray) else target


def _size(shape: tuple[int, ...]) -> int:
    return math.prod(shape) * np.dtype(np.float32).itemsize
