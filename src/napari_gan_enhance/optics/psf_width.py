"""How wide a point spread function is, and how finely it must be sampled."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from napari_gan_enhance.errors import InputError
from napari_gan_enhance.micrograph.microscope import Channel, Microscope

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

FINER = 64
"""Points within a voxel at which a profile is interpolated: half maximum is then found
to 1e-4 of a voxel."""


class Nyquist(NamedTuple):
    """Largest voxel from which the image can be told, µm."""

    axial: float
    lateral: float


def nyquist_um(
    *, numerical_aperture: float, immersion_index: float, emission_nm: float
) -> Nyquist:
    """Return the coarsest voxel that holds everything a wide-field microscope passes.

    Parameters
    ----------
    numerical_aperture : float, > 0, below the immersion index
    immersion_index : float, 1 to 3
    emission_nm : float, nanometres in vacuum

    Returns
    -------
    Nyquist
        axial wavelength / (2 n (1 - cos alpha)) and lateral wavelength / (4 NA), with
        sin alpha = NA / n: half the period of the finest detail.

    Raises
    ------
    InputError
        If a value is out of range.
    """
    Microscope(None, numerical_aperture, immersion_index)  # checks the values
    Channel(emission_nm=emission_nm)
    wavelength = 1e-3 * emission_nm
    cosine = math.sqrt(1 - (numerical_aperture / immersion_index) ** 2)
    return Nyquist(
        wavelength / (2 * immersion_index * (1 - cosine)),
        wavelength / (4 * numerical_aperture),
    )


def coarse_axes(voxel_size_um: Sequence[float | None], nyquist: Nyquist) -> str:
    """Return the axes along which a voxel is coarser than Nyquist.

    Parameters
    ----------
    voxel_size_um : (z, y, x) or (y, x), µm
        None where not known.
    nyquist : Nyquist
        As from `nyquist_um`.

    Returns
    -------
    str
        Letters of "ZYX"; empty where everything is sampled finely enough.
    """
    limits = (nyquist.axial, nyquist.lateral, nyquist.lateral)
    axes = len(voxel_size_um)
    given = zip("ZYX"[-axes:], voxel_size_um, limits[-axes:], strict=True)
    return "".join(axis for axis, size, limit in given if size and size > limit)


def fwhm_um(
    psf: NDArray[Any], voxel_size_um: Sequence[float | None]
) -> tuple[float | None, ...]:
    """Return the full width at half maximum along each axis through the peak.

    Half of the peak counts from zero: a background must be gone. Between samples the
    profile is a cubic spline, so that coarse voxels do not widen it.

    Parameters
    ----------
    psf : ndarray, axes (Z, Y, X) or (Y, X), any real dtype
    voxel_size_um : (z, y, x) or (y, x), µm
        Only as many of the last values as `psf` has axes are used.

    Returns
    -------
    tuple of float or None, µm, one for each axis
        None where the voxel size is not known, or where the profile does not fall to
        half on both sides within the array.

    Raises
    ------
    InputError
        If there is no light, or there are fewer voxel sizes than axes.
    """
    values = np.asarray(psf, np.float64)
    sizes = tuple(voxel_size_um)[-values.ndim :]
    if len(sizes) != values.ndim or not values.size or not values.max() > 0:
        raise InputError(
            f"A PSF of shape {values.shape} with voxel size {tuple(voxel_size_um)} µm "
            "has no width - it needs light, and one voxel size for each axis - check "
            "both."
        )
    peak = np.unravel_index(int(values.argmax()), values.shape)
    widths: list[float | None] = []
    for axis, size in enumerate(sizes):
        line: list[Any] = list(peak)
        line[axis] = slice(None)
        width = profile_width(values[tuple(line)])
        widths.append(None if width is None or size is None else width * size)
    return tuple(widths)


def profile_width(profile: NDArray[np.float64]) -> float | None:
    """Return the full width at half maximum of the highest peak, in samples.

    Parameters
    ----------
    profile : ndarray, shape (samples,)
        On no background.

    Returns
    -------
    float or None
        None where the profile does not fall to half on both sides.
    """
    found = half_points(profile)
    return None if found is None else found[1] - found[0]


def half_points(profile: NDArray[np.float64]) -> tuple[float, float] | None:
    """Return where the highest peak of a profile has fallen to half, in samples.

    Parameters
    ----------
    profile : ndarray, shape (samples,)
        On no background.

    Returns
    -------
    (left, right) or None
        None where the profile does not fall to half on both sides.
    """
    if len(profile) < 3:
        return None
    from scipy.interpolate import CubicSpline

    count = len(profile)
    fine = np.linspace(0, count - 1, (count - 1) * FINER + 1)
    values = CubicSpline(np.arange(count), profile)(fine)
    at = int(np.argmax(values))
    half = values[at] / 2
    right, left = _steps_to(values[at:], half), _steps_to(values[at::-1], half)
    if right is None or left is None:
        return None
    return (at - left) / FINER, (at + right) / FINER


def _steps_to(values: NDArray[np.float64], level: float) -> float | None:
    """Return after how many steps values first fall below a level, interpolated."""
    below = np.flatnonzero(values < level)
    if not len(below):
        return None
    i = int(below[0])
    return float(i - 1 + (values[i - 1] - level) / (values[i - 1] - values[i]))
