"""Tiles and windows: where a result is written and what is read for it.

window = tile + halo, cut at the border of the padded image
+-----------------------------+
|  halo                       |   The window starts at a multiple of the
|     +-----------------+     |   operator's size multiple. At the far border the
|     |  tile           |     |   image is padded by reflection to the next
|     |  (written)      |     |   multiple; the near border is never padded, so a
|     +-----------------+     |   tile there sees what the whole image would see.
|                             |
+-----------------------------+
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_gan_enhance.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Tile:
    """A box of input pixels that one call is responsible for; tiles do not overlap.

    Parameters
    ----------
    part : int
        Which plane or volume of the job.
    start, stop : tuple of int
        First pixel and one past the last on each spatial axis.
    """

    part: int
    start: tuple[int, ...]
    stop: tuple[int, ...]

    @property
    def shape(self) -> tuple[int, ...]:
        """Length on each spatial axis."""
        return tuple(b - a for a, b in zip(self.start, self.stop, strict=True))

    def slices(
        self, box: tuple[slice, ...], upscale: tuple[int, ...]
    ) -> tuple[slice, ...]:
        """Return where the tile lies in the result of a box of the image."""
        edges = zip(self.start, self.stop, box, upscale, strict=True)
        return tuple(
            slice((a - w.start) * u, (b - w.start) * u) for a, b, w, u in edges
        )


def round_up(value: int, multiple: int) -> int:
    """Return the smallest multiple that is not below the value."""
    return -(-value // multiple) * multiple


def tiles_of(part: int, box: tuple[slice, ...], tile: tuple[int, ...]) -> list[Tile]:
    """Cut a box into tiles, row by row; the last of each row may be smaller.

    Parameters
    ----------
    part : int
    box : tuple of slice
        In pixels of the image.
    tile : tuple of int
        Spatial shape of a full tile.
    """
    axes = [
        [(a, min(a + t, w.stop)) for a in range(w.start, w.stop, t)]
        for w, t in zip(box, tile, strict=True)
    ]
    return [
        Tile(part, tuple(a for a, _ in edges), tuple(b for _, b in edges))
        for edges in itertools.product(*axes)
    ]


def halved(shape: tuple[int, ...], multiple: tuple[int, ...]) -> tuple[int, ...] | None:
    """Return the tile with its longest axis halved, None if none can be.

    Halves are rounded up to the multiple, so that all origins stay legal.
    """
    for axis in sorted(range(len(shape)), key=lambda i: -shape[i]):
        half = round_up(-(-shape[axis] // 2), multiple[axis])
        if half < shape[axis]:
            return (*shape[:axis], half, *shape[axis + 1 :])
    return None


def split(tile: Tile, shape: tuple[int, ...]) -> list[Tile]:
    """Cut a tile into tiles of at most the given shape."""
    box = tuple(slice(a, b) for a, b in zip(tile.start, tile.stop, strict=True))
    return tiles_of(tile.part, box, shape)


def window_of(
    tile: Tile,
    image: tuple[int, ...],
    halo: tuple[int, ...],
    multiple: tuple[int, ...],
) -> tuple[slice, ...]:
    """Return the window of a tile; it may reach past the far border of the image."""
    window = []
    for start, stop, size, h, m in zip(
        tile.start, tile.stop, image, halo, multiple, strict=True
    ):
        reach = round_up(h, m)
        lower = max(0, start - reach)
        upper = min(round_up(size, m), round_up(stop, m) + reach)
        window.append(slice(lower, upper))
    return tuple(window)


def read_window(source: Any, window: tuple[slice, ...]) -> NDArray[Any]:
    """Read a window, reflecting the image past its far border.

    Parameters
    ----------
    source : array, shape (C, *spatial)
    window : tuple of slice
        One for each spatial axis.

    Returns
    -------
    ndarray, shape (C, *window), dtype of the source
    """
    indices = [
        _reflected(w.start, w.stop, n)
        for w, n in zip(window, source.shape[1:], strict=True)
    ]
    box = tuple(slice(int(i.min()), int(i.max()) + 1) for i in indices)
    block = np.asarray(source[(slice(0, source.shape[0]), *box)])
    for axis, (index, read) in enumerate(zip(indices, box, strict=True), start=1):
        if len(index) != block.shape[axis] or index[-1] != read.stop - 1:
            block = block.take(index - read.start, axis=axis)
    return block


def _reflected(start: int, stop: int, size: int) -> NDArray[np.intp]:
    """Return pixel indices from start to stop, mirrored at the last pixel."""
    if size < 1:
        raise InputError(
            "The image has an axis of length 0 - every axis needs at least one pixel "
            "- choose an image that holds pixels."
        )
    index = np.arange(start, stop) % (2 * size)
    return np.where(index < size, index, 2 * size - 1 - index)
