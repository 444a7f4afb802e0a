"""Read an image file of any supported format into a Micrograph."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from napari_gan_enhance.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_gan_enhance.micrograph.micrograph import Micrograph

StrPath = str | os.PathLike[str]


def read_micrograph(path: StrPath, *, series: int = 0) -> Micrograph:
    """Read one image of a TIFF file or OME-Zarr folder.

    TIFF, OME-TIFF (also over several files), ImageJ hyperstacks, BigTIFF, STK, LSM and
    what else tifffile reads; OME-Zarr 0.4 and 0.5. Images up to 64 MiB are decoded at
    once; larger ones keep the file open and are decoded where they are read, which is
    when a damaged region raises FileFormatError.

    Palette images become RGB, images where zero is white are inverted, one-bit images
    are boolean, and alpha is dropped: it is no light. What the file does not say stays
    None. An unexplained axis is taken for Z, see `io.axes.plan_axes`.

    Parameters
    ----------
    path : str or path-like
    series : int, >= 0
        Which image of the file, thumbnails and pyramid levels not counted.

    Returns
    -------
    Micrograph
        Pixels in the file's integer, boolean or floating dtype, native byte order.

    Raises
    ------
    FileFormatError
        If the file is missing, damaged or holds no such pixels; its name is given.
    InputError
        If there is no such series.
    """
    file = Path(path)
    if is_zarr(file):
        from napari_gan_enhance.io.zarr_reading import open_zarr

        images: Sequence[Micrograph] = open_zarr(file)
    else:
        from napari_gan_enhance.io.tiff import TiffImages

        images = TiffImages(file)
    _check_series(series, len(images), file)
    return images[series]


def read_all(path: StrPath) -> list[Micrograph]:
    """Read every image of a file; see `read_micrograph`.

    Returns
    -------
    list of Micrograph
        Not empty, in the file's order.

    Raises
    ------
    FileFormatError
        If the file, or one of its images, cannot be read.
    """
    file = Path(path)
    if is_zarr(file):
        from napari_gan_enhance.io.zarr_reading import open_zarr

        return open_zarr(file)
    from napari_gan_enhance.io.tiff import TiffImages

    return list(TiffImages(file))


def is_zarr(path: Path) -> bool:
    """Return whether a path is taken for OME-Zarr: a folder with zarr's metadata."""
    return any((path / name).is_file() for name in ("zarr.json", ".zgroup"))


def _check_series(series: int, count: int, path: Path) -> None:
    if not 0 <= series < count:
        raise InputError(
            f"Image {series} was asked of {path.name!r} - it holds {count}, counted "
            "from 0 - choose one of them."
        )
