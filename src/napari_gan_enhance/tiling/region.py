"""Regions of a micrograph: which planes and pixels a job works on."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from napari_gan_enhance.errors import InputError
from napari_gan_enhance.progress import changed
from napari_gan_enhance.tiling.engine import Part, TileSnapshot, run_tiles
from napari_gan_enhance.tiling.grid import Tile

if TYPE_CHECKING:
    from napari_gan_enhance.micrograph.micrograph import Micrograph
    from napari_gan_enhance.progress import Job, Progress
    from napari_gan_enhance.tiling.schedule import Schedule

Region = Mapping[str, slice]
"""Axis letter to a slice without step, in input pixels; axes left out are whole."""


@dataclass(frozen=True, slots=True)
class WrittenRegion:
    """What a job has just written: axis letter to slice, in pixels of the target."""

    slices: Mapping[str, slice]


@dataclass(frozen=True, slots=True)
class WrittenSnapshot:
    """What a job has just written to its history.

    Parameters
    ----------
    index : int
        On the first axis of the history.
    region : WrittenRegion
        On its other axes, which are those of the target.
    """

    index: int
    region: WrittenRegion


def snapped_region(
    micrograph: Micrograph, region: Region | None, size_multiple: Mapping[str, int]
) -> dict[str, slice]:
    """Return a region for every axis, clipped to the image and grown to legal starts.

    Parameters
    ----------
    micrograph : Micrograph
    region : mapping or None
        None is the whole image.
    size_multiple : mapping of letter to int
        What starts must be a multiple of; 1 for axes left out.

    Raises
    ------
    InputError
        If the region lies outside the image.
    """
    wanted, snapped = region or {}, {}
    for axis, size in zip(micrograph.axes, micrograph.shape, strict=True):
        start, stop, _ = wanted.get(axis, slice(None)).indices(size)
        start -= start % size_multiple.get(axis, 1)
        if start >= stop:
            raise InputError(
                f"The region {wanted.get(axis)} on axis {axis} holds no pixels of the "
                f"image, which has {size} - it must overlap the image - move it."
            )
        snapped[axis] = slice(start, stop)
    return snapped


def positions(region: Region, axes: Sequence[str]) -> list[dict[str, int]]:
    """Return every position on some axes of a region, the last axis fastest."""
    ranges = [range(region[a].start, region[a].stop) for a in axes]
    return [dict(zip(axes, p, strict=True)) for p in itertools.product(*ranges)]


def run_places(
    parts: Sequence[Part],
    places: Sequence[Mapping[str, int]],
    region: Region,
    upscale: Mapping[str, int],
    *,
    tile: tuple[int, ...],
    stage: str,
    schedule: Schedule | None,
    quick: tuple[int, ...] | None = None,
) -> Job[tuple[int, ...]]:
    """Run the parts of a micrograph, and say where each tile stands in the target.

    Parameters
    ----------
    parts, tile, stage, schedule, quick
        As for `run_tiles`.
    places : sequence of mapping of letter to int
        Where each part stands on the axes that are not its own, in input pixels.
    region : mapping of letter to slice
        Snapped region of the job.
    upscale : mapping of letter to int
        Output pixels per input pixel on the axes of a part, in their order.

    Yields
    ------
    Progress
        `detail` is the WrittenRegion after each tile, the WrittenSnapshot after each
        snapshot.

    Returns
    -------
    tuple of int
        The tile that was used at last.
    """

    def placed(report: Progress) -> Progress:
        match report.detail:
            case Tile() as done:
                where = written_region(done, places[done.part], region, upscale)
                return replace(report, detail=where)
            case TileSnapshot(done, index):
                where = written_region(done, places[done.part], region, upscale)
                return replace(report, detail=WrittenSnapshot(index, where))
        return report

    tiles = run_tiles(parts, tile=tile, stage=stage, schedule=schedule, quick=quick)
    return changed(tiles, placed)


def written_region(
    tile: Tile, position: Mapping[str, int], region: Region, upscale: Mapping[str, int]
) -> WrittenRegion:
    """Return where a tile lies in the target of a region.

    Parameters
    ----------
    tile : Tile
        Its axes are the keys of `upscale`, in that order.
    position : mapping of letter to int
        Where the tile's plane stands on the other axes, in input pixels.
    region : mapping of letter to slice
        Snapped region of the job.
    upscale : mapping of letter to int
        Output pixels per input pixel on the tile's axes.
    """
    slices = {
        axis: slice(at - region[axis].start, at - region[axis].start + 1)
        for axis, at in position.items()
    }
    box = tuple(region[a] for a in upscale)
    spatial = tile.slices(box, tuple(upscale.values()))
    return WrittenRegion({**slices, **dict(zip(upscale, spatial, strict=True))})
