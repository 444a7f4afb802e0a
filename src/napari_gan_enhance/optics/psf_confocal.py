"""Point spread function of a confocal microscope."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from napari_gan_enhance.errors import InputError
from napari_gan_enhance.optics.psf_pupil import Model, Pupil, pupil
from napari_gan_enhance.optics.psf_voxels import radial_spline, radial_table, voxels

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from napari_gan_enhance.optics.psf_mounting import Mounting

AIRY_RADIUS = 0.6098
"""Radius of the Airy disk in wavelength / NA: the first zero of J1, 3.8317 / (2 pi)
(Born and Wolf, Principles of Optics, 7th ed., section 8.5)."""

LARGEST_PINHOLE = 20.0
"""Diameter in Airy units: beyond, nothing changes within a few micrometers."""

SMALLEST_PINHOLE = 0.02
"""Diameter in Airy units below which the pinhole counts as a point."""

SPARE_ANGLES = 16
"""Points on the rim of the pinhole beyond one for each radian of the highest wave
number along its radius: the rule then converges exponentially."""


@dataclass(frozen=True, slots=True)
class _Confocal:
    """Excitation times emission averaged over the pinhole; lengths in µm."""

    excitation: Pupil
    emission: Pupil
    pinhole_radius: float

    @property
    def lateral_wave_number(self) -> float:
        return self.excitation.lateral_wave_number + self.emission.lateral_wave_number

    @property
    def axial_wave_number(self) -> float:
        return self.excitation.axial_wave_number + self.emission.axial_wave_number

    @property
    def focus_range(self) -> tuple[float, float]:
        ranges = (self.excitation.focus_range, self.emission.focus_range)
        return min(first for first, _ in ranges), max(last for _, last in ranges)

    def intensity(
        self, r: NDArray[np.float64], z: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        if self.pinhole_radius == 0:
            detected = self.emission.intensity(r, z)
        else:
            detected = _disk_mean(self.emission, self.pinhole_radius, r, z)
        return np.asarray(self.excitation.intensity(r, z) * detected)


def confocal_point_spread_function(
    shape: Sequence[int],
    voxel_size_um: Sequence[float | None],
    *,
    numerical_aperture: float,
    immersion_index: float,
    excitation_nm: float,
    emission_nm: float,
    pinhole_airy: float = 1.0,
    model: Model = "exact",
    integrate: bool = True,
    depth_um: float | None = None,
    sample_index: float | None = None,
    mounting: Mounting | None = None,
) -> NDArray[np.float32]:
    """Return the point spread function of a confocal microscope.

    The wide-field PSF of the excitation times that of the emission convolved with the
    pinhole, a disk seen in sample space.

    Parameters
    ----------
    shape : (pz, py, px) or (py, px), odd
        Two sizes give the plane in focus.
    voxel_size_um : (z, y, x) or (y, x), µm, > 0
    numerical_aperture : float, > 0, below the immersion index
        Filled by the laser and used for detection.
    immersion_index : float, 1 to 3
    excitation_nm, emission_nm : float, nanometres in vacuum
    pinhole_airy : float, 0 to 20
        Diameter in Airy units of the emission, 1.22 wavelength / NA; 0 is a point.
    model, integrate, depth_um, sample_index, mounting
        As for `psf.point_spread_function`; light takes the same path in and out.

    Returns
    -------
    ndarray, shape as asked, axes (Z, Y, X) or (Y, X), float32
        Non-negative, brightest plane in the middle, sum 1.

    Raises
    ------
    InputError
        If a size is even, an optical value is out of range, or the excitation is
        longer than the emission.

    References
    ----------
    Wilson and Sheppard, Theory and Practice of Scanning Optical Microscopy (1984).
    """
    _check(excitation_nm, emission_nm, pinhole_airy)
    excitation, emission = (
        pupil(
            numerical_aperture,
            immersion_index,
            wavelength,
            model,
            depth_um=depth_um,
            sample_index=sample_index,
            mounting=mounting,
        )
        for wavelength in (excitation_nm, emission_nm)
    )
    open_airy = pinhole_airy if pinhole_airy >= SMALLEST_PINHOLE else 0
    radius = open_airy * AIRY_RADIUS * 1e-3 * emission_nm / numerical_aperture
    profile = _Confocal(excitation, emission, radius)
    return voxels(profile, shape, voxel_size_um, integrate=integrate)


def _check(excitation_nm: float, emission_nm: float, pinhole_airy: float) -> None:
    if not 0 <= pinhole_airy <= LARGEST_PINHOLE:
        raise InputError(
            f"A pinhole of {pinhole_airy!r} Airy units cannot be used - it has 0 to "
            f"{LARGEST_PINHOLE:g} - give its diameter in units of 1.22 wavelength / NA."
        )
    if excitation_nm > emission_nm:
        raise InputError(
            f"Excitation at {excitation_nm:g} nm does not fit emission at "
            f"{emission_nm:g} nm - fluorescence is of longer wavelength - exchange or "
            "correct them."
        )


def _disk_mean(
    source: Pupil, radius: float, r: NDArray[np.float64], z: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the mean intensity over disks of `radius` around points at radii `r`.

    With M(q) the mean within q of the axis, the divergence theorem turns the integral
    over the disk into one along its rim, smooth and periodic in the angle t:

        1/(2 pi) int M(q) (1 + r/R cos t) dt,    q^2 = r^2 + R^2 + 2 r R cos t
    """
    from scipy.interpolate import CubicSpline

    table = radial_table(source.lateral_wave_number, float(r.max()) + radius)
    light = source.intensity(table, z)
    enclosed = CubicSpline(table, table[:, np.newaxis] * light).antiderivative()
    light[1:] = 2 * enclosed(table[1:]) / table[1:, np.newaxis] ** 2
    mean_within = radial_spline(table, light)
    count = SPARE_ANGLES + math.ceil(source.lateral_wave_number * radius)
    total = np.zeros((len(r), len(z)))
    for cosine in np.cos((np.arange(count) + 0.5) * math.pi / count):
        rim = np.sqrt(np.maximum(r**2 + radius**2 + 2 * r * radius * cosine, 0))
        total += mean_within(rim) * (1 + r / radius * cosine)[:, np.newaxis]
    return np.asarray(total / count)
