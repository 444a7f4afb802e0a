"""Write a Micrograph to a file, with everything that is known of it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from napari_gan_enhance.errors import InputError, OutputError
from napari_gan_enhance.io.atomic import (
    atomic_file,
    atomic_folder,
    check_folder,
    check_folder_free,
    check_free,
)
from napari_gan_enhance.io.read import is_zarr

if TYPE_CHECKING:
    from napari_gan_enhance.micrograph.micrograph import Micrograph
    from napari_gan_enhance.progress import Job

TIFF_SUFFIXES = (".ome.tif", ".ome.tiff", ".tif", ".tiff")
ZARR_SUFFIXES = (".ome.zarr", ".zarr")

StrPath = str | os.PathLike[str]


def write_micrograph(
    path: StrPath, micrograph: Micrograph, *, overwrite: bool = False
) -> Job[Path]:
    """Write a micrograph as OME-TIFF or OME-Zarr, by the file's suffix.

    Pixels are read tile by tile, so arrays on disk are never in memory whole. Axes
    keep their order as far as the format has one; voxel size, time step, channels,
    microscope and provenance come back when the file is read. OME-TIFF widens
    booleans to uint8 and half to single precision, which it has no type for.

    Parameters
    ----------
    path : path-like
        Ending in .ome.tif, .ome.tiff, .tif, .tiff, .ome.zarr or .zarr.
    micrograph : Micrograph
    overwrite : bool
        Whether an existing file may be replaced, or a folder that is a zarr.

    Yields
    ------
    Progress
        After each tile, in the stage "writing".

    Returns
    -------
    Path
        The file, which appears under its name when it is complete.

    Raises
    ------
    InputError
        If the suffix is not known.
    OutputError
        If the file exists, is a folder of other things, or cannot hold such pixels; if
        the folder cannot be written to, or the disk is full.
    """
    final = Path(path)
    check_output(final, overwrite=overwrite)
    if _suffix(final) in TIFF_SUFFIXES:
        from napari_gan_enhance.io.tiff_writing import write_tiff

        with atomic_file(final, overwrite) as part:
            yield from write_tiff(part, micrograph)
        return final
    from napari_gan_enhance.io.zarr_writing import write_zarr

    with atomic_folder(final, overwrite, _all_but_zarr) as part:
        yield from write_zarr(part, micrograph)
    return final


def check_output(path: StrPath, *, overwrite: bool) -> None:
    """Refuse early what could not be written later.

    Parameters
    ----------
    path : path-like
    overwrite : bool
        Whether an existing file may be replaced, or a folder that is a zarr.

    Raises
    ------
    InputError
        If the suffix is not known.
    OutputError
        If the path exists, or its folder is missing or cannot be written to.
    """
    final = Path(path)
    if _suffix(final) in ZARR_SUFFIXES:
        check_folder(check_folder_free(final, _all_but_zarr, overwrite=overwrite))
        return
    check_free(final, overwrite=overwrite)
    check_folder(final)
    if final.is_dir():
        raise OutputError(
            f"{final.name!r} is a folder - a result is one file - choose another name."
        )


def _all_but_zarr(path: Path) -> list[str]:
    """Return what is in a folder, unless it is a zarr."""
    if path.is_file() or is_zarr(path):
        return []
    return sorted(p.name for p in path.iterdir())


def _suffix(path: Path) -> str:
    name, allowed = path.name.lower(), (*TIFF_SUFFIXES, *ZARR_SUFFIXES)
    found = [suffix for suffix in allowed if name.endswith(suffix)]
    if found and name not in allowed:
        return found[0]
    raise InputError(
        f"{path.name!r} has no suffix that says how to write it - allowed are "
        f"{', '.join(allowed)} - add one of them."
    )
