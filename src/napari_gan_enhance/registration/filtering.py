"""What of two images can be compared: no haze, little noise, the detail they share.

Haze, background and shading are smooth, noise is not; between them lies what tells
positions. The last step weights every spatial frequency by how far the two images agree
there, which is the best one can do for Gaussian noise: Hannan and Thomson, "Estimating
group delay", Biometrika 60 (1973), doi:10.1093/biomet/60.2.241, and, as a generalized
cross correlation, Knapp and Carter (1976), doi:10.1109/TASSP.1976.1162830, table I.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import fft, ndimage

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from napari_gan_enhance.registration.canvas import Canvas

    Values = NDArray[np.float32]

FINE, COARSE = 1.5, 8.0
"""Standard deviations in pixels between which structure is kept: below lies the noise
of single pixels, above the haze of a wide-field image."""

NOISE_FLOOR = 0.3
"""Share of the mean energy that is added to the local one, so that empty parts are not
amplified to full contrast."""

RINGS = 64
"""Rings of spatial frequency up to half a cycle per pixel; a ring of a 512² image
holds 100 to 1600 independent frequencies."""

MOST_COHERENCE = 0.95
"""Two images of different microscopes never agree better than that: the cap keeps the
lowest frequencies, of which there are few, from outweighing all others."""

LEAST_COHERENCE = 2.5
"""Standard deviations of the coherence of unrelated images, below which a ring says
nothing."""

LEAST_POWER = 1e-3
"""Share of the strongest ring below which a frequency is not amplified further: where
there is neither light nor noise, rounding and leakage would be raised to the rest."""

FIRST_RING = 2
"""Rings from here on hold structure, before it shading: 1 / 64 cycle per pixel."""

SLOW_PX = 48
"""Structure broader than that is haze and shading."""


def bandpassed(canvas: Canvas) -> Canvas:
    """Return local structure with even contrast, zero outside the image.

    Intensities are compressed by a square root first: it makes shot noise even and
    brings images of different contrast closer to each other.
    """
    band = band_of(canvas, contrast_of([canvas])).values
    energy = ndimage.gaussian_filter(band * band, 2 * COARSE, truncate=2)
    floor = NOISE_FLOOR * float((band * band).mean())
    return canvas.with_values(band / np.sqrt(energy + floor + np.finfo("f4").tiny))


def contrast_of(canvases: Sequence[Canvas]) -> tuple[float, float]:
    """Return the intensities of dark and bright in the planes of one image.

    They are equal where the image reaches no pixel: it may be smaller than those of
    the other one.
    """
    seen = np.concatenate([c.values[c.inside][::3] for c in canvases])
    low, high = np.percentile(seen, [1, 99.9]) if seen.size else (0, 0)
    return float(low), float(high)


def band_of(canvas: Canvas, contrast: tuple[float, float]) -> Canvas:
    """Return local structure, as strong as it is in that contrast."""
    low, high = contrast
    if not low < high:
        return canvas.with_values(np.zeros_like(canvas.values))
    share = np.clip((canvas.values - low) / (high - low), 0, None)
    filled = np.where(canvas.inside, np.sqrt(share), 0)
    weight = canvas.inside.astype(np.float32)
    band = _inside_blur(filled, weight, FINE) - _inside_blur(filled, weight, COARSE)
    return canvas.with_values(band * weight)


@dataclass(frozen=True, slots=True, eq=False)
class CoherenceWeights:
    """Filters for two images by their agreement in rings of spatial frequency.

    Parameters
    ----------
    fixed, moving : ndarray, shape (RINGS + 1,), float64
        Gain of each ring.
    """

    fixed: NDArray[np.float64]
    moving: NDArray[np.float64]


def coherence_weights(fixed: Values, moving: Values) -> CoherenceWeights:
    """Measure on which spatial frequencies two aligned images agree.

    Parameters
    ----------
    fixed, moving : ndarray, shape (Y, X), float32
        On one grid, as well aligned as known; constant where either does not reach.

    Returns
    -------
    CoherenceWeights
        sqrt(c² / (1 - c²) / c) over the amplitude of each image, c being the coherence
        of a ring; 0 where c is not above chance.
    """
    window = np.outer(*(np.hanning(n + 2)[1:-1] for n in fixed.shape)).astype("f4")
    spectra = [fft.rfft2((x - x.mean()) * window) for x in (fixed, moving)]
    ring = np.minimum((_radius(fixed.shape) * 2 * RINGS).astype(int), RINGS).ravel()
    count = np.bincount(ring, minlength=RINGS + 1)
    power = [np.bincount(ring, np.abs(s).ravel() ** 2, RINGS + 1) for s in spectra]
    cross = np.bincount(ring, (spectra[0] * spectra[1].conj()).real.ravel(), RINGS + 1)
    scale = np.sqrt(power[0] * power[1]) + np.finfo(float).tiny
    coherence = ndimage.gaussian_filter1d(np.clip(cross / scale, 0, MOST_COHERENCE), 1)
    coherence[coherence < LEAST_COHERENCE / np.sqrt(np.maximum(count, 1))] = 0
    gain = coherence / (1 - coherence**2)
    means = [p / np.maximum(count, 1) for p in power]
    floors = [LEAST_POWER * float(m[FIRST_RING:].max()) for m in means]
    amplitude = [
        m + f + np.finfo(float).tiny for m, f in zip(means, floors, strict=True)
    ]
    return CoherenceWeights(*(np.sqrt(gain / a) for a in amplitude))


def weighted(canvas: Canvas, gain: NDArray[np.float64], scale: float = 1.0) -> Values:
    """Return a canvas filtered by the gains of its rings.

    Parameters
    ----------
    canvas : Canvas
    gain : ndarray, shape (RINGS + 1,)
    scale : float, > 0
        Pixels of the grid on which the gains were measured for one of these.
    """
    mean = canvas.values[canvas.inside].mean()
    filled = np.where(canvas.inside, canvas.values - mean, 0).astype(np.float32)
    # Mirrored on all sides: the transform takes the image to repeat.
    shape = tuple(fft.next_fast_len(n + 2 * SLOW_PX, real=True) for n in filled.shape)
    spare = [
        (SLOW_PX, s - n - SLOW_PX) for s, n in zip(shape, filled.shape, strict=True)
    ]
    radius = _radius(shape) / scale
    response = np.interp(radius * 2 * RINGS - 0.5, np.arange(RINGS + 1), gain)
    response *= 1 - np.exp(-((radius * SLOW_PX) ** 2) / 2)
    spectrum = fft.rfft2(np.pad(filled, spare, "symmetric"))
    result = fft.irfft2(spectrum * response.astype(np.float32), s=shape)
    inner = tuple(slice(SLOW_PX, SLOW_PX + n) for n in filled.shape)
    return np.asarray(result[inner], np.float32)


def _inside_blur(values: Any, weight: Values, sigma: float) -> Any:
    """Return the blurred image as if nothing were outside of it."""
    smooth = ndimage.gaussian_filter(values, sigma, mode="nearest")
    if weight.all():
        return smooth
    norm = ndimage.gaussian_filter(weight, sigma, mode="nearest")
    return smooth / np.maximum(norm, 1e-3)


def _radius(shape: tuple[int, ...]) -> NDArray[np.float64]:
    """Return the spatial frequency of each coefficient, cycles per pixel."""
    rows, columns = fft.fftfreq(shape[0]), fft.rfftfreq(shape[1])
    return np.asarray(np.hypot(rows[:, None], columns[None]))
