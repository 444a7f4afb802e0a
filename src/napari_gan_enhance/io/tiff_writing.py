"""Write a Micrograph as OME-TIFF, tile by tile."""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING, Any

import numpy as np
import tifffile

from napari_gan_enhance.errors import OutputError
from napari_gan_enhance.io.ome_writing import ome_xml, stored_dtype
from napari_gan_enhance.io.pushed import pushed
from napari_gan_enhance.micrograph.view import AxesView
from napari_gan_enhance.progress import Progress, RemainingTime

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from napari_gan_enhance.micrograph.micrograph import Micrograph
    from napari_gan_enhance.progress import Job


TILE = 512
"""Side of a tile; a multiple of 16, as TIFF asks."""

COMPRESSION_LEVEL = 6
"""Of deflate. Level 9 saves about 1 % on camera noise for three times the time."""

CLASSIC_LIMIT = 2**32 - 2**25
"""Bytes of pixels above which offsets may pass 32 bit: deflate adds less than 0.1 %
to noise, and the directories need some room."""


def write_tiff(part: Path, micrograph: Micrograph) -> Job[None]:
    """Write a micrograph into a new OME-TIFF file.

    Parameters
    ----------
    part : Path
        Not existing yet.
    micrograph : Micrograph

    Yields
    ------
    Progress
        After each tile.

    Raises
    ------
    OutputError
        If OME-TIFF cannot hold such pixels.
    """
    order = plane_order(micrograph.axes)
    view = AxesView(micrograph.pixels, micrograph.axes, order)
    dtype = stored_dtype(view.dtype)
    height, width, samples = view.shape[3:]
    if 0 in view.shape:
        raise OutputError(
            f"An image of shape {micrograph.shape} holds no pixels - every axis needs "
            "at least one - there is nothing to write."
        )
    planes = list(itertools.product(*(range(n) for n in view.shape[:3])))
    tiles_per_plane = math.ceil(height / TILE) * math.ceil(width / TILE)
    total, done = len(planes) * tiles_per_plane, 0
    yield Progress(0, total, "writing")
    description = ome_xml(micrograph, order, view.shape)
    remaining = RemainingTime()
    stored_bytes = total * TILE * TILE * samples * dtype.itemsize
    shape = (len(planes), height, width, *((samples,) if samples > 1 else ()))
    layout = _layout(shape, dtype, description, is_big=stored_bytes > CLASSIC_LIMIT)
    with pushed(lambda tiles: layout(part, tiles)) as push:
        for plane in planes:
            for tile in _tiles(view, plane):
                push(tile.astype(dtype, copy=False))
                done += 1
                yield Progress(done, total, "writing", remaining.after(done, total))


def plane_order(axes: str) -> str:
    """Return the order in which planes are stored: T, C, Z as in the array, then YXS.

    Missing axes come first, as OME-TIFF has all of them.
    """
    leading = [a for a in "TCZ" if a not in axes] + [a for a in axes if a in "TCZ"]
    return "".join(leading) + "YXS"


def _layout(
    shape: tuple[int, ...], dtype: np.dtype[Any], description: str, *, is_big: bool
) -> Callable[[Path, Iterator[Any]], None]:
    """Return a function that writes tiles of pages of a shape, (pages, Y, X[, S])."""
    samples = shape[3] if len(shape) > 3 else 1
    options: dict[str, Any] = {
        "photometric": "rgb" if samples in (3, 4) else "minisblack",
        "planarconfig": "contig" if samples > 1 else None,
        "extrasamples": ("unspecified",) if samples == 4 else None,
        "tile": (TILE, TILE),
        "compression": "zlib",
        "compressionargs": {"level": COMPRESSION_LEVEL},
        # Not that of floats: Bio-Formats, so Fiji and OMERO, cannot read it.
        "predictor": dtype.kind in "iu",
        "description": description,
        "metadata": None,  # the description is the OME-XML itself
        "software": "napari-gan-enhance",
    }

    def write(part: Path, tiles: Iterator[Any]) -> None:
        with tifffile.TiffWriter(part, bigtiff=is_big) as file:
            file.write(tiles, shape=shape, dtype=dtype, **options)

    return write


def _tiles(view: AxesView, plane: tuple[int, ...]) -> Iterator[np.ndarray[Any, Any]]:
    """Yield the tiles of one plane row by row, full size, shape (TILE, TILE[, S])."""
    height, width, samples = view.shape[3:]
    at = tuple(slice(i, i + 1) for i in plane)
    for y, x in itertools.product(range(0, height, TILE), range(0, width, TILE)):
        rows = slice(y, min(y + TILE, height))
        columns = slice(x, min(x + TILE, width))
        tile = view[(*at, rows, columns, slice(0, samples))][0, 0, 0]
        missing = [(0, TILE - n) for n in tile.shape[:2]]
        full = np.pad(tile, [*missing, (0, 0)], mode="edge")
        yield full if samples > 1 else full[..., 0]
