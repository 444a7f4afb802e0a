"""Pixels that are decoded when a region is read, with the error boundary on them."""

from __future__ import annotations

import re
import threading
import weakref
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_gan_enhance.io.boundary import decoding

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from napari_gan_enhance.io.axes import AxisPlan


class OpenFile:
    """Keep a file open for as long as pixels that are read from it are alive."""

    def __init__(self, close: Callable[[], object]) -> None:
        self._finalizer = weakref.finalize(self, close)

    def close(self) -> None:
        """Close now; reading from it afterwards fails."""
        self._finalizer()


class LazyPixels:
    """Part of an array in a file, sliced like a numpy array.

    Any thread may read; reads of one file take turns, and a damaged region raises
    FileFormatError when it is read.

    Parameters
    ----------
    source : array
        Anything that is sliced by ints and slices: a zarr array or a memory map.
    plan : AxisPlan
        Which part of the source is seen.
    path : Path
        The file, for messages.
    opened : OpenFile
        Kept alive with this array.
    convert : callable
        Applied to what is read, pixel by pixel.
    samples : int
        Color samples that `convert` appends as a last axis; 0 for none.
    """

    def __init__(
        self,
        source: Any,
        plan: AxisPlan,
        path: Path,
        opened: OpenFile,
        *,
        convert: Callable[[NDArray[Any]], NDArray[Any]],
        samples: int = 0,
    ) -> None:
        self._source = source
        self._plan = plan
        self._path = path
        self._opened = opened
        self._convert = convert
        self._samples = samples
        self._lock = threading.Lock()
        kept = [part for part in plan.taken if isinstance(part, slice)]
        self.shape: tuple[int, ...] = tuple(part.stop for part in kept)
        if samples:
            self.shape += (samples,)
        probe = convert(np.zeros((1,) * len(kept), dtype=source.dtype))
        self.dtype: np.dtype[Any] = probe.dtype

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """Number of pixels times samples."""
        return int(np.prod(self.shape, dtype=np.int64))

    @property
    def nbytes(self) -> int:
        """Bytes of the whole array once decoded."""
        return self.size * self.dtype.itemsize

    def __len__(self) -> int:
        """Length of the first axis."""
        return self.shape[0]

    def __array__(self, dtype: Any = None, *, copy: bool | None = None) -> NDArray[Any]:
        """Decode everything."""
        return np.asarray(self[...], dtype=dtype)

    def __getitem__(self, index: Any, /) -> Any:
        """Decode a region: ints, slices with positive steps, and an ellipsis."""
        full = self._full_index(index)
        pixel_index = full[: len(full) - 1] if self._samples else full
        wanted = iter(pixel_index)
        raw = tuple(
            part if isinstance(part, int) else _within(next(wanted), part.stop)
            for part in self._plan.taken
        )
        with decoding(self._path), self._lock:
            block = self._convert(np.asarray(self._source[raw]))
        return block[..., full[-1]] if self._samples else block

    def _full_index(self, index: Any) -> tuple[Any, ...]:
        given = list(index) if isinstance(index, tuple) else [index]
        rest = self.ndim - sum(part is not Ellipsis for part in given)
        if rest < 0:
            raise IndexError(f"{len(given)} indices for {self.ndim} axes")
        at = next((i for i, x in enumerate(given) if x is Ellipsis), None)
        fill = [slice(None)] * rest
        if at is None:
            return tuple(given + fill)
        return tuple(given[:at] + fill + given[at + 1 :])


def native(values: NDArray[Any]) -> NDArray[Any]:
    """Return values in the machine's byte order."""
    return values.astype(values.dtype.newbyteorder("="), copy=False)


def file_stem(path: Path) -> str:
    """Return a file's name without its suffix, double ones such as .ome.tif too."""
    return re.sub(r"(?i)(\.ome)?\.[^.]+$", "", path.name) or path.name


def _within(index: Any, size: int) -> int | slice:
    """Return an index that does not reach past `size` nor counts from the end."""
    if isinstance(index, slice):
        start, stop, step = index.indices(size)
        return slice(start, max(start, stop), step)
    position = int(index)
    if not -size <= position < size:
        raise IndexError(f"index {position} is out of bounds for length {size}")
    return position % size
