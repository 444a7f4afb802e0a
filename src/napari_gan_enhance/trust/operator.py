"""The maps of a plane as a tile operator."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.fft import dctn, idctn
from scipy.ndimage import gaussian_filter

from napari_gan_enhance.metrics.frequencies import squared_frequencies
from napari_gan_enhance.micrograph.intensity import check_finite
from napari_gan_enhance.trust.calibration import expected_error, features
from napari_gan_enhance.trust.plane import DEVIATION, HAZE, PlaneFit

if TYPE_CHECKING:
    from numpy.typing import NDArray

LEAST_HALO = 96
"""Pixels over which the edge of the cut-off is felt."""

NOISE_GRID = 256
"""Frequencies along an axis over which the filter of the scores is averaged."""

LEAST_VARIANCE = 1e-8
"""Of the noise, in squares of the range: rounding, where there is no noise."""


class TrustOperator:
    """Make expected error, evidence and re-blur scores of a window.

    Windows are (2 or 3, Y, X): input, result, and the spread of the passes if they
    were run. Results are (3 or 4, Y, X), the spread last and as it was.

    Parameters
    ----------
    fit : PlaneFit
        Of the whole plane.
    """

    size_multiple = (1, 1)
    upscale = (1, 1)
    bytes_per_pixel = 160.0

    def __init__(self, fit: PlaneFit) -> None:
        self._fit = fit
        reach = max(LEAST_HALO, math.ceil(3 * HAZE * fit.width_px))
        self.halo = (reach, reach)
        # White noise of variance 1 has this variance behind the filter, in every tile.
        square = squared_frequencies((NOISE_GRID, NOISE_GRID))
        self._kept = float((fit.band(square) ** 2).mean())

    def __call__(self, window: NDArray[Any]) -> NDArray[np.float32]:
        """Compute one window."""
        check_finite(window)
        raw, enhanced, *spread = np.asarray(window, np.float64)
        square = squared_frequencies(raw.shape)
        image, result = (dctn(plane, norm="ortho") for plane in (raw, enhanced))
        variance = self._variance(raw)
        z = self._scores(image, result, square, variance)
        evidence = self._evidence(enhanced, result, square, variance)
        deviation = np.sqrt(variance)
        found = features(self._fit, enhanced, deviation, z, *spread)
        maps = [expected_error(self._fit, found), evidence, z, *spread]
        return np.asarray(maps, np.float32)

    def scores(self, raw: NDArray[Any], enhanced: NDArray[Any]) -> NDArray[np.float64]:
        """Return only the re-blur scores of a plane (Y, X)."""
        light, shown = (np.asarray(plane, np.float64) for plane in (raw, enhanced))
        square = squared_frequencies(light.shape)
        image, result = (dctn(plane, norm="ortho") for plane in (light, shown))
        return self._scores(image, result, square, self._variance(light))

    def noise_deviation(self, raw: NDArray[Any]) -> NDArray[np.float64]:
        """Return the standard deviation of the noise of a plane (Y, X), intensity."""
        variance = self._variance(np.asarray(raw, np.float64))
        return np.asarray(np.sqrt(variance), np.float64)

    def _variance(self, raw: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the variance of the noise of each pixel of the input."""
        noise, fit = self._fit.noise, self._fit
        light = gaussian_filter(raw, DEVIATION * fit.width_px, mode="reflect")
        least = LEAST_VARIANCE * (fit.span or 1.0) ** 2
        variance = noise.gain * (light + noise.shift)
        return np.asarray(np.maximum(variance, least), np.float64)

    def _scores(
        self,
        image: NDArray[np.float64],
        result: NDArray[np.float64],
        square: NDArray[np.float64],
        variance: NDArray[np.float64],
    ) -> NDArray[np.float64]:
        seen = self._fit.band(square)
        difference = seen * (image - self._fit.blur(square) * result)
        kept = np.sqrt(self._kept * variance)
        return np.asarray(idctn(difference, norm="ortho") / kept)

    def _evidence(
        self,
        enhanced: NDArray[np.float64],
        result: NDArray[np.float64],
        square: NDArray[np.float64],
        variance: NDArray[np.float64],
    ) -> NDArray[np.float64]:
        """Return the share of the local contrast that lies beyond the cut-off."""
        cutoff, width = self._fit.cutoff, self._fit.width_px
        beyond = idctn(result * (1 - cutoff.supported(square)), norm="ortho")
        contrast = enhanced - gaussian_filter(enhanced, width, mode="reflect")
        first, whole = (
            gaussian_filter(values**2, width / 2, mode="reflect")
            for values in (beyond, contrast)
        )
        # Noise of the input at the frequencies that it supports: contrast below it is
        # none, and its share would be one of rounding errors.
        unseen = variance * min(1.0, math.pi * cutoff.frequency**2)
        return np.asarray(first / (np.maximum(whole, first) + unseen))
