"""How planes of an object reach the focal plane: transfer functions, computed once."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_validator
from scipy.fft import irfft2, next_fast_len, rfft2

from napari_gan_enhance.errors import InputError
from napari_gan_enhance.micrograph.microscope import Channel, Microscope
from napari_gan_enhance.optics.psf import (
    ENERGY_REACH,
    Model,
    point_spread_function,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

CACHED = 8
"""Transfer functions kept; one of 17 planes for 256 x 256 pixels takes 4 MB."""

HAZE_REACH = 3.0
"""Margin in standard deviations of Gaussian haze: 99 % of its light."""


class FormationOptics(BaseModel):
    """A wide-field microscope in one color and the grid of its camera.

    Parameters
    ----------
    numerical_aperture : float, > 0, below the immersion index
    immersion_index : float, 1 to 3
    emission_nm : float, nanometres
    pixel_um : float, µm, > 0
        Side of a camera pixel in sample space.
    plane_um : float or None, µm, > 0
        Distance between the planes of a stack; not needed for one plane.
    model : "exact" or "born-wolf"
        Defocus of the point spread function.

    Raises
    ------
    ValueError
        If a value is out of range.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    numerical_aperture: float
    immersion_index: float = 1.515
    emission_nm: float
    pixel_um: float = Field(gt=0)
    plane_um: float | None = Field(None, gt=0)
    model: Model = "exact"

    @model_validator(mode="after")
    def _check_values(self) -> Self:
        Microscope(None, self.numerical_aperture, self.immersion_index)
        Channel(emission_nm=self.emission_nm)
        return self


class Haze(BaseModel):
    """Light from above and below the plane that was drawn.

    What lies there is not known; the drawn plane, out of focus, stands for it.

    Parameters
    ----------
    share : float, 0 <= share < 1
        Share of the light that is haze.
    width_um : float, µm, > 0
        Standard deviation of a Gaussian, or half the thickness of the specimen.
    kind : "gaussian" or "defocus"
        A broad Gaussian, or the mean of the planes of the point spread function
        through the thickness.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    share: float = Field(ge=0, lt=1)
    width_um: float = Field(gt=0)
    kind: Literal["gaussian", "defocus"] = "gaussian"


@dataclass(frozen=True, slots=True, eq=False)
class Transfer:
    """Transfer functions of an object plane at each distance from the focus.

    Parameters
    ----------
    functions : ndarray, shape (distance, gy, gx // 2 + 1), float32
        Real, as every plane of the point spread function is symmetric; 1 at the
        origin: all light of a plane reaches the camera.
    grid : (gy, gx)
        Size transformed: the object and its margins.
    margin : int
        Object pixels added before the object along Y and X.
    """

    functions: NDArray[np.float32]
    grid: tuple[int, int]
    margin: int

    def blur(
        self, planes: NDArray[np.float32], focus: int | None
    ) -> NDArray[np.float32]:
        """Return the light in the focal planes, on the object's grid.

        Parameters
        ----------
        planes : ndarray, shape (Z, Y, X), float32
            Reflected beyond its lateral edges; nothing above and below.
        focus : int or None
            Index of the plane in focus; None for each of them.

        Returns
        -------
        ndarray, shape (1, Y, X) or (Z, Y, X), float32, >= 0
        """
        height, width = planes.shape[1:]
        before = self.margin
        after = (
            g - n - before for g, n in zip(self.grid, (height, width), strict=True)
        )
        edges = [(before, n) for n in after]
        focal_planes = range(len(planes)) if focus is None else (focus,)
        light = np.zeros((len(focal_planes), *self.functions.shape[1:]), np.complex64)
        for z, plane in enumerate(planes):
            spectrum = rfft2(np.pad(plane, edges, "symmetric"))
            for spread, at in zip(light, focal_planes, strict=True):
                spread += spectrum * self.functions[abs(z - at)]
        inside = (slice(before, before + height), slice(before, before + width))
        result = np.empty((len(focal_planes), height, width), np.float32)
        for image, spread in zip(result, light, strict=True):
            image[...] = irfft2(spread, s=self.grid, overwrite_x=True)[inside]
        return np.maximum(result, 0, out=result)


@lru_cache(CACHED)
def transfer(
    optics: FormationOptics,
    haze: Haze | None,
    *,
    sampling: int,
    depth: int,
    shape: tuple[int, int],
) -> Transfer:
    """Compute the transfer functions for objects of one shape.

    Parameters
    ----------
    optics : FormationOptics
    haze : Haze or None
    sampling : int, >= 1
        Object pixels along a camera pixel.
    depth : int, >= 0
        Largest distance of an object plane from the focus, in planes.
    shape : (Y, X)
        Of the object, in its own pixels.

    Returns
    -------
    Transfer
        Shared between calls: not to be written to.

    Raises
    ------
    InputError
        If the distance between planes is needed and not known.
    """
    if depth and optics.plane_um is None:
        raise InputError(
            "The optics do not say how far the planes of a stack are apart - their "
            "point spread function depends on it - give plane_um."
        )
    pixel = optics.pixel_um / sampling
    half = _reach(optics, depth) / pixel
    margin = half if haze is None else max(half, _haze_reach(optics, haze) / pixel)
    # A margin beyond the size of the object would only repeat it.
    margin = min(math.ceil(margin), max(shape))
    height, width = (next_fast_len(n + 2 * margin, real=True) for n in shape)
    grid = (height, width)
    psf = _planes(optics, depth, min(math.ceil(half), max(shape)), pixel)
    functions = transformed(psf, grid)
    if haze is not None:
        spread = _haze_function(optics, haze, pixel, grid)
        functions = (1 - haze.share) * functions + haze.share * spread
    functions = np.asarray(functions, np.float32)
    functions.flags.writeable = False
    return Transfer(functions, grid, margin)


def _reach(optics: FormationOptics, depth: int) -> float:
    """Return the radius in µm that holds the light of the plane farthest from focus."""
    return _cone(optics, depth * (optics.plane_um or 0))


def _haze_reach(optics: FormationOptics, haze: Haze) -> float:
    if haze.kind == "gaussian":
        return HAZE_REACH * haze.width_um
    return _cone(optics, haze.width_um)


def _cone(optics: FormationOptics, defocus_um: float) -> float:
    sine = optics.numerical_aperture / optics.immersion_index
    in_focus = ENERGY_REACH * 1e-3 * optics.emission_nm / optics.numerical_aperture
    return in_focus + defocus_um * sine / math.sqrt(1 - sine**2)


def _planes(
    optics: FormationOptics, depth: int, half: int, pixel: float
) -> NDArray[np.float32]:
    """Return the PSF from the focus on, each plane of sum 1, shape (distance, y, x)."""
    side = 2 * half + 1
    shape = (2 * depth + 1, side, side) if depth else (side, side)
    psf = _psf(optics, shape, (optics.plane_um, pixel, pixel))
    planes = psf.reshape(-1, side, side)[depth:]
    return np.asarray(planes / planes.sum((1, 2), keepdims=True), np.float32)


def _haze_function(
    optics: FormationOptics, haze: Haze, pixel: float, grid: tuple[int, int]
) -> NDArray[np.float32]:
    if haze.kind == "gaussian":
        fy, fx = np.fft.fftfreq(grid[0], pixel), np.fft.rfftfreq(grid[1], pixel)
        squared = fy[:, np.newaxis] ** 2 + fx**2
        gaussian = np.exp(-2 * (math.pi * haze.width_um) ** 2 * squared)
        return np.asarray(gaussian, np.float32)
    half = min(math.ceil(_cone(optics, haze.width_um) / pixel), max(grid) // 2)
    side = 2 * half + 1
    # One voxel as thick as the specimen: the mean over its planes.
    thick = _psf(optics, (1, side, side), (2 * haze.width_um, pixel, pixel))
    function: NDArray[np.float32] = transformed(thick, grid)[0]
    return function


def _psf(
    optics: FormationOptics,
    shape: tuple[int, ...],
    voxel_um: tuple[float | None, float, float],
) -> NDArray[np.float32]:
    return point_spread_function(
        shape,
        voxel_um,
        numerical_aperture=optics.numerical_aperture,
        immersion_index=optics.immersion_index,
        emission_nm=optics.emission_nm,
        model=optics.model,
    )


def transformed(
    planes: NDArray[np.float32], grid: tuple[int, int]
) -> NDArray[np.float32]:
    """Transform symmetric planes of odd size with their centers at the origin."""
    whole = np.zeros((len(planes), *grid), np.float32)
    rows, columns = (
        (np.arange(n) - n // 2) % g for n, g in zip(planes.shape[1:], grid, strict=True)
    )
    # The PSF may be larger than the grid of a small object: what overlaps adds up.
    where: tuple[Any, ...] = (slice(None), rows[:, np.newaxis], columns)
    np.add.at(whole, where, planes)
    return np.asarray(rfft2(whole).real, np.float32)
