"""Read and write part of an array in a fixed order of axes, without copying the rest.

A file may come as TCZYX, YXS or ZCYX; the code that works on it wants (C, Y, X) of one
time and plane. The view translates, so nobody else thinks about the order of axes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray


class AxesView:
    """Some axes of an array, in a chosen order.

    Parameters
    ----------
    array : numpy, dask or zarr array
    axes : str
        Letters of the array's axes.
    order : str
        Axes of the view. One the array does not have, or that is fixed, has length 1.
    fixed : mapping of letter to int
        Where to stand on the axes that are not viewed whole. Axes of the array that
        are neither in `order` nor fixed must have length 1.
    """

    def __init__(
        self, array: Any, axes: str, order: str, fixed: Mapping[str, int] | None = None
    ) -> None:
        self._array = array
        self._axes = axes
        self._order = order
        self._fixed = dict(fixed or {})
        self._kept = [a for a in axes if a in order and a not in self._fixed]
        sizes = dict(zip(axes, array.shape, strict=True))
        self.shape: tuple[int, ...] = tuple(
            int(sizes[a]) if a in self._kept else 1 for a in order
        )
        self.dtype: np.dtype[Any] = np.dtype(array.dtype)

    def __getitem__(self, window: tuple[slice, ...]) -> NDArray[Any]:
        """Read a window, one slice for each axis of the view."""
        # (array's order, fixed axes dropped) -> (view's order, missing axes added)
        block = np.asarray(self._array[self._index(window)])
        present = [a for a in self._order if a in self._kept]
        block = block.transpose([self._kept.index(a) for a in present])
        missing = [i for i, a in enumerate(self._order) if a not in self._kept]
        return np.expand_dims(block, tuple(missing))

    def __setitem__(self, window: tuple[slice, ...], block: NDArray[Any]) -> None:
        """Write a window, one slice for each axis of the view."""
        missing = [i for i, a in enumerate(self._order) if a not in self._kept]
        block = np.squeeze(block, tuple(missing))
        present = [a for a in self._order if a in self._kept]
        block = block.transpose([present.index(a) for a in self._kept])
        self._array[self._index(window)] = block

    def _index(self, window: tuple[slice, ...]) -> tuple[int | slice, ...]:
        wanted = dict(zip(self._order, window, strict=True))
        return tuple(
            wanted[a] if a in self._kept else self._fixed.get(a, 0) for a in self._axes
        )
