"""Write a Micrograph as OME-TIFF, tile by tile."""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING, Any

from napari_gan_enhance.errors import OutputError
from napari_gan_enhance.io.ome_writing import ome_xml, stored_dtype
from napari_gan_enhance.io.tiff_container import CLASSIC_LIMIT, TILE, TiledTiff
from napari_gan_enhance.micrograph.view import AxesView
from napari_gan_enhance.progress import Progress, RemainingTime

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import numpy as np

    from napari_gan_enhance.micrograph.micrograph import Micrograph
    from napari_gan_enhance.progress import Job


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
    with part.open("xb") as file:
        tiff = TiledTiff(
            file, (height, width, samples), dtype, big=stored_bytes > CLASSIC_LIMIT
        )
        for plane in planes:
            for tile in _tiles(view, plane):
                tiff.write_tile(tile.astype(dtype, copy=False))
                done += 1
                yield Progress(done, total, "writing", remaining.after(done, total))
            tiff.end_plane(description)
            description = ""


def plane_order(axes: str) -> str:
    """Return the order in which planes are stored: T, C, Z as in the array, then YXS.

    Missing axes come first, as OME-TIFF has all of them.
    """
    leading = [a for a in "TCZ" if a not in axes] + [a for a in axes if a in "TCZ"]
    return "".join(leading) + "YXS"


def _tiles(view: AxesView, plane: tuple[int, ...]) -> Iterator[np.ndarray[Any, Any]]:
    """Yield the tiles of one plane row by row, each of shape (h, w, samples)."""
    height, width, samples = view.shape[3:]
    at = tuple(slice(i, i + 1) for i in plane)
    for y, x in itertools.product(range(0, height, TILE), range(0, width, TILE)):
        rows = slice(y, min(y + TILE, height))
        columns = slice(x, min(x + TILE, width))
        yield view[(*at, rows, columns, slice(0, samples))][0, 0, 0]
