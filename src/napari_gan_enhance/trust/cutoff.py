"""The finest detail that an image supports: by its optics, its noise, its pixels."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.fft import dctn
from scipy.special import erfc

from napari_gan_enhance.metrics.frequencies import squared_frequencies

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_gan_enhance.optics.noise import NoiseModel
    from napari_gan_enhance.trust.maps import Limit

THRESHOLD = 1 / 7
"""Correlation of two recordings below which rings count as noise (Rosenthal and
Henderson 2003, doi:10.1016/j.jmb.2003.07.013), as for Fourier ring correlation."""

NYQUIST = 0.5
"""Highest frequency along a row of pixels, cycles per pixel."""

RING = 1 / 64
"""Width of a ring, cycles per pixel."""

LEAST_DARK = 0.05
"""Share of the frequencies beyond the optics that is enough to read the noise there."""

EDGE = 0.005
"""Standard deviation of the edge of the filter, cycles per pixel: it ends within a
hundredth of the frequencies of the pixels and reaches over 96 of them."""


@dataclass(frozen=True, slots=True)
class Cutoff:
    """The highest frequency that an image supports.

    Parameters
    ----------
    frequency : float, cycles per pixel
    limit : "optics", "noise" or "pixels"
        What sets it.
    """

    frequency: float
    limit: Limit

    def supported(self, square: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the filter to what the image supports; squared frequencies in."""
        beyond = (np.sqrt(square) - self.frequency) / (math.sqrt(2) * EDGE)
        return np.asarray(0.5 * erfc(beyond), np.float64)

    def share_beyond(self, plane: NDArray[Any]) -> float:
        """Return the share of a plane's variance that lies beyond the cut-off.

        Parameters
        ----------
        plane : ndarray, shape (Y, X), any real dtype
        """
        image = np.asarray(plane, np.float64)
        power = dctn(image - image.mean(), norm="ortho") ** 2
        kept = self.supported(squared_frequencies(image.shape))
        total = float(power.sum())
        return float(((1 - kept) ** 2 * power).sum()) / total if total > 0 else 0.0


def measure_cutoff(
    raw: NDArray[Any], noise: NoiseModel, optical: float | None
) -> Cutoff:
    """Return the least of the limits of optics, noise and pixels.

    Two recordings of a field correlate in a ring of frequencies by S / (S + N), S and N
    the powers of image and noise. N is white and known, from beyond the reach of the
    optics or from the camera, so that one recording tells what two would show.

    Parameters
    ----------
    raw : ndarray, shape (Y, X), any real dtype
    noise : NoiseModel
    optical : float or None, cycles per pixel
        2 NA / wavelength, where known.
    """
    image = np.asarray(raw, np.float64)
    power = dctn(image - image.mean(), norm="ortho") ** 2
    radius = np.sqrt(squared_frequencies(image.shape))
    level = _noise_power(image, power, radius, noise, optical)
    limits: list[tuple[float, Limit]] = [(NYQUIST, "pixels")]
    limits.append((_crossing(power, radius, level), "noise"))
    if optical is not None:
        limits.append((optical, "optics"))
    return Cutoff(*min(limits, key=lambda pair: pair[0]))


def _noise_power(
    image: NDArray[np.float64],
    power: NDArray[np.float64],
    radius: NDArray[np.float64],
    noise: NoiseModel,
    optical: float | None,
) -> float:
    """Return the power of noise in each coefficient: the mean variance of a pixel."""
    dark = radius > (math.inf if optical is None else optical)
    if dark.mean() >= LEAST_DARK:
        return float(power[dark].mean())
    return max(noise.gain * (float(image.mean()) + noise.shift), 0.0)


def _crossing(
    power: NDArray[np.float64], radius: NDArray[np.float64], level: float
) -> float:
    """Return where the correlation falls below the threshold and stays there twice."""
    rings = (radius / RING).astype(int).ravel()
    count = np.bincount(rings)
    total = np.bincount(rings, power.ravel()) / np.maximum(count, 1)
    correlation = 1 - level / np.maximum(total, 1e-300)
    below = correlation < THRESHOLD
    for ring in range(1, int(NYQUIST / RING)):
        if below[ring] and below[ring + 1]:
            return ring * RING
    return math.inf
