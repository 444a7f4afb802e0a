"""A measured point spread function from a file, made fit for an image."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from napari_gan_enhance.errors import InputError
from napari_gan_enhance.io.read import read_single_image
from napari_gan_enhance.micrograph.view import AxesView
from napari_gan_enhance.optics.psf_repair import MeasuredPsf, repaired

if TYPE_CHECKING:
    import os

    from napari_gan_enhance.micrograph.micrograph import Micrograph, VoxelSize

VOXEL_TOLERANCE = 0.02
"""Relative difference of voxel sizes that still counts as equal: files round them."""


def read_psf(
    path: str | os.PathLike[str], spatial_axes: str, voxel_size_um: VoxelSize
) -> MeasuredPsf:
    """Read a PSF and make it fit: clean, centered, on the image's grid, of sum 1.

    Parameters
    ----------
    path : path-like
        Any image that `read_single_image` reads, of any size, odd or even.
    spatial_axes : "ZYX" or "YX"
        Axes of the image that is to be deconvolved.
    voxel_size_um : VoxelSize
        Of that image. The PSF is resampled to it where both sizes are known, and used
        voxel by voxel otherwise.

    Returns
    -------
    MeasuredPsf
        Its notes say what was repaired.

    Raises
    ------
    InputError
        If the PSF has other axes than the image, is beyond repair (`psf_repair`), or
        has voxels too coarse for the image.
    FileFormatError
        If the file cannot be read.
    """
    micrograph = read_single_image(path)
    name = Path(path).name
    _check_axes(micrograph, spatial_axes, name)
    view = AxesView(micrograph.pixels, micrograph.axes, spatial_axes)
    psf = view[(slice(None),) * len(spatial_axes)].astype(np.float64)
    ratios, notes = _ratios(micrograph.voxel_size_um, voxel_size_um, spatial_axes)
    measured = repaired(psf, name, ratios)
    return MeasuredPsf(measured.values, (*measured.notes, *notes))


def psf_sha256(path: str | os.PathLike[str]) -> str:
    """Return the checksum of a PSF: of its voxels, their axes, shape and size.

    Raises
    ------
    FileFormatError
        If the file cannot be read.
    """
    micrograph = read_single_image(path)
    values = np.asarray(micrograph.pixels)
    facts = (micrograph.axes, values.shape, str(values.dtype), micrograph.voxel_size_um)
    digest = hashlib.sha256(repr(facts).encode())
    digest.update(values.tobytes())
    return digest.hexdigest()


def _check_axes(micrograph: Micrograph, spatial_axes: str, name: str) -> None:
    sizes = dict(zip(micrograph.axes, micrograph.shape, strict=True))
    found = "".join(axis for axis, size in sizes.items() if size > 1)
    has_depth = spatial_axes == "ZYX"
    if not set(found) <= set(spatial_axes) or (
        has_depth and "Z" not in micrograph.axes
    ):
        raise InputError(
            f"The PSF {name!r} has the axes {micrograph.axes!r} - a "
            f"{'stack' if has_depth else 'plane'} needs a PSF with "
            f"{spatial_axes!r} and nothing else - choose another PSF."
        )


def _ratios(
    own: VoxelSize, wanted: VoxelSize, spatial_axes: str
) -> tuple[list[float], list[str]]:
    """Return the image's voxel by the PSF's along each axis, and what to say of it."""
    ratios, unknown, changed = [], [], []
    for axis in spatial_axes:
        here, there = getattr(own, axis.lower()), getattr(wanted, axis.lower())
        ratio = there / here if here and there else 1.0
        if abs(ratio - 1) <= VOXEL_TOLERANCE:
            ratio = 1.0
        if not (here and there):
            unknown.append(axis)
        elif ratio != 1:
            changed.append(f"{axis} {here:.4g} to {there:.4g} µm")
        ratios.append(ratio)
    notes = []
    if changed:
        notes.append(f"The PSF was resampled: {', '.join(changed)}.")
    if unknown:
        notes.append(
            f"The voxel size along {', '.join(unknown)} is not known of both the PSF "
            "and the image: they are taken to be sampled alike."
        )
    return ratios, notes
