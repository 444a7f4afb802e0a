"""The numbers of one plane of a micrograph, from a part that stands for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_gan_enhance.micrograph.contrast import most_contrast
from napari_gan_enhance.micrograph.view import AxesView
from napari_gan_enhance.trust.maps import PlaneTrust
from napari_gan_enhance.trust.operator import TrustOperator
from napari_gan_enhance.trust.plane import PlaneFit, PlaneOptics, fit_plane

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from napari_gan_enhance.micrograph.micrograph import Micrograph
    from napari_gan_enhance.trust.settings import TrustSettings

SAMPLE = 1024
"""Side of the part of a plane that is measured, pixels: that with the most contrast."""

INDEX = ((1.0, 1.0), (1.33, 1.333), (float("inf"), 1.515))
"""Immersion where the file does not name it: air, water or oil by the aperture. In
focus it hardly matters."""


@dataclass(frozen=True, slots=True)
class MeasuredPlane:
    """A plane, what its maps need to know, and its numbers."""

    place: Mapping[str, int]
    fit: PlaneFit
    numbers: PlaneTrust


def measure_plane(
    raw: Micrograph,
    enhanced: Micrograph,
    place: Mapping[str, int],
    settings: TrustSettings,
) -> MeasuredPlane | None:
    """Measure one plane.

    Parameters
    ----------
    raw, enhanced : Micrograph
    place : mapping of axis letter to int
        Which plane.
    settings : TrustSettings

    Returns
    -------
    MeasuredPlane or None
        None for a blank plane, of which all maps are 0.

    Raises
    ------
    InputError
        If pixels are NaN or infinite.
    """
    first, second = _sample(raw, enhanced, place)
    if first.min() == first.max() or second.min() == second.max():
        return None
    optics = optics_of(raw, place.get("C", 0))
    fit = fit_plane(first, second, optics, settings)
    scores = TrustOperator(fit).scores(first, second)
    pixel_um = raw.voxel_size_um.x
    frequency = fit.cutoff.frequency
    numbers = PlaneTrust(
        place=dict(place),
        rsp=fit.rsp,
        rse=fit.rse,
        sigma_px=fit.sigma_px,
        cutoff=frequency,
        cutoff_um=None if pixel_um is None or not frequency else pixel_um / frequency,
        limit=fit.cutoff.limit,
        beyond=fit.cutoff.share_beyond(second),
        gain=fit.noise.gain,
        shift=fit.noise.shift,
        misfit=float(np.sqrt(np.mean(scores**2))),
    )
    return MeasuredPlane(place, fit, numbers)


def optics_of(micrograph: Micrograph, channel: int) -> PlaneOptics | None:
    """Return the optics of a channel; None where the image does not tell them."""
    aperture = micrograph.microscope.numerical_aperture
    emission_nm = micrograph.channels[channel].emission_nm
    pixel_um = micrograph.voxel_size_um.x
    if aperture is None or emission_nm is None or pixel_um is None:
        return None
    index = micrograph.microscope.immersion_index
    if index is None:
        index = next(n for limit, n in INDEX if aperture < limit)
    return PlaneOptics(aperture, index, emission_nm, pixel_um)


def _sample(
    raw: Micrograph, enhanced: Micrograph, place: Mapping[str, int]
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Read the part with the most contrast of both images."""
    views = [AxesView(m.pixels, m.axes, "CYX", place) for m in (raw, enhanced)]
    box = most_contrast(views[0], (1, SAMPLE, SAMPLE))
    first, second = (view[box][0] for view in views)
    return first, second
