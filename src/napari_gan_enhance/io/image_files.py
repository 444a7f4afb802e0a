"""Which files of a folder are images, by their names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_gan_enhance.io.write import TIFF_SUFFIXES, ZARR_SUFFIXES

if TYPE_CHECKING:
    from pathlib import Path

BIG_TIFF_SUFFIXES = (".ome.btf", ".ome.tf8", ".btf", ".tf8")
INPUT_SUFFIXES = (*TIFF_SUFFIXES, *BIG_TIFF_SUFFIXES, ".stk", ".lsm", *ZARR_SUFFIXES)


def image_files(folder: Path, suffixes: tuple[str, ...] = INPUT_SUFFIXES) -> list[Path]:
    """Return the images in a folder, sorted; none of a folder that is not there.

    Hidden files are left out: macOS puts `._NAME.tif`, which is no image, beside
    NAME.tif on disks of others. So are folders, but for OME-Zarr.

    Parameters
    ----------
    folder : Path
    suffixes : tuple of str
        In lower case; of the images that are wanted.

    Raises
    ------
    OSError
        If the folder may not be read.
    """
    inside = sorted(folder.iterdir()) if folder.is_dir() else []
    named = (p for p in inside if p.name.lower().endswith(suffixes))
    shown = (p for p in named if not p.name.startswith("."))
    return [p for p in shown if not p.is_dir() or is_zarr_image(p)]


def is_zarr_image(path: Path) -> bool:
    """Return whether a folder is an image by its name."""
    return path.is_dir() and path.name.lower().endswith(ZARR_SUFFIXES)
