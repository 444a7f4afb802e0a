"""Where maps lie: planes of several arrays side by side, and maps in one array."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


class Stacked:
    """Views (1, Y, X) of one plane of several arrays as one source (n, Y, X).

    Parameters
    ----------
    views : sequence of array, shape (1, Y, X)
    """

    def __init__(self, views: Sequence[Any]) -> None:
        self._views = tuple(views)
        self.shape: tuple[int, ...] = (len(self._views), *self._views[0].shape[1:])
        self.dtype: np.dtype[Any] = np.dtype(np.float64)

    def __getitem__(self, window: tuple[slice, ...]) -> NDArray[np.float64]:
        """Read a window; the first slice counts the arrays."""
        whole = (slice(None), *window[1:])
        return np.concatenate(
            [np.asarray(v[whole], np.float64) for v in self._views[window[0]]]
        )


class Entry:
    """One index of the first axis of an array, read and written where it lies.

    Parameters
    ----------
    array : numpy or zarr array
    index : int
    """

    def __init__(self, array: Any, index: int) -> None:
        self._array = array
        self._index = index
        self.shape: tuple[int, ...] = tuple(array.shape[1:])
        self.dtype: np.dtype[Any] = np.dtype(array.dtype)

    def __getitem__(self, window: Any) -> NDArray[Any]:
        """Read a window."""
        rest = window if isinstance(window, tuple) else (window,)
        return np.asarray(self._array[(self._index, *rest)])

    def __setitem__(self, window: Any, block: NDArray[Any]) -> None:
        """Write a window."""
        rest = window if isinstance(window, tuple) else (window,)
        self._array[(self._index, *rest)] = block


def entry(array: Any, index: int) -> Any:
    """Return one map of an array of maps, to be read and written by slices."""
    return array[index] if isinstance(array, np.ndarray) else Entry(array, index)
