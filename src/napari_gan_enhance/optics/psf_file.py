"""A point spread function from a file, checked."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from napari_gan_enhance.errors import InputError
from napari_gan_enhance.io.read import read_micrograph
from napari_gan_enhance.micrograph.view import AxesView

if TYPE_CHECKING:
    import os

    from numpy.typing import NDArray

    from napari_gan_enhance.micrograph.micrograph import Micrograph, VoxelSize

ROUNDING = 1e-6
"""Negative values below this share of the peak are rounding and count as zero."""

MOST_BACKGROUND = 0.01
"""Smallest value, as a share of the peak, up to which a PSF stands on no background."""

BACKGROUND_SIZE = 15
"""Below this lateral size a PSF need not fall off to nothing within its frame."""

LEAST_LIGHT = 0.95
"""Share of the light that must be left when the PSF is cut to an odd size around its
peak; what is less is off-center and would be cut on one side."""

VOXEL_TOLERANCE = 0.02
"""Relative difference of voxel sizes that still counts as equal: files round them."""


def read_psf(
    path: str | os.PathLike[str], spatial_axes: str, voxel_size_um: VoxelSize
) -> NDArray[np.float32]:
    """Read a PSF, check it, center it on a voxel and normalize it.

    An even PSF is made odd: cut around its peak, or, where it is symmetric about a
    point between two voxels, averaged over the two, which keeps it in place.

    Parameters
    ----------
    path : path-like
        Any image that `read_micrograph` reads.
    spatial_axes : "ZYX" or "YX"
        Axes of the image that is to be deconvolved.
    voxel_size_um : VoxelSize
        Of that image; compared with the file's where both are known.

    Returns
    -------
    ndarray, axes as asked, odd, float32
        Non-negative, peak at the center, sum 1.

    Raises
    ------
    InputError
        If the PSF has other axes or another voxel size than the image, holds NaN,
        negative values or background, or has its peak far from its center.
    FileFormatError
        If the file cannot be read.
    """
    micrograph = read_micrograph(path)
    name = Path(path).name
    _check_axes(micrograph, spatial_axes, name)
    _check_voxel(micrograph, spatial_axes, voxel_size_um, name)
    view = AxesView(micrograph.pixels, micrograph.axes, spatial_axes)
    psf = view[(slice(None),) * len(spatial_axes)].astype(np.float64)
    _check_values(psf, name)
    centered = _centered(np.maximum(psf, 0), name)
    return np.asarray(centered / centered.sum(), np.float32)


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


def _check_voxel(
    micrograph: Micrograph, spatial_axes: str, wanted: VoxelSize, name: str
) -> None:
    for axis in spatial_axes.lower():
        own, other = getattr(micrograph.voxel_size_um, axis), getattr(wanted, axis)
        if own and other and abs(own - other) > VOXEL_TOLERANCE * other:
            raise InputError(
                f"The PSF {name!r} has a voxel size of {own:g} µm along "
                f"{axis.upper()}, the image {other:g} µm - both must be "
                "sampled alike - resample the PSF or choose another one."
            )


def _check_values(psf: NDArray[np.float64], name: str) -> None:
    peak = psf.max()
    if not np.isfinite(psf).all() or peak <= 0:
        raise InputError(
            f"The PSF {name!r} holds NaN, infinite values or no light - every value "
            "must be finite and some positive - choose another PSF."
        )
    if psf.min() < -ROUNDING * peak:
        raise InputError(
            f"The PSF {name!r} holds negative values down to {psf.min():g} - light is "
            "not negative - subtract its background and cut it at zero first."
        )
    if min(psf.shape[-2:]) >= BACKGROUND_SIZE and psf.min() > MOST_BACKGROUND * peak:
        raise InputError(
            f"The PSF {name!r} stands on a background of {psf.min() / peak:.0%} of its "
            "peak - a PSF falls off to nothing - subtract its background first."
        )


def _centered(psf: NDArray[np.float64], name: str) -> NDArray[np.float64]:
    """Make every axis odd with the peak in the middle."""
    total = psf.sum()
    for axis, size in enumerate(psf.shape):
        if size % 2 == 0 and _is_symmetric(psf, axis):
            lower, upper = (
                psf.take(range(size - 1), axis),
                psf.take(range(1, size), axis),
            )
            psf = (lower + upper) / 2
    peak = np.unravel_index(int(psf.argmax()), psf.shape)
    for axis, at in enumerate(peak):
        half = min(int(at), psf.shape[axis] - 1 - int(at))
        psf = psf.take(range(int(at) - half, int(at) + half + 1), axis)
    if psf.sum() < LEAST_LIGHT * total:
        raise InputError(
            f"The PSF {name!r} has its peak at {tuple(map(int, peak))}, off its center "
            "- the peak must stand in the middle, or the result is shifted or cut - "
            "crop the PSF around its peak."
        )
    return psf


def _is_symmetric(psf: NDArray[np.float64], axis: int) -> bool:
    difference = np.abs(psf - np.flip(psf, axis)).max()
    return bool(difference < MOST_BACKGROUND * psf.max())
