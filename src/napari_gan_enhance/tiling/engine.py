"""Run tile operators over the parts of an image, tile by tile."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_gan_enhance.errors import DeviceError, InputError
from napari_gan_enhance.progress import Job, Progress, RemainingTime
from napari_gan_enhance.tiling.grid import (
    Tile,
    halved,
    read_window,
    split,
    tiles_of,
    window_of,
)
from napari_gan_enhance.tiling.operator import Snapshot, TileOperator, steps_of
from napari_gan_enhance.tiling.schedule import Schedule

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from numpy.typing import NDArray

MOST_LOST_S = 0.5
"""A tile is given up for a visible one only while no more work than this is lost: the
tile of a network on a processor, but not a volume in Richardson-Lucy."""


@dataclass(frozen=True, slots=True)
class Part:
    """One plane or volume of an image, and what to run over it.

    Parameters
    ----------
    source : array, shape (C, *spatial)
        Anything with a shape that is read by slices.
    target : array, shape (C', *upscaled spatial)
        Anything that is written by slices: numpy, zarr, memmap.
    operator : TileOperator
    region : tuple of slice, optional
        Compute only this box of the source, one slice for each spatial axis, starting
        at multiples of the operator's size multiple; the target has its size. What
        lies around it is still read as context.
    history : array, shape (K, C', *upscaled spatial), optional
        Takes the Snapshots of a SteppedOperator, by their index; written by slices.
    """

    source: Any
    target: Any
    operator: TileOperator
    region: tuple[slice, ...] | None = None
    history: Any = None

    @property
    def box(self) -> tuple[slice, ...]:
        """The spatial box to compute."""
        if self.region is not None:
            return self.region
        return tuple(slice(0, int(n)) for n in self.source.shape[1:])


@dataclass(frozen=True, slots=True)
class TileSnapshot:
    """An intermediate result of a tile that has been written to its part's history.

    Parameters
    ----------
    tile : Tile
    index : int
        First axis of the history.
    """

    tile: Tile
    index: int


def run_tiles(
    parts: Sequence[Part],
    *,
    tile: tuple[int, ...],
    stage: str,
    schedule: Schedule | None = None,
    quick: tuple[int, ...] | None = None,
) -> Job[tuple[int, ...]]:
    """Compute every tile of every part once and write it to the part's target.

    Parameters
    ----------
    parts : sequence of Part
        All with operators of the same halo, size multiple and upscale.
    tile : tuple of int
        Spatial tile shape; see `fitting_tile`.
    stage : str
        Word for the progress reports.
    schedule : Schedule, optional
        In which order; row by row without one. A tile of a SteppedOperator that has
        run for less than `MOST_LOST_S` is put off when the focus moves to others.
    quick : tuple of int, optional
        Shape of the first tile after the focus has moved, a multiple as `tile` is.

    Yields
    ------
    Progress
        Before the first and after each tile, and between the steps of a
        SteppedOperator. `detail` is the Tile just written, the TileSnapshot written
        to the history, or None. When memory ends the tile is halved and `note` says so.

    Returns
    -------
    tuple of int
        The tile shape that was used at last.

    Raises
    ------
    InputError
        If the tile shape does not fit the operators.
    DeviceError
        If there is no memory even for the smallest tile.
    """
    _check_tile(parts, tile)
    _check_tile(parts, tile if quick is None else quick)
    run = _Run(parts, tile, stage, Schedule() if schedule is None else schedule)
    yield run.report()
    while run.schedule:
        current = run.schedule.take(quick)
        note, written = "", None
        try:
            if (yield from run.compute(current)):
                written = current
        except MemoryError as error:
            note = run.shrink(current, error)
        yield run.report(note, written)
    return run.tile


class _Run:
    """The state of one call of `run_tiles`."""

    def __init__(
        self,
        parts: Sequence[Part],
        tile: tuple[int, ...],
        stage: str,
        schedule: Schedule,
    ) -> None:
        self.parts = parts
        self.tile = tile
        self.stage = stage
        self.schedule = schedule
        self.done = 0
        self.clock = RemainingTime()
        grids = (tiles_of(i, p.box, tile) for i, p in enumerate(parts))
        schedule.replace([t for grid in grids for t in grid])

    def compute(self, tile: Tile) -> Generator[Progress, None, bool]:
        """Write a tile; return False if it was given back to the schedule instead."""
        part = self.parts[tile.part]
        operator = part.operator
        size = part.source.shape[1:]
        box = window_of(tile, size, operator.halo, operator.size_multiple)
        window = read_window(part.source, box)
        place = _Place(part, tile, box)
        result = yield from self._result(place, window)
        if result is None:
            return False
        place.write(result)
        self.done += 1
        return True

    def _result(
        self, place: _Place, window: NDArray[Any]
    ) -> Generator[Progress, None, NDArray[Any] | None]:
        steps, began = steps_of(place.part.operator, window), time.monotonic()
        tile = place.tile
        try:
            while True:
                fraction = next(steps)
                kept = None
                if isinstance(fraction, Snapshot):
                    place.write_history(fraction)
                    kept = TileSnapshot(tile, fraction.index)
                yield self.report(written=kept, running=fraction)
                is_cheap = time.monotonic() - began < MOST_LOST_S
                if is_cheap and self.schedule.give_back(tile):
                    return None
        except StopIteration as end:
            result: NDArray[Any] = end.value
            return result
        finally:
            steps.close()

    def shrink(self, tile: Tile, error: MemoryError) -> str:
        """Cut the failed tile and all that are left to half the size."""
        multiple = self.parts[tile.part].operator.size_multiple
        smaller = halved(tuple(map(min, self.tile, _padded(tile, multiple))), multiple)
        if smaller is None:
            raise DeviceError(
                f"There is no memory even for a tile of {_text(self.tile)} pixels - "
                "the smallest possible tile must fit - close other programs or choose "
                "another device."
            ) from error
        note = (
            f"Out of memory with tiles of {_text(self.tile)} pixels; going on with "
            f"{_text(smaller)}."
        )
        self.tile = smaller
        left = [tile, *self.schedule.rest()]
        self.schedule.replace([piece for t in left for piece in split(t, smaller)])
        return note

    def report(
        self,
        note: str = "",
        written: Tile | TileSnapshot | None = None,
        running: float | None = None,
    ) -> Progress:
        # A tile that is being computed is no longer in the schedule.
        total = self.done + len(self.schedule) + (running is not None)
        left = self.clock.after(self.done + (running or 0.0), total)
        return Progress(self.done, total, self.stage, left, note, written)


@dataclass(frozen=True, slots=True)
class _Place:
    """Where the result of a window goes."""

    part: Part
    tile: Tile
    box: tuple[slice, ...]  # the window that was read

    def write(self, result: NDArray[Any]) -> None:
        index, inner = self._slices()
        self.part.target[index] = result[inner]

    def write_history(self, snapshot: Snapshot) -> None:
        index, inner = self._slices()
        one = slice(snapshot.index, snapshot.index + 1)
        self.part.history[(one, *index)] = snapshot.result[inner][np.newaxis]

    def _slices(self) -> tuple[tuple[slice, ...], tuple[slice, ...]]:
        """Return the tile's place in the target and in the result of its window."""
        tile, upscale = self.tile, self.part.operator.upscale
        inner = tuple(
            slice((a - w.start) * u, (b - w.start) * u)
            for a, b, w, u in zip(tile.start, tile.stop, self.box, upscale, strict=True)
        )
        channels = slice(0, self.part.target.shape[0])
        return (channels, *tile.slices(self.part.box, upscale)), (channels, *inner)


def _padded(tile: Tile, multiple: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(-(-n // m) * m for n, m in zip(tile.shape, multiple, strict=True))


def _text(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape))


def _check_tile(parts: Sequence[Part], tile: tuple[int, ...]) -> None:
    for part in parts:
        multiple = part.operator.size_multiple
        if any(n < 1 or n % m for n, m in zip(tile, multiple, strict=True)):
            raise InputError(
                f"Tile {_text(tile)} cannot be used - it must be a positive multiple "
                f"of {_text(multiple)} - choose such a tile."
            )
