"""Read an image file of any supported format into a Micrograph."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_gan_enhance.errors import InputError
from napari_gan_enhance.io.limits import EAGER_BYTES

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
    images, _ = _open(Path(path))
    if not 0 <= series < len(images):
        raise InputError(
            f"Image {series} was asked of {Path(path).name!r} - it holds "
            f"{len(images)}, counted from 0 - choose one of them."
        )
    return _loaded(images[series])


def read_single_image(path: StrPath) -> Micrograph:
    """Read a file that is to hold one image: no other could be meant.

    See `read_micrograph`.

    Raises
    ------
    FileFormatError
        As `read_micrograph` does.
    InputError
        If the file holds several.
    """
    images, _ = _open(Path(path))
    if len(images) > 1:
        raise InputError(
            f"{Path(path).name!r} holds {len(images)} images - a file of one is needed "
            "here, as it is not said which is meant - open it in napari and save the "
            "layer that is meant as a file of its own."
        )
    return _loaded(images[0])


def count_images(path: StrPath) -> int:
    """Count the images of a file, as `read_micrograph` counts them.

    Raises
    ------
    FileFormatError
        If the file cannot be read.
    """
    return len(_open(Path(path))[0])


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
    images, _ = _open(Path(path))
    return [_loaded(image) for image in images]


def describe(path: StrPath) -> dict[str, Any]:
    """Tell what a file holds, without decoding its pixels.

    Parameters
    ----------
    path : str or path-like

    Returns
    -------
    dict
        JSON values only: `file`, `format`, and for each image of `images` its name,
        axes, shape, dtype, voxel_size_um (z, y, x), time_step_s, channels, microscope
        and provenance; None for what the file does not say.

    Raises
    ------
    FileFormatError
        If the file cannot be read.
    """
    images, kind = _open(Path(path))
    return {
        "file": str(path),
        "format": kind,
        "images": [_facts(image) for image in images],
    }


def is_zarr(path: Path) -> bool:
    """Return whether a path is taken for OME-Zarr: a folder with zarr's metadata."""
    with contextlib.suppress(OSError):  # a folder that may not be searched
        return any((path / name).is_file() for name in ("zarr.json", ".zgroup"))
    return False


def _open(path: Path) -> tuple[Sequence[Micrograph], str]:
    """Return the images of a file, not decoded yet, and its format in words."""
    if is_zarr(path):
        from napari_gan_enhance.io.zarr_reading import open_zarr

        return open_zarr(path), "OME-Zarr"
    from napari_gan_enhance.io.tiff import TiffImages

    images = TiffImages(path)
    return images, images.format


def _loaded(image: Micrograph) -> Micrograph:
    pixels: Any = image.pixels
    if pixels.nbytes > EAGER_BYTES:
        return image
    # A copy of what is mapped: who saves the file anew must not change the image.
    return image.with_pixels(np.require(pixels[...], requirements="O"))


def _facts(image: Micrograph) -> dict[str, Any]:
    modality = image.microscope.modality
    return {
        "name": image.name,
        "axes": image.axes,
        "shape": list(image.shape),
        "dtype": str(image.pixels.dtype),
        "voxel_size_um": dict(image.voxel_size_um._asdict()),
        "time_step_s": image.time_step_s,
        "channels": [
            {
                "name": channel.name,
                "emission_nm": channel.emission_nm,
                "excitation_nm": channel.excitation_nm,
                "color": channel.color,
            }
            for channel in image.channels
        ],
        "microscope": {
            "modality": modality.value if modality is not None else None,
            "numerical_aperture": image.microscope.numerical_aperture,
            "immersion_index": image.microscope.immersion_index,
        },
        "provenance": dict(image.provenance),
    }
