"""How an ideal confocal microscope shows a plane: the sharp side of simulated pairs."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from scipy.fft import next_fast_len, rfft2

from napari_gan_enhance.optics.psf import point_spread_function
from napari_gan_enhance.optics.transfer import FormationOptics, Transfer

if TYPE_CHECKING:
    from numpy.typing import NDArray

REACH = 3.0
"""Radius in wavelength / NA: 99.9 % of the light that passes a closed pinhole."""


def confocal_transfer(
    optics: FormationOptics, *, sampling: int, depth: int, shape: tuple[int, int]
) -> Transfer:
    """Compute the transfer functions of a confocal microscope with a closed pinhole.

    Its point spread function is the product of those of illumination and detection,
    here taken at the same wavelength: the square of the wide-field one.

    Parameters
    ----------
    optics : FormationOptics
    sampling : int, >= 1
        Object pixels along a camera pixel.
    depth : int, >= 0
        Largest distance of an object plane from the focus, in planes.
    shape : (Y, X)
        Of the object, in its own pixels.

    Returns
    -------
    Transfer
        Scaled so that all light of the plane in focus passes; planes out of focus lose
        theirs.

    References
    ----------
    Wilson and Sheppard, Theory and Practice of Scanning Optical Microscopy (1984).
    """
    pixel = optics.pixel_um / sampling
    reach = REACH * 1e-3 * optics.emission_nm / optics.numerical_aperture
    half = min(math.ceil(reach / pixel), max(shape))
    side = 2 * half + 1
    psf = point_spread_function(
        (2 * depth + 1, side, side),
        (optics.plane_um or pixel, pixel, pixel),
        numerical_aperture=optics.numerical_aperture,
        immersion_index=optics.immersion_index,
        emission_nm=optics.emission_nm,
        model=optics.model,
    )
    planes = psf[depth:].astype(np.float64) ** 2
    planes /= planes[0].sum()
    height, width = (next_fast_len(n + 2 * half, real=True) for n in shape)
    return Transfer(_centered(planes, (height, width)), (height, width), half)


def _centered(
    planes: NDArray[np.float64], grid: tuple[int, int]
) -> NDArray[np.float32]:
    """Transform symmetric planes with their centers at the origin."""
    whole = np.zeros((len(planes), *grid))
    height, width = planes.shape[1:]
    whole[:, :height, :width] = planes
    moved = np.roll(whole, (-(height // 2), -(width // 2)), axis=(1, 2))
    return np.asarray(rfft2(moved).real, np.float32)
