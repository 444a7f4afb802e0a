"""Image formation: from a sharp object to the image a wide-field microscope takes.

    object --PSF, haze--> light --binning--> photons + background --camera--> image

The object is drawn on the camera's grid or a finer one. In focus and out of it, its
planes are blurred by the point spread function, integrated over the pixel; then come
background light, Poisson noise and the camera.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import ConfigDict, Field

from napari_gan_enhance.errors import InputError
from napari_gan_enhance.micrograph.intensity import check_finite
from napari_gan_enhance.optics.camera import Camera, Recorded
from napari_gan_enhance.optics.transfer import (
    FormationOptics,
    Haze,
    Transfer,
    transfer,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray


class FormationSettings(Camera):
    """Everything that stands between a sharp object and its image.

    Parameters
    ----------
    optics : FormationOptics
        Objective, color and grid of the camera.
    haze : Haze or None
        Light from outside the planes that were drawn.
    sampling : int, >= 1
        Object pixels along a camera pixel.
    background : float, >= 0
        Photons in each pixel that do not come from the object.
    photons : float or None, > 0
        Expected photons of the brightest pixel, without background; None takes the
        object in photons as it is.
    gain, offset, read_noise, bits
        As for `Camera`.
    seed : int, >= 0
        Of the noise.

    Raises
    ------
    ValueError
        If a value is out of range.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    optics: FormationOptics
    haze: Haze | None = None
    sampling: int = Field(1, ge=1, le=16)
    background: float = Field(0.0, ge=0)
    photons: float | None = Field(None, gt=0)
    seed: int = Field(0, ge=0)


def form_image(
    sharp: NDArray[Any],
    settings: FormationSettings,
    *,
    focus: int | None = None,
    rng: np.random.Generator | None = None,
) -> Recorded:
    """Take one noisy image of a sharp object.

    Parameters
    ----------
    sharp : ndarray, shape (Y, X) or (Z, Y, X), any real dtype, >= 0
        Light that the object sends out, in any unit, or in photons without
        `settings.photons`. Y and X are multiples of `settings.sampling`. Beyond the
        lateral edges it is reflected, above and below a stack there is nothing.
    settings : FormationSettings
    focus : int, optional
        Plane of a stack to focus on; without it the whole stack is taken.
    rng : numpy.random.Generator, optional
        Source of noise instead of `settings.seed`, for many images in a row.

    Returns
    -------
    ndarray, shape (Y, X) or (Z, Y, X) in camera pixels
        Gray levels: uint8 for 8 bits, uint16 for 12 and 16, float32 without.

    Raises
    ------
    InputError
        If the object has another number of axes, is not a multiple of the sampling, or
        holds negative, NaN or infinite pixels; or if the focus is not in it.
    """
    photons = expected_photons(sharp, settings, focus=focus)
    return settings.record(photons, rng or np.random.default_rng(settings.seed))


def expected_photons(
    sharp: NDArray[Any], settings: FormationSettings, *, focus: int | None = None
) -> NDArray[np.float32]:
    """Return the expected photons of each camera pixel, background included.

    Parameters, errors and shape as for `form_image`; float32.
    """
    planes = _checked_planes(sharp, settings.sampling, focus)
    depth = len(planes) - 1 if focus is None else max(focus, len(planes) - 1 - focus)
    light = _binned(
        _transfer(settings, planes.shape[1:], depth).blur(planes, focus),
        settings.sampling,
    )
    peak = float(light.max())
    if settings.photons is not None and peak > 0:
        light *= np.float32(settings.photons / peak)
    light += np.float32(settings.background)
    return light if sharp.ndim == 3 and focus is None else light[0]


def _transfer(
    settings: FormationSettings, shape: tuple[int, ...], depth: int
) -> Transfer:
    height, width = shape
    return transfer(
        settings.optics,
        settings.haze,
        sampling=settings.sampling,
        depth=depth,
        shape=(height, width),
    )


def _binned(light: NDArray[np.float32], side: int) -> NDArray[np.float32]:
    """Add up the light of side x side object pixels, shape (Z, Y, X)."""
    if side == 1:
        return light
    planes, height, width = light.shape
    blocks = light.reshape(planes, height // side, side, width // side, side)
    return np.asarray(blocks.sum((2, 4)), np.float32)


def _checked_planes(
    sharp: NDArray[Any], sampling: int, focus: int | None
) -> NDArray[np.float32]:
    """Return the object as (Z, Y, X), float32."""
    if sharp.ndim not in (2, 3) or 0 in sharp.shape:
        raise InputError(
            f"An object of shape {sharp.shape} cannot be imaged - it has axes (Y, X) "
            "or (Z, Y, X) and at least one pixel - image channels one by one."
        )
    if any(n % sampling for n in sharp.shape[-2:]):
        raise InputError(
            f"An object of shape {sharp.shape} does not fill whole camera pixels - Y "
            f"and X must be multiples of the sampling, {sampling} - crop it."
        )
    planes = np.asarray(sharp, np.float32).reshape(-1, *sharp.shape[-2:])
    if focus is not None and not 0 <= focus < len(planes):
        raise InputError(
            f"Plane {focus} cannot be in focus - the object has planes 0 to "
            f"{len(planes) - 1} - choose one of these."
        )
    check_finite(planes)
    if planes.min() < 0:
        raise InputError(
            f"The object holds negative light (down to {planes.min():g}) - light is "
            "zero or more - subtract the background and clip."
        )
    return planes
