"""Measure how far a result can be believed: the job behind `enhance --trust`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari_gan_enhance.errors import InputError

if TYPE_CHECKING:
    from napari_gan_enhance.micrograph.micrograph import Micrograph
    from napari_gan_enhance.models.generator import Generator
    from napari_gan_enhance.progress import Job
    from napari_gan_enhance.trust.maps import TrustMaps
    from napari_gan_enhance.trust.settings import TrustSettings


def assess(
    raw: Micrograph,
    enhanced: Micrograph,
    generator: Generator,
    settings: TrustSettings,
    *,
    target: Any = None,
) -> Job[TrustMaps]:
    """Measure how far an enhanced image can be believed, plane by plane.

    Parameters
    ----------
    raw, enhanced : Micrograph
        What the generator was given, and its result; same axes and shape.
    generator : Generator
        That made the result.
    settings : TrustSettings
    target : array, optional
        Takes the maps, shape (maps, *shape of the result), float32, in the order of
        `TrustMaps.named`; 4 maps, 3 without passes. A new array without it.

    Yields
    ------
    Progress

    Returns
    -------
    TrustMaps

    Raises
    ------
    InputError
        If the two do not have the same axes and shape, are RGB, hold NaN or infinity,
        or the generator changes the number of pixels.
    """
    raise InputError("Trust maps are not made yet.")
    yield
