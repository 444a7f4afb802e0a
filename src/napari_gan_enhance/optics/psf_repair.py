"""Make a measured PSF fit for deconvolution, or say in a sentence why it cannot be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from napari_gan_enhance.errors import InputError
from napari_gan_enhance.optics.psf_centering import (
    center_of,
    regridded,
    room,
    rounded_center,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

ROUNDING = 1e-6
"""Negative values below this share of the peak are rounding and need no note."""

MOST_NEGATIVE = 0.05
"""Share of the peak, below the background, that noise may reach."""

LEAST_BACKGROUND = 0.003
"""Share of the peak above which the border is background: computed PSFs end below 0.1 %
in frames of the usual size."""

BACKGROUND_SIZE = 15
"""Below this lateral size a PSF need not fall off to nothing within its frame."""

CLIPPED = 3.0
"""Standard deviations beyond which a border voxel is light and not background."""

PASSES = 10
"""Of clipping; it ends earlier where nothing is left to clip."""

SURE = 3.0
"""Standard deviations, of means over 3 voxels along each axis, above which there is
light and not noise."""

FLAT = 0.999
"""Values above this share of the peak count as equal to it."""

FLAT_RUN, FLAT_SHARE = 3, 0.25
"""A top is flat with so many voxels in a row and so much of the width at half maximum;
a Gaussian rounded to 100 gray levels has 0.12."""

LEAST_ROOM = 0.3
"""Share of the frame between center and nearer edge that is always enough; with less,
there must be a whole width at half maximum."""

FINEST = 0.25
"""Smallest ratio of the image's voxel to the PSF's: below, voxels of the PSF are too
coarse to tell what it is."""


@dataclass(frozen=True, slots=True, eq=False)
class MeasuredPsf:
    """A measured PSF, fit for deconvolution.

    Parameters
    ----------
    values : ndarray, axes (Z, Y, X) or (Y, X), odd, float32
        Non-negative, centered, sum 1.
    notes : tuple of str
        One sentence for each thing that was repaired; empty where nothing was.
    """

    values: NDArray[np.float32]
    notes: tuple[str, ...] = ()


def repaired(
    psf: NDArray[np.float64],
    name: str,
    ratios: Sequence[float] | None = None,
    center: Sequence[float] | None = None,
) -> MeasuredPsf:
    """Free a PSF of its background, center it, resample and normalize it.

    Parameters
    ----------
    psf : ndarray, axes (Z, Y, X) or (Y, X)
    name : str
        For messages.
    ratios : sequence of float or None
        Voxel size of the image by that of the PSF, for each axis; None is 1.
    center : sequence of float or None, voxels
        Where it is known; None looks for it.

    Raises
    ------
    InputError
        If it holds NaN, no light, a saturated top or strongly negative values, if its
        center is too near to the edge, or its voxels are too coarse for the image.
    """
    _check_light(psf, name)
    _check_saturation(psf, name)
    clean, notes = without_background(psf, name)
    steps = tuple(ratios) if ratios is not None else (1.0,) * psf.ndim
    if min(steps) < FINEST:
        raise InputError(
            f"The PSF {name!r} has voxels {1 / min(steps):.3g} times as large as the "
            f"image's - at most {1 / FINEST:g} times can be resampled - check the "
            "voxel sizes, or measure a finer PSF."
        )
    found = center_of(clean) if center is None else center
    _check_room(clean, found, name)
    center = rounded_center(found, clean.shape)
    values = np.maximum(regridded(clean, center, steps), 0)
    notes += _moved(center, clean.shape)
    return MeasuredPsf(np.asarray(values / values.sum(), np.float32), tuple(notes))


def without_background(
    psf: NDArray[np.float64], name: str
) -> tuple[NDArray[np.float64], list[str]]:
    """Subtract the background and clip what is negative.

    Returns
    -------
    ndarray, list of str
        Non-negative values, and what was done to them.

    Raises
    ------
    InputError
        If values are strongly negative.
    """
    notes = []
    # A frame so small need not reach to where there is no light.
    is_wide = min(psf.shape[-2:]) >= BACKGROUND_SIZE
    background, noise = border_level(psf) if is_wide else (0.0, 0.0)
    peak = float(psf.max()) - background
    if abs(background) > LEAST_BACKGROUND * peak:
        notes.append(
            f"A background of {background / (peak + background):.1%} of the peak was "
            "subtracted from the PSF."
        )
        psf = psf - background
    lowest = float(psf.min())
    if lowest < -MOST_NEGATIVE * peak:
        raise InputError(
            f"The PSF {name!r} holds negative values down to {lowest / peak:.0%} of "
            f"its peak - noise may reach {-MOST_NEGATIVE:.0%}, and light is not "
            "negative - average more beads, or leave out what made them."
        )
    if lowest < -ROUNDING * peak:
        # Zero noise at half of its voxels would leave the other half as a haze.
        psf = light_only(psf, noise)
        notes.append(
            f"Noise around the PSF, down to {lowest / peak:.2%} of its peak, was set "
            "to zero."
        )
    return np.maximum(psf, 0), notes


def light_only(psf: NDArray[np.float64], noise: float) -> NDArray[np.float64]:
    """Set to zero what is negative or no more than noise.

    Parameters
    ----------
    psf : ndarray, any axes
        Without background.
    noise : float
        Standard deviation of the background.
    """
    from scipy.ndimage import uniform_filter

    mean = uniform_filter(psf, 3, mode="nearest")
    is_light = mean > SURE * noise / 3 ** (psf.ndim / 2)
    return np.asarray(np.where(is_light, np.maximum(psf, 0), 0))


def is_saturated(psf: NDArray[np.float64]) -> bool:
    """Return whether the top of a spot is flat.

    Parameters
    ----------
    psf : ndarray, any axes
        With or without background.
    """
    peak = np.unravel_index(int(psf.argmax()), psf.shape)
    low, high = float(np.median(psf)), float(psf[peak])
    for axis in range(psf.ndim):
        line = np.moveaxis(psf, axis, -1)[tuple(np.delete(peak, axis))]
        flat = _run(line - low >= FLAT * (high - low), int(peak[axis]))
        half = _run(line - low >= 0.5 * (high - low), int(peak[axis]))
        if flat >= FLAT_RUN and flat > FLAT_SHARE * half:
            return True
    return False


def _run(is_high: NDArray[np.bool_], at: int) -> int:
    """Return how many values in a row are high around a place."""
    after = is_high[at:]
    before = is_high[at::-1]
    return (
        sum(
            len(side) if side.all() else int(np.argmin(side))
            for side in (after, before)
        )
        - 1
    )


def border_level(psf: NDArray[np.float64]) -> tuple[float, float]:
    """Return mean and standard deviation of the background at the lateral edges.

    Parameters
    ----------
    psf : ndarray, axes (Z, Y, X) or (Y, X)
    """
    edge = np.ones(psf.shape[-2:], bool)
    edge[1:-1, 1:-1] = False
    values = psf[..., edge].ravel()
    # Planes and margins that were filled up hold zeros and say nothing.
    filled = np.abs(values) > 1e-9 * psf.max()
    if 2 * filled.sum() >= values.size:
        values = values[filled]
    for _ in range(PASSES):
        mean, spread = values.mean(), values.std()
        kept = values[np.abs(values - mean) <= CLIPPED * spread]
        if kept.size in (0, values.size):
            break
        values = kept
    return float(mean), float(spread)


def _check_light(psf: NDArray[np.float64], name: str) -> None:
    if not np.isfinite(psf).all():
        raise InputError(
            f"The PSF {name!r} holds NaN or infinite values - every value must be "
            "finite - choose another PSF."
        )
    if not psf.size or psf.max() <= 0 or (psf.size > 1 and psf.max() == psf.min()):
        raise InputError(
            f"The PSF {name!r} holds no light - it needs a bright spot - choose "
            "another PSF."
        )


def _check_saturation(psf: NDArray[np.float64], name: str) -> None:
    if is_saturated(psf):
        raise InputError(
            f"The PSF {name!r} is saturated: its top is flat - the peak must be below "
            "the camera's limit - record the bead with less light."
        )


def _check_room(psf: NDArray[np.float64], center: Sequence[float], name: str) -> None:
    from napari_gan_enhance.optics.psf_width import fwhm_um

    widths = fwhm_um(psf, (1.0,) * psf.ndim)
    for size, reach, width in zip(
        psf.shape, room(psf.shape, center), widths, strict=True
    ):
        if reach < LEAST_ROOM * size and (width is None or reach < width):
            place = ", ".join(f"{c:.1f}" for c in center)
            raise InputError(
                f"The PSF {name!r} has its center at ({place}), too near to the edge "
                f"of its {psf.shape} voxels - it must be seen on all sides - crop it "
                "around its peak from a larger image."
            )


def _moved(center: Sequence[float], shape: Sequence[int]) -> list[str]:
    offsets = [c - (n - 1) / 2 for c, n in zip(center, shape, strict=True)]
    if not any(offsets):
        return []
    listed = ", ".join(f"{-offset:+.2f}" for offset in offsets)
    return [f"The PSF was moved by ({listed}) voxels to its center."]
