"""Intensity of a point at any radius and defocus, by quadrature of the pupil.

Scalar, without apodization. With the pupil coordinate written as sin(theta), theta the
angle of a ray in the immersion medium, the amplitude at radius r and defocus z is

    A(r, z) = int_0^alpha J0(k0 n r sin theta) exp(i phi) sin theta cos theta dtheta

with sin alpha = NA / n, k0 = 2 pi / wavelength and the phase

    born-wolf     phi = -k0 n z sin^2 theta / 2     (paraxial)
    exact         phi = k0 n z cos theta
    gibson-lanni  phi = k0 n z cos theta + k0 W     (W: `psf_mounting.OpticalPath`)

In theta the integrand is smooth up to the edge of the pupil even where NA is close to
n, so that Gauss-Legendre quadrature converges at once. With W it is smooth in the angle
in the medium of the lowest index.

References
----------
Born and Wolf, Principles of Optics, 7th ed., section 8.8, eq. (11): the paraxial form.
Gibson and Lanni (1992), doi:10.1364/JOSAA.9.000154: exact defocus and W. Both have
NA rho / n where sin theta stands here.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np

from napari_gan_enhance.errors import InputError
from napari_gan_enhance.micrograph.microscope import Channel, Microscope
from napari_gan_enhance.optics.psf_mounting import Mounting, OpticalPath

if TYPE_CHECKING:
    from numpy.typing import NDArray

Model = Literal["exact", "born-wolf", "gibson-lanni"]

SPARE_NODES = 24
"""Gauss-Legendre nodes beyond one for each two radians of phase across the pupil: from
there on the error falls faster than exponentially."""

TRUSTED = 0.95
"""Rays up to this share of the lowest index set where the focus is looked for: beyond,
their focus runs to infinity, and little light takes part."""


@dataclass(frozen=True, slots=True)
class Pupil:
    """The objective in one color; lengths in µm.

    Parameters
    ----------
    numerical_aperture, immersion_index : float
    wavelength_um : float
        In vacuum.
    model : Model
    path : OpticalPath or None
        Aberration; None where everything is as designed.
    """

    numerical_aperture: float
    immersion_index: float
    wavelength_um: float
    model: Model
    path: OpticalPath | None = None

    @property
    def wave_number(self) -> float:
        """2 pi / wavelength in vacuum."""
        return 2 * math.pi / self.wavelength_um

    @property
    def lateral_wave_number(self) -> float:
        """Highest spatial wave number of the intensity in the plane, 1/µm."""
        return 2 * self.wave_number * self.numerical_aperture

    @property
    def axial_wave_number(self) -> float:
        """Highest wave number along z: phase across the pupil per µm of defocus."""
        edge = np.array([self.numerical_aperture])
        return self.wave_number * float(self._defocus(edge)[0])

    @property
    def focus_range(self) -> tuple[float, float]:
        """Defocus at which rays meet on the axis, of the first and the last."""
        if self.path is None:
            return 0.0, 0.0
        limit = min(self.numerical_aperture, TRUSTED * self.path.lowest_index)
        found = self.path.focus(np.linspace(0, limit, 65))
        return float(found.min()), float(found.max())

    def intensity(
        self, r: NDArray[np.float64], z: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Return |A|^2 at all radii and defoci, shape (r, z), lengths in µm."""
        from scipy.special import j0

        phase = self.wave_number * self.numerical_aperture * r.max()
        phase += self.axial_wave_number * np.abs(z).max()
        sine, weights = self._nodes(phase)
        pupil = weights[:, np.newaxis] * self._phasor(sine, z)
        radial = j0(self.wave_number * np.outer(r, sine))
        real, imaginary = radial @ pupil.real, radial @ pupil.imag
        return np.asarray(real**2 + imaginary**2, np.float64)

    def _phasor(
        self, sine: NDArray[np.float64], z: NDArray[np.float64]
    ) -> NDArray[np.complex128]:
        """Return exp(i phi) of rays of n sin(theta) = `sine`, shape (sine, z)."""
        path = -np.outer(self._defocus(sine), z).astype(np.complex128)
        if self.path is not None:
            path += self.path.length(sine)[:, np.newaxis]
        return np.asarray(np.exp(1j * self.wave_number * path))

    def _defocus(self, sine: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the path that a ray lacks for each µm of defocus."""
        index = self.immersion_index
        if self.model == "born-wolf":
            return np.asarray(sine**2 / (2 * index))
        # less than the axis' own path: the same modulus, and no large common phase
        return np.asarray(index - np.sqrt(index**2 - sine**2))

    def _nodes(self, phase: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return n sin(theta) and weights of the quadrature over the pupil's area."""
        na = self.numerical_aperture
        if self.path is None:
            return _propagating(self.immersion_index, na, phase)
        lowest = self.path.lowest_index
        edges = self.path.length(np.array([0.0, min(na, lowest)]))
        phase += self.wave_number * abs(edges[1] - edges[0])
        inner = _propagating(lowest, min(na, lowest), phase)
        if na <= lowest:
            return inner
        outer = _evanescent(lowest, na, phase)
        sine, weights = (
            np.concatenate(pair) for pair in zip(inner, outer, strict=True)
        )
        return sine, weights


def pupil(
    numerical_aperture: float,
    immersion_index: float,
    wavelength_nm: float,
    model: Model = "exact",
    *,
    depth_um: float | None = None,
    sample_index: float | None = None,
    mounting: Mounting | None = None,
) -> Pupil:
    """Check the optics and return them as a pupil.

    Parameters, errors: as for `psf.point_spread_function`.
    """
    if model not in get_args(Model):
        raise InputError(
            f"PSF model {model!r} is not known - it is one of "
            f"{', '.join(get_args(Model))} - choose one of these."
        )
    Microscope(None, numerical_aperture, immersion_index)  # checks the values
    Channel(emission_nm=wavelength_nm)
    path = None
    if model == "gibson-lanni":
        path = _path(immersion_index, depth_um, sample_index, mounting)
        _check_layers(path, numerical_aperture)
    elif depth_um or mounting is not None:
        raise InputError(
            f"PSF model {model!r} knows no depth and no cover slip - only "
            "'gibson-lanni' does - choose that model, or leave them out."
        )
    if path is not None and not path.layers:
        path = None  # as designed: the exact model
    return Pupil(numerical_aperture, immersion_index, 1e-3 * wavelength_nm, model, path)


def _path(
    immersion_index: float,
    depth_um: float | None,
    sample_index: float | None,
    mounting: Mounting | None,
) -> OpticalPath:
    depth = depth_um or 0.0
    if not 0 <= depth < math.inf:
        raise InputError(
            f"A depth of {depth_um!r} µm cannot be - it is 0 or more - give the "
            "distance of the focus from the cover slip."
        )
    if depth and sample_index is None:
        raise InputError(
            f"A depth of {depth:g} µm needs the refractive index of the sample - it "
            "lies between 1 and 3 - give the sample index: 1.33 for water and cells, "
            "1.47 for glycerol."
        )
    if sample_index is not None and not 1 <= sample_index < 3:
        raise InputError(
            f"Sample index {sample_index!r} cannot be - it lies between 1 and 3 - use "
            "1.33 for water and cells, 1.47 for glycerol."
        )
    return OpticalPath(
        immersion_index, sample_index or immersion_index, depth, mounting or Mounting()
    )


def _check_layers(path: OpticalPath, numerical_aperture: float) -> None:
    """Refuse glass or a designed medium that would reflect rays the objective has."""
    for _, index in path.layers:
        if index <= numerical_aperture and index != path.sample_index:
            raise InputError(
                f"Index {index} of the cover slip or of the designed immersion does "
                f"not fit numerical aperture {numerical_aperture} - it must be above "
                "the aperture - correct one of the two."
            )


def _propagating(
    index: float, highest: float, phase: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Place nodes in the angle within a medium of `index`, up to n sin = `highest`."""
    nodes, weights = gauss_legendre(SPARE_NODES + math.ceil(phase / 2))
    half = math.asin(highest / index) / 2
    angle = (nodes + 1) * half
    sine, cosine = index * np.sin(angle), index * np.cos(angle)
    return sine, half * weights * sine * cosine


def _evanescent(
    index: float, highest: float, phase: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Place nodes beyond total reflection, where the angle is imaginary."""
    nodes, weights = gauss_legendre(SPARE_NODES + math.ceil(phase / 2))
    half = math.acosh(highest / index) / 2
    angle = (nodes + 1) * half
    sine, cosine = index * np.cosh(angle), index * np.sinh(angle)
    return sine, half * weights * sine * cosine


def gauss_legendre(
    order: int,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return nodes and weights on -1 to 1."""
    from scipy.special import roots_legendre

    nodes, weights = roots_legendre(order)
    return np.asarray(nodes, np.float64), np.asarray(weights, np.float64)
