"""How a confocal microscope shows a plane: the sharp side of simulated pairs."""

from __future__ import annotations

import math

import numpy as np
from scipy.fft import next_fast_len

from napari_gan_enhance.optics.psf_confocal import confocal_point_spread_function
from napari_gan_enhance.optics.transfer import FormationOptics, Transfer, transformed

REACH = 3.0
"""Radius in wavelength / NA, beyond which a confocal microscope collects next to no
light of a point in focus."""


def confocal_transfer(
    optics: FormationOptics,
    *,
    excitation_nm: float,
    pinhole_airy: float = 1.0,
    sampling: int,
    depth: int,
    shape: tuple[int, int],
) -> Transfer:
    """Compute the transfer functions of a confocal microscope.

    Parameters
    ----------
    optics : FormationOptics
        Objective, emission and grid.
    excitation_nm : float, nanometres
        Of the laser; below the emission.
    pinhole_airy : float, 0 to 20
        Diameter of the pinhole in Airy units of the emission.
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
    """
    pixel = optics.pixel_um / sampling
    reach = REACH * 1e-3 * optics.emission_nm / optics.numerical_aperture
    half = min(math.ceil(reach / pixel), max(shape))
    side = 2 * half + 1
    psf = confocal_point_spread_function(
        (2 * depth + 1, side, side),
        (optics.plane_um or pixel, pixel, pixel),
        numerical_aperture=optics.numerical_aperture,
        immersion_index=optics.immersion_index,
        excitation_nm=excitation_nm,
        emission_nm=optics.emission_nm,
        pinhole_airy=pinhole_airy,
        model=optics.model,
    )
    planes = psf[depth:].astype(np.float64)
    planes /= planes[0].sum()
    height, width = (next_fast_len(n + 2 * half, real=True) for n in shape)
    grid = (height, width)
    return Transfer(transformed(planes.astype(np.float32), grid), grid, half)
