"""From an intensity over radius and defocus to the voxels of a PSF."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Protocol

import numpy as np

from napari_gan_enhance.errors import InputError
from napari_gan_enhance.optics.psf_pupil import gauss_legendre

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from scipy.interpolate import CubicSpline

SPARE_SAMPLES = 3
"""Gauss-Legendre samples within a voxel beyond one for each four radians of the highest
wave number."""

TABLE_STEPS = 64
"""Radial table steps per wavelength / NA: cubic interpolation then errs by 4e-6."""

FOCUS_STEPS = 8
"""Steps per shortest period along z at which the focus is looked for."""

FOCUS_PASSES = 4
"""Each `FOCUS_STEPS` times finer: the focus is then known to 1e-4 µm."""


class Profile(Protocol):
    """An intensity that depends on radius and defocus only; lengths in µm."""

    @property
    def lateral_wave_number(self) -> float:
        """Highest wave number of the intensity in the plane."""

    @property
    def axial_wave_number(self) -> float:
        """Highest wave number of the intensity along z."""

    @property
    def focus_range(self) -> tuple[float, float]:
        """Defoci between which rays meet on the axis.

        (0, 0) where the intensity is the same on both sides of the focus.
        """

    def intensity(
        self, r: NDArray[np.float64], z: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Return the intensity at all radii and defoci, shape (r, z)."""


def voxels(
    profile: Profile,
    shape: Sequence[int],
    voxel_size_um: Sequence[float | None],
    *,
    integrate: bool,
) -> NDArray[np.float32]:
    """Return a PSF of sum 1, with its brightest plane in the middle.

    Parameters
    ----------
    profile : Profile
    shape : (pz, py, px) or (py, px), odd
    voxel_size_um : (z, y, x) or (y, x), µm, > 0
    integrate : bool
        Over the voxel; otherwise the value at its center.

    Returns
    -------
    ndarray, shape as asked, float32
        Planes in the order of a stack whose Z grows into the sample.

    Raises
    ------
    InputError
        If a size is even or the voxel size not positive.
    """
    sizes = _checked_shape(shape)
    voxel = checked_voxel(voxel_size_um, len(sizes))
    depth, dz = (sizes[0], voxel[0]) if len(sizes) == 3 else (1, 0.0)
    y, y_weights = _samples(
        sizes[-2], voxel[-2], profile.lateral_wave_number, integrate
    )
    x, x_weights = _samples(
        sizes[-1], voxel[-1], profile.lateral_wave_number, integrate
    )
    z, z_weights = _samples(depth, dz, profile.axial_wave_number, integrate)
    is_symmetric = profile.focus_range == (0.0, 0.0)
    if not is_symmetric:
        # Defocus is thickness of immersion, which shrinks as the focus goes deeper.
        both = np.concatenate([-z[:0:-1, ::-1], z])
        z = _focus(profile, z[0], z_weights) - both
    spline = _radial_profiles(profile, math.hypot(y.max(), x.max()), z, z_weights)
    # The same on all sides of the axis: one quarter is computed and mirrored.
    part = np.zeros((len(y), len(x), len(z)))
    for i, j in np.ndindex(len(y_weights), len(x_weights)):
        radius = np.hypot(y[:, i, np.newaxis], x[np.newaxis, :, j])
        part += y_weights[i] * x_weights[j] * spline(radius)
    psf = _mirrored(part, 3 if is_symmetric else 2)  # (Y, X, Z)
    psf = psf[:, :, 0] if len(sizes) == 2 else np.moveaxis(psf, 2, 0)
    # Interpolation may fall below a zero of the intensity by its own error.
    psf = np.maximum(psf, 0)
    return np.asarray(psf / psf.sum(), np.float32)


def checked_voxel(
    voxel_size_um: Sequence[float | None], axes: int
) -> tuple[float, ...]:
    """Return the last `axes` voxel sizes.

    Raises
    ------
    InputError
        If there are fewer, or one is not positive.
    """
    voxel = tuple(voxel_size_um)[-axes:]
    known = [v for v in voxel if v is not None and math.isfinite(v) and v > 0]
    if len(known) != axes:
        raise InputError(
            f"Voxel size {tuple(voxel_size_um)} µm cannot be used - {axes} positive "
            f"numbers are needed, one for each of {'ZYX'[-axes:]} - give them in µm."
        )
    return tuple(known)


def _checked_shape(shape: Sequence[int]) -> tuple[int, ...]:
    sizes = tuple(int(n) for n in shape)
    if len(sizes) not in (2, 3) or any(n < 1 or n % 2 == 0 for n in sizes):
        raise InputError(
            f"PSF shape {sizes} cannot be used - it is (Z, Y, X) or (Y, X) in odd "
            "numbers, so that the center falls on a voxel - add 1 to even numbers."
        )
    return sizes


def _samples(
    size: int, step: float, wave_number: float, integrate: bool
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return positions (voxel, sample) from the center on, and weights of the samples.

    `wave_number` is the highest that the intensity holds along the axis.
    """
    centers = np.arange(size // 2 + 1, dtype=np.float64) * step
    if not integrate or step == 0:
        return centers[:, np.newaxis], np.ones(1)
    nodes, weights = gauss_legendre(SPARE_SAMPLES + math.ceil(wave_number * step / 4))
    return centers[:, np.newaxis] + step / 2 * nodes, weights / 2


def _focus(
    profile: Profile, within: NDArray[np.float64], weights: NDArray[np.float64]
) -> float:
    """Return the defocus of the voxel that is brightest on the axis."""
    period = 2 * math.pi / profile.axial_wave_number
    first, last = profile.focus_range
    step = period / FOCUS_STEPS
    count = math.ceil((last - first + 2 * period) / step) + 1
    grid = np.linspace(first - period, last + period, count)
    for _ in range(FOCUS_PASSES):
        places = grid[:, np.newaxis] + within
        axis = profile.intensity(np.zeros(1), places.ravel()).reshape(places.shape)
        best = float(grid[int(np.argmax(axis @ weights))])
        step = float(grid[1] - grid[0])
        grid = np.linspace(best - step, best + step, 2 * FOCUS_STEPS + 1)
    return best


def _radial_profiles(
    profile: Profile,
    reach: float,
    z: NDArray[np.float64],
    z_weights: NDArray[np.float64],
) -> CubicSpline:
    """Tabulate the intensity over the radius, integrated along z over each voxel."""
    radius = radial_table(profile.lateral_wave_number, reach)
    table = profile.intensity(radius, z.ravel()).reshape(len(radius), *z.shape)
    return radial_spline(radius, table @ z_weights)


def radial_table(lateral_wave_number: float, reach: float) -> NDArray[np.float64]:
    """Return radii fine enough for cubic interpolation, to beyond `reach`."""
    step = 4 * math.pi / lateral_wave_number / TABLE_STEPS
    return np.arange(math.ceil(reach / step) + 4, dtype=np.float64) * step


def radial_spline(
    radius: NDArray[np.float64], table: NDArray[np.float64]
) -> CubicSpline:
    """Interpolate a table, shape (radius, ...), whose slope vanishes on the axis."""
    from scipy.interpolate import CubicSpline

    zero = np.zeros(table.shape[1:])
    return CubicSpline(radius, table, bc_type=((1, zero), (2, zero)))


def _mirrored(part: NDArray[np.float64], axes: int) -> NDArray[np.float64]:
    """Extend an array that starts at the center to the other side of its first axes."""
    for axis in range(axes):
        other = np.flip(part.take(range(1, part.shape[axis]), axis=axis), axis)
        part = np.concatenate([other, part], axis=axis)
    return part
