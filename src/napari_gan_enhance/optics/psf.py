"""Point spread function of a wide-field microscope, by quadrature of the pupil.

Scalar, without apodization and aberration. With the pupil coordinate written as
sin(theta), theta the angle of a ray, the amplitude at radius r and defocus z is

    A(r, z) = int_0^alpha J0(k0 n r sin theta) exp(i phi) sin theta cos theta dtheta

with sin alpha = NA / n, k0 = 2 pi / wavelength and the defocus phase

    born-wolf   phi = -k0 n z sin^2 theta / 2     (paraxial)
    exact       phi = k0 n z cos theta

In theta the integrand is smooth up to the edge of the pupil even where NA is close to
n, so that Gauss-Legendre quadrature converges at once.

References
----------
Born and Wolf, Principles of Optics, 7th ed., section 8.8, eq. (11): the paraxial form.
Gibson and Lanni (1992), doi:10.1364/JOSAA.9.000154: the exact defocus, here of matched
refractive indices. Both have NA rho / n where sin theta stands here.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np

from napari_gan_enhance.errors import InputError
from napari_gan_enhance.micrograph.microscope import Channel, Microscope

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from scipy.interpolate import CubicSpline

Model = Literal["exact", "born-wolf"]

SPARE_NODES = 24
"""Gauss-Legendre nodes beyond one for each two radians of phase across the pupil: from
there on the error falls faster than exponentially."""

SPARE_SAMPLES = 3
"""Gauss-Legendre samples within a voxel beyond one for each four radians of the highest
wave number."""

TABLE_STEPS = 64
"""Radial table steps per wavelength / NA: cubic interpolation then errs by 4e-6."""

ENERGY_REACH = 5.1
"""Radius in wavelength / NA with 98 % of the light of the focal plane: the share beyond
is 2 / (pi v), v = 2 pi NA r / wavelength, for large v (Born and Wolf, 8.5, eq. 18)."""

AXIAL_ZEROS = 2
"""Axial reach in distances from the focus to the first axial zero. On simulated stacks
of 40 planes, Richardson-Lucy with 10 and 30 iterations came nearest to the truth with 1
to 2 (22.7 and 24.4 dB at NA 1.4, 20.6 and 21.9 at NA 0.75); a PSF as deep as the stack
converges slowly, lost 2 to 3 dB at NA 1.4 and took four times as long."""


@dataclass(frozen=True, slots=True)
class _Pupil:
    """The objective in one color; lengths in µm."""

    sine: float  # of the largest ray angle
    wave_number: float  # in the immersion medium, 2 pi n / wavelength
    model: Model

    @property
    def lateral_wave_number(self) -> float:
        """Highest spatial wave number of the intensity in the plane, 1/µm."""
        return 2 * self.wave_number * self.sine

    @property
    def axial_wave_number(self) -> float:
        """Highest wave number along z: phase across the pupil per µm of defocus."""
        if self.model == "born-wolf":
            return self.wave_number * self.sine**2 / 2
        return self.wave_number * (1 - math.sqrt(1 - self.sine**2))

    def intensity(
        self, r: NDArray[np.float64], z: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Return |A|^2 at all radii and defoci, shape (r, z), lengths in µm."""
        from scipy.special import j0

        phase = self.wave_number * self.sine * r.max()
        phase += self.axial_wave_number * np.abs(z).max()
        order = SPARE_NODES + math.ceil(phase / 2)
        nodes, weights = _gauss_legendre(order)
        theta = (nodes + 1) / 2 * math.asin(self.sine)
        sine, cosine = np.sin(theta), np.cos(theta)
        # 1 - cos for cos: the same modulus, and no large common phase
        path = sine**2 / 2 if self.model == "born-wolf" else 1 - cosine
        radial = j0(self.wave_number * np.outer(r, sine)) * (weights * sine * cosine)
        defocus = self.wave_number * np.outer(path, z)
        real, imaginary = radial @ np.cos(defocus), radial @ np.sin(defocus)
        return np.asarray(real**2 + imaginary**2, np.float64)


def point_spread_function(
    shape: Sequence[int],
    voxel_size_um: Sequence[float | None],
    *,
    numerical_aperture: float,
    immersion_index: float,
    emission_nm: float,
    model: Model = "exact",
    integrate: bool = True,
) -> NDArray[np.float32]:
    """Return the wide-field point spread function, centered on a voxel.

    Parameters
    ----------
    shape : (pz, py, px) or (py, px), odd
        Two sizes give the plane in focus.
    voxel_size_um : (z, y, x) or (y, x), µm, > 0
        Only as many of the last values as `shape` has are used.
    numerical_aperture : float, > 0, below the immersion index
    immersion_index : float, 1 to 3
    emission_nm : float, nanometres in vacuum
    model : "exact" or "born-wolf"
        Defocus phase: exact, or paraxial as in Born and Wolf.
    integrate : bool
        Integrate over the voxel, along all axes of `shape`; otherwise take the value
        at its center, which is too narrow where voxels are coarse.

    Returns
    -------
    ndarray, shape as asked, axes (Z, Y, X) or (Y, X), float32
        Non-negative, peak at the center, sum 1.

    Raises
    ------
    InputError
        If a size is even, or an optical value is out of range.
    """
    sizes = _checked_shape(shape)
    voxel = _checked_voxel(voxel_size_um, len(sizes))
    pupil = _pupil(numerical_aperture, immersion_index, emission_nm, model)
    depth, dz = (sizes[0], voxel[0]) if len(sizes) == 3 else (1, 0.0)
    # Symmetric in all three axes: one octant (+z, +y, +x) is computed and mirrored.
    y, y_weights = _samples(sizes[-2], voxel[-2], pupil.lateral_wave_number, integrate)
    x, x_weights = _samples(sizes[-1], voxel[-1], pupil.lateral_wave_number, integrate)
    z, z_weights = _samples(depth, dz, pupil.axial_wave_number, integrate)
    spline = _radial_profiles(pupil, math.hypot(y.max(), x.max()), z, z_weights)
    octant = np.zeros((len(y), len(x), len(z)))
    for i, j in np.ndindex(len(y_weights), len(x_weights)):
        radius = np.hypot(y[:, i, np.newaxis], x[np.newaxis, :, j])
        octant += y_weights[i] * x_weights[j] * spline(radius)
    psf = _mirrored(octant)  # (Y, X, Z)
    psf = psf[:, :, 0] if len(sizes) == 2 else np.moveaxis(psf, 2, 0)
    # Interpolation may fall below a zero of the intensity by its own error.
    psf = np.maximum(psf, 0)
    return np.asarray(psf / psf.sum(), np.float32)


def psf_shape(
    image_shape: Sequence[int],
    voxel_size_um: Sequence[float | None],
    *,
    numerical_aperture: float,
    immersion_index: float,
    emission_nm: float,
) -> tuple[int, ...]:
    """Return the odd shape in which a PSF holds the light that matters to an image.

    Laterally it reaches to where 98 % of the light of the focal plane is inside, and in
    a volume to the edge of the cone of light in its outermost plane. Axially every
    plane holds the same light, so energy sets no limit: it reaches over half the
    stack, but not beyond twice the distance to the first axial zero (`AXIAL_ZEROS`
    says why). Laterally it never exceeds the image.

    Parameters
    ----------
    image_shape : (Z, Y, X) or (Y, X)
    voxel_size_um : (z, y, x) or (y, x), µm
    numerical_aperture, immersion_index, emission_nm : float
        As for `point_spread_function`.

    Returns
    -------
    tuple of int, odd, as many as `image_shape` has
    """
    sizes = tuple(image_shape)
    voxel = _checked_voxel(voxel_size_um, len(sizes))
    pupil = _pupil(numerical_aperture, immersion_index, emission_nm, "exact")
    unit = 1e-3 * emission_nm / numerical_aperture
    reach = ENERGY_REACH * unit
    shape: tuple[int, ...] = ()
    if len(sizes) == 3:
        zero = 2 * math.pi / pupil.axial_wave_number
        half = min(sizes[0] // 2, math.ceil(AXIAL_ZEROS * zero / voxel[0]))
        tangent = pupil.sine / math.sqrt(1 - pupil.sine**2)
        reach = max(reach, half * voxel[0] * tangent + unit)
        shape = (2 * half + 1,)
    halves = (
        min(size // 2, math.ceil(reach / step))
        for size, step in zip(sizes[-2:], voxel[-2:], strict=True)
    )
    return (*shape, *(2 * half + 1 for half in halves))


def _pupil(na: float, index: float, emission_nm: float, model: Model) -> _Pupil:
    if model not in get_args(Model):
        raise InputError(
            f"PSF model {model!r} is not known - it is one of "
            f"{', '.join(get_args(Model))} - choose one of these."
        )
    Microscope(numerical_aperture=na, immersion_index=index)  # checks the values
    Channel(emission_nm=emission_nm)
    return _Pupil(na / index, 2e3 * math.pi * index / emission_nm, model)


def _radial_profiles(
    pupil: _Pupil,
    reach: float,
    z: NDArray[np.float64],
    z_weights: NDArray[np.float64],
) -> CubicSpline:
    """Tabulate the intensity over the radius, integrated along z over each voxel."""
    from scipy.interpolate import CubicSpline

    step = 2 * math.pi / pupil.lateral_wave_number * 2 / TABLE_STEPS
    radius = np.arange(math.ceil(reach / step) + 4, dtype=np.float64) * step
    table = pupil.intensity(radius, z.ravel()).reshape(len(radius), *z.shape)
    # The slope vanishes on the axis by symmetry.
    ends = ((1, np.zeros(len(z))), (2, np.zeros(len(z))))
    return CubicSpline(radius, table @ z_weights, bc_type=ends)


def _samples(
    size: int, step: float, wave_number: float, integrate: bool
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return positions (voxel, sample) from the center on, and weights of the samples.

    `wave_number` is the highest that the intensity holds along the axis.
    """
    centers = np.arange(size // 2 + 1, dtype=np.float64) * step
    if not integrate or step == 0:
        return centers[:, np.newaxis], np.ones(1)
    nodes, weights = _gauss_legendre(SPARE_SAMPLES + math.ceil(wave_number * step / 4))
    return centers[:, np.newaxis] + step / 2 * nodes, weights / 2


def _gauss_legendre(
    order: int,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    nodes, weights = np.polynomial.legendre.leggauss(order)
    return nodes.astype(np.float64), weights.astype(np.float64)


def _mirrored(octant: NDArray[np.float64]) -> NDArray[np.float64]:
    """Extend an array that starts at the center to the other side of each axis."""
    for axis in range(octant.ndim):
        other = np.flip(octant.take(range(1, octant.shape[axis]), axis=axis), axis)
        octant = np.concatenate([other, octant], axis=axis)
    return octant


def _checked_shape(shape: Sequence[int]) -> tuple[int, ...]:
    sizes = tuple(int(n) for n in shape)
    if len(sizes) not in (2, 3) or any(n < 1 or n % 2 == 0 for n in sizes):
        raise InputError(
            f"PSF shape {sizes} cannot be used - it is (Z, Y, X) or (Y, X) in odd "
            "numbers, so that the center falls on a voxel - add 1 to even numbers."
        )
    return sizes


def _checked_voxel(
    voxel_size_um: Sequence[float | None], axes: int
) -> tuple[float, ...]:
    voxel = tuple(voxel_size_um)[-axes:]
    known = [v for v in voxel if v is not None and math.isfinite(v) and v > 0]
    if len(known) != axes:
        raise InputError(
            f"Voxel size {tuple(voxel_size_um)} µm cannot be used - {axes} positive "
            f"numbers are needed, one for each of {'ZYX'[-axes:]} - give them in µm."
        )
    return tuple(known)
