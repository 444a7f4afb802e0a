"""Single pixels of layers, of which no more is read than a line needs."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_gan_enhance.metrics.line_profile import ArrayPixels, intensity
from napari_gan_enhance.progress import Job, Progress

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from napari.layers import Image
    from numpy.typing import NDArray

    from napari_gan_enhance.metrics.line_profile import PixelSource

BUDGET_BYTES = 256 * 2**20
"""Kept of lazy layers, so that a line that is dragged reads what is new only."""

LARGEST_TILE = 1024
TILE = 512
"""Side of what is kept, in pixels, where chunks are larger or there are none."""


@dataclass(frozen=True, slots=True)
class PlaneIndex:
    """Where a plane lies in the pixels of a layer.

    Parameters
    ----------
    hidden : tuple of int or None
        For each axis of the layer the position, None for the two of the plane.
    """

    hidden: tuple[int | None, ...]

    def window(self, rows: slice, columns: slice) -> tuple[int | slice, ...]:
        """Return what to index the layer's pixels with."""
        spans = iter((rows, columns))
        return tuple(next(spans) if at is None else at for at in self.hidden)


class PixelStore:
    """Remember what was read of lazy layers.

    The window asks and gets NaN for what is not there yet; a thread reads it
    (`load_missing`), and the window asks again.

    Parameters
    ----------
    budget : int, bytes
        What was not used lately is dropped beyond it.
    """

    def __init__(self, budget: int = BUDGET_BYTES) -> None:
        self._budget = budget
        self._tiles: OrderedDict[Any, NDArray[Any]] = OrderedDict()
        self._lock = threading.Lock()
        self.age = 0
        """How often everything was dropped; what was read before is of another age."""

    def tile(self, key: object) -> NDArray[Any] | None:
        """Return a tile that was read; None if it was not."""
        with self._lock:
            if key in self._tiles:
                self._tiles.move_to_end(key)
            return self._tiles.get(key)

    def keep(self, tiles: dict[Any, NDArray[Any]], needed: int) -> None:
        """Keep tiles, and at least the newest `needed` of all."""
        with self._lock:
            self._tiles.update(tiles)
            size = sum(tile.nbytes for tile in self._tiles.values())
            while size > self._budget and len(self._tiles) > needed:
                size -= self._tiles.popitem(last=False)[1].nbytes

    def forget(self) -> None:
        """Drop everything: pixels of a layer have changed, or a layer is gone."""
        with self._lock:
            self.age += 1
            self._tiles.clear()

    def source(
        self, layer: Image, index: PlaneIndex, color: int | None = None
    ) -> PixelSource:
        """Return the pixels of one plane of a layer, at full resolution.

        Of RGB one color, or the mean of all three.
        """
        data = layer.data[0] if layer.multiscale else layer.data
        if isinstance(data, np.ndarray):
            whole = slice(None)
            return ArrayPixels(data[index.window(whole, whole)], color)
        return LazyPixels(data, index, self, color)


class LazyPixels:
    """Pixels of a dask, zarr or similar array, read in tiles.

    Parameters
    ----------
    data : array
    index : PlaneIndex
    store : PixelStore
    color : int, optional
        As for `ArrayPixels`.
    """

    def __init__(
        self,
        data: Any,
        index: PlaneIndex,
        store: PixelStore,
        color: int | None = None,
    ) -> None:
        axes = [axis for axis, at in enumerate(index.hidden) if at is None]
        self.shape: tuple[int, ...] = tuple(int(data.shape[axis]) for axis in axes)
        self.missing: dict[tuple[int, int], None] = {}
        """Tiles that were asked for and are not there, in the order of asking."""
        self.touched = 0
        """Tiles that were asked for last."""
        self._data, self._index, self._store = data, index, store
        self._color = color
        self._age = store.age
        self._chunk = [_chunk_size(data, axis) for axis in axes]
        self._tile = [c if c <= LARGEST_TILE else TILE for c in self._chunk]

    def pick(
        self, rows: NDArray[np.intp], columns: NDArray[np.intp]
    ) -> NDArray[np.float64]:
        """Return pixels by their indices; NaN for those that were not read yet."""
        high, wide = self._tile
        across = -(-self.shape[1] // wide)
        place = (rows // high) * across + columns // wide
        values = np.full(place.shape, np.nan)
        rows, columns = np.broadcast_arrays(rows % high, columns % wide)
        tiles = np.flatnonzero(np.bincount(place.ravel()))
        self.touched = len(tiles)
        missing: dict[tuple[int, int], None] = {}
        for number in tiles:
            tile = divmod(int(number), across)
            pixels = self._store.tile(self._key(tile))
            if pixels is None:
                missing[tile] = None
                continue
            here = place == number
            values[here] = intensity(pixels[rows[here], columns[here]], 1, self._color)
        self.missing = missing  # at once: a thread may be reading what was missing
        return values

    def read_missing(self) -> Iterable[dict[Any, NDArray[Any]]]:
        """Read the tiles that are missing, each chunk of the array once."""
        groups: dict[tuple[int, ...], list[tuple[int, int]]] = {}
        for tile in self.missing:
            chunk = tuple(
                at * side // size
                for at, side, size in zip(tile, self._tile, self._chunk, strict=True)
            )
            groups.setdefault(chunk, []).append(tile)
        for tiles in groups.values():
            yield self._read(tiles)

    def _read(self, tiles: Sequence[tuple[int, int]]) -> dict[Any, NDArray[Any]]:
        high, wide = self._tile
        top, left = (min(t[axis] for t in tiles) for axis in (0, 1))
        bottom, right = (max(t[axis] for t in tiles) + 1 for axis in (0, 1))
        window = self._index.window(
            slice(top * high, min(bottom * high, self.shape[0])),
            slice(left * wide, min(right * wide, self.shape[1])),
        )
        block = np.asarray(self._data[window])
        found = {}
        for row, column in tiles:
            y, x = (row - top) * high, (column - left) * wide
            # A copy: a view would keep the whole block.
            found[self._key((row, column))] = block[y : y + high, x : x + wide].copy()
        return found

    def _key(self, tile: tuple[int, int]) -> object:
        # The age, as a thread may still be reading what has changed since, and as an
        # array that comes after another may get its id.
        return self._age, id(self._data), self._index.hidden, tile


def load_missing(sources: Sequence[PixelSource], store: PixelStore) -> Job[None]:
    """Read what was found missing, tile by tile.

    Parameters
    ----------
    sources : sequence of PixelSource
        After they were sampled.
    store : PixelStore

    Yields
    ------
    Progress
    """
    lazy = [source for source in sources if isinstance(source, LazyPixels)]
    total = sum(len(source.missing) for source in lazy)
    needed = sum(source.touched for source in lazy)
    done = 0
    yield Progress(0, total, "reading")
    for source in lazy:
        for tiles in source.read_missing():
            store.keep(tiles, needed)
            done += len(tiles)
            yield Progress(done, total, "reading")


def missing_count(sources: Sequence[PixelSource]) -> int:
    """Return how many tiles were asked for last and are not there."""
    return sum(len(s.missing) for s in sources if isinstance(s, LazyPixels))


def _chunk_size(data: Any, axis: int) -> int:
    """Return the side of a chunk; a tile's where the array says nothing of chunks."""
    chunks = getattr(data, "chunks", None)
    if not chunks:
        return TILE
    size = chunks[axis]
    return int(max(size) if isinstance(size, tuple) else size)
