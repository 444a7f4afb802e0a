"""Spoil an image as users and programs do, to learn what that costs.

Each function takes an image as it was recorded and returns another of the same dtype
where that is what a file would hold.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from scipy.ndimage import gaussian_filter, zoom

if TYPE_CHECKING:
    from numpy.typing import NDArray

Pixels: TypeAlias = "NDArray[Any]"

MULTIPLE = 16
"""Sides that every generator takes."""

LEAST_GRAIN, MOST_GRAIN = 0.02, 0.3
"""Of the contrast."""

GRAIN_PX = 1.0
"""Width of grains, as compression and interpolation leave them."""


def spoilt(
    pixels: Pixels, sharp: Pixels, rng: np.random.Generator
) -> tuple[Pixels, Pixels]:
    """Spoil an image in one of nine ways, by an amount drawn at random.

    Parameters
    ----------
    pixels, sharp : ndarray, (Y, X)
        What was recorded, and its reference.
    rng : Generator

    Returns
    -------
    (ndarray, ndarray)
        Both; the reference is changed with the pixel size alone.
    """
    which = int(rng.integers(9))
    if which == 0:
        by = float(2 ** rng.uniform(-1.5, 2))
        return resampled(pixels, by), resampled(sharp.astype(np.float64), by)
    ways = (
        lambda: saturated(pixels, float(10 ** rng.uniform(-2.5, -0.6))),
        lambda: stretched(pixels),
        lambda: curved(pixels, float(2 ** rng.uniform(-1.5, 1.5))),
        lambda: smoothed(pixels, float(rng.uniform(0.5, 4))),
        lambda: sharpened(pixels, float(rng.uniform(0.5, 4))),
        lambda: grained(pixels, _amount(rng), rng, GRAIN_PX),
        lambda: grained(pixels, _amount(rng), rng, 0),
        lambda: dimmed(pixels, float(10 ** rng.uniform(-1.3, -0.1)), rng),
    )
    return ways[which - 1](), sharp


def resampled(pixels: Pixels, by: float) -> Pixels:
    """Give an image other pixels, and cut it to at most its old size."""
    smooth = pixels.astype(np.float64)
    if by < 1:
        smooth = gaussian_filter(smooth, 0.4 / by)
    other = zoom(smooth, by, order=3, mode="reflect", grid_mode=True)
    sides = (min(n, m) for n, m in zip(pixels.shape, other.shape, strict=True))
    window = []
    for side, size in zip(sides, other.shape, strict=True):
        kept = max(side // MULTIPLE * MULTIPLE, min(side, MULTIPLE))
        start = (size - kept) // 2
        window.append(slice(start, start + kept))
    return _recorded(other[tuple(window)], pixels)


def saturated(pixels: Pixels, share: float) -> Pixels:
    """Cut off a share of the pixels at the top."""
    top = np.percentile(pixels, 100 * (1 - share))
    return np.asarray(np.minimum(pixels, np.array(top).astype(pixels.dtype)))


def stretched(pixels: Pixels) -> NDArray[np.uint8]:
    """Stretch to 8 bit, clipping a little at both ends."""
    low, high = np.percentile(pixels, (2, 99.5))
    levels = np.rint((pixels - low) / ((high - low) or 1) * 255)
    return np.asarray(np.clip(levels, 0, 255), np.uint8)


def curved(pixels: Pixels, gamma: float) -> Pixels:
    """Apply a gamma curve between the darkest and the brightest pixel."""
    low, high = float(pixels.min()), float(pixels.max())
    share = (pixels - low) / ((high - low) or 1)
    return _recorded(low + share**gamma * (high - low), pixels)


def smoothed(pixels: Pixels, sigma: float) -> NDArray[np.float32]:
    """Smooth, as to look nicer."""
    return np.asarray(gaussian_filter(pixels.astype(np.float32), sigma), np.float32)


def sharpened(pixels: Pixels, amount: float) -> Pixels:
    """Raise fine detail and noise with it, as unsharp masks and deconvolution do."""
    image = pixels.astype(np.float64)
    detail = image - gaussian_filter(image, 1.5)
    return _recorded(image + amount * gaussian_filter(detail, 0.7), pixels)


def grained(
    pixels: Pixels, share: float, rng: np.random.Generator, grain_px: float
) -> Pixels:
    """Add noise of a share of the contrast, alike in pixels as near as a grain."""
    noise = gaussian_filter(rng.standard_normal(pixels.shape), grain_px)
    contrast = float(np.subtract(*np.percentile(pixels, (99.9, 1))))
    return _recorded(pixels + noise / noise.std() * share * contrast, pixels)


def dimmed(pixels: Pixels, kept: float, rng: np.random.Generator) -> Pixels:
    """Keep a share of the light, as of a shorter exposure.

    The noise of the darkest tenth of the pixels tells what one photon makes: there the
    variance of neighbors is the gain times what is above the offset.
    """
    offset = float(np.percentile(pixels, 0.5))
    light = np.maximum(pixels.astype(np.float64) - offset, 0)
    differences = np.diff(pixels.astype(np.float64), axis=-1)
    between = (light[..., 1:] + light[..., :-1]) / 2
    dark = between <= np.percentile(between, 30)
    gain = float((differences[dark] ** 2).mean() / 2 / max(between[dark].mean(), 1e-6))
    photons = np.rint(light / max(gain, 1e-6)).astype(np.int64)
    fewer = rng.binomial(photons, kept)
    return _recorded(offset + gain * fewer, pixels)


def _amount(rng: np.random.Generator) -> float:
    return float(np.exp(rng.uniform(np.log(LEAST_GRAIN), np.log(MOST_GRAIN))))


def _recorded(values: NDArray[Any], like: Pixels) -> Pixels:
    """Return values in the dtype of an image."""
    if like.dtype.kind not in "ui":
        return np.asarray(values, like.dtype)
    limits = np.iinfo(like.dtype)
    return np.asarray(
        np.clip(np.rint(values), limits.min, limits.max), dtype=like.dtype
    )
