"""What one plane tells before its maps are made: noise, cut-off, blur."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.fft import dctn
from scipy.optimize import nnls

from napari_gan_enhance.metrics.frequencies import (
    gaussian_transfer,
    squared_frequencies,
)
from napari_gan_enhance.metrics.squirrel import SquirrelFit, fit_squirrel
from napari_gan_enhance.optics.noise import NoiseModel, estimate_noise
from napari_gan_enhance.optics.psf import point_spread_function
from napari_gan_enhance.trust.cutoff import Cutoff, measure_cutoff

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_gan_enhance.trust.settings import TrustSettings

BLURS = (0.0, 0.5, 1.0, 2.0, 4.0, 8.0)
"""Gaussians that make up what stands between result and input, in deviations of the
point spread function: from none, as for a denoiser, to the haze of a thick sample."""

HAZE = 3.0
"""Light that varies more slowly than so many widths of the point spread function comes
from other planes; a confocal result need not explain it."""

FWHM = 0.514
"""Width of the point spread function in wavelength / NA (Born and Wolf, 8.5)."""

DEVIATION = 1 / 2.3548
"""Standard deviation of a Gaussian in its full widths at half maximum."""

WIDTHS = (1.0, 20.0)
"""Pixels; limits of the width of the PSF, so that maps stay local."""

PSF_SIDE = 31
"""Pixels: the noise is looked for where such a PSF is blind."""

LOW, HIGH = 3.0, 99.8
"""Percentiles of the input between which its intensities are counted as its range."""


@dataclass(frozen=True, slots=True)
class PlaneOptics:
    """The microscope in one color.

    Parameters
    ----------
    numerical_aperture, immersion_index : float
    emission_nm : float, nanometres
    pixel_um : float, µm
    """

    numerical_aperture: float
    immersion_index: float
    emission_nm: float
    pixel_um: float

    @property
    def limit(self) -> float:
        """Highest frequency that passes, 2 NA / wavelength, in cycles per pixel."""
        return 2e3 * self.numerical_aperture / self.emission_nm * self.pixel_um

    @property
    def width_px(self) -> float:
        """Full width at half maximum of the PSF in pixels."""
        return 2 * FWHM / self.limit

    def psf(self) -> NDArray[np.float32]:
        """Return the PSF in focus."""
        return point_spread_function(
            (PSF_SIDE, PSF_SIDE),
            (self.pixel_um, self.pixel_um),
            numerical_aperture=self.numerical_aperture,
            immersion_index=self.immersion_index,
            emission_nm=self.emission_nm,
        )


@dataclass(frozen=True, slots=True)
class PlaneFit:
    """Everything that the maps of a plane need to know of the whole plane.

    Parameters
    ----------
    low, high : float, intensity
        Between which the input's intensities lie.
    noise : NoiseModel
    cutoff : Cutoff
    width_px : float, pixels
        Full width at half maximum of the PSF.
    blurs : tuple of (deviation in pixels, weight >= 0)
        Gaussians whose sum makes the input out of the result.
    rsp, rse, sigma_px
        As for `SquirrelFit`.
    """

    low: float
    high: float
    noise: NoiseModel
    cutoff: Cutoff
    width_px: float
    blurs: tuple[tuple[float, float], ...]
    rsp: float
    rse: float
    sigma_px: float

    @property
    def span(self) -> float:
        """Range of the input's intensities."""
        return self.high - self.low

    def band(self, square: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the filter to what is as wide as the PSF, and not as wide as haze."""
        return band(square, self.width_px)

    def blur(self, square: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the transfer from result to input."""
        total = np.zeros_like(square)
        for sigma, weight in self.blurs:
            total += weight * gaussian_transfer(square, sigma)
        return total


def fit_plane(
    raw: NDArray[Any],
    enhanced: NDArray[Any],
    optics: PlaneOptics | None,
    settings: TrustSettings,
) -> PlaneFit:
    """Measure a plane, or a part of it that stands for it.

    Parameters
    ----------
    raw, enhanced : ndarray, shape (Y, X)
    optics : PlaneOptics or None
        None where not known; a Gaussian that is fitted stands for the PSF.
    settings : TrustSettings

    Raises
    ------
    InputError
        If one of the two has no contrast, or they do not fit each other.
    """
    squirrel = fit_squirrel(enhanced, raw)
    width = optics.width_px if optics else squirrel.sigma_px / DEVIATION
    width = float(np.clip(width, *WIDTHS))
    noise = _noise(raw, optics.psf() if optics else _gaussian(width), settings)
    # Percentiles are not defined between False and True.
    low, high = np.percentile(np.asarray(raw, np.float64), (LOW, HIGH))
    if not low < high:
        low, high = raw.min(), raw.max()
    return PlaneFit(
        float(low),
        float(high),
        noise,
        measure_cutoff(raw, noise, optics.limit if optics else None),
        width,
        _blurs(raw, enhanced, width, squirrel),
        squirrel.rsp,
        squirrel.rse,
        squirrel.sigma_px,
    )


def band(square: NDArray[np.float64], width_px: float) -> NDArray[np.float64]:
    """Return the filter to what is as wide as the PSF, and not as wide as haze."""
    fine = gaussian_transfer(square, DEVIATION * width_px)
    return fine - gaussian_transfer(square, HAZE * width_px)


def _noise(raw: NDArray[Any], psf: NDArray[Any], settings: TrustSettings) -> NoiseModel:
    if settings.gain is None:
        return estimate_noise(raw, psf)
    offset = float(raw.min()) if settings.offset is None else settings.offset
    electrons = settings.read_noise or 0.0
    return NoiseModel(settings.gain, settings.gain * electrons**2 - offset)


def _gaussian(width_px: float) -> NDArray[np.float64]:
    offsets = np.arange(PSF_SIDE) - PSF_SIDE // 2
    line = np.exp(-0.5 * (offsets / (DEVIATION * width_px)) ** 2)
    return np.asarray(np.outer(line, line) / line.sum() ** 2, np.float64)


def _blurs(
    raw: NDArray[Any], enhanced: NDArray[Any], width_px: float, squirrel: SquirrelFit
) -> tuple[tuple[float, float], ...]:
    """Fit the sum of Gaussians, by what the maps look at: not by haze, nor by noise."""
    square = squared_frequencies(raw.shape)
    seen = band(square, width_px)
    image, result = (
        seen * dctn(np.asarray(plane, np.float64), norm="ortho")
        for plane in (raw, enhanced)
    )
    sigmas = (*(b * DEVIATION * width_px for b in BLURS), squirrel.sigma_px)
    shown = [gaussian_transfer(square, sigma) * result for sigma in sigmas]
    gram = np.array([[float((a * b).sum()) for b in shown] for a in shown])
    common = np.array([float((a * image).sum()) for a in shown])
    # |A w - y|² has the normal equations of |L' w - c|² with L L' = A'A, L c = A'y.
    gram += 1e-9 * np.trace(gram) * np.eye(len(gram))
    lower = np.linalg.cholesky(gram)
    weights, _ = nnls(lower.T, np.linalg.solve(lower, common))
    pairs = zip(sigmas, weights, strict=True)
    return tuple((float(s), float(w)) for s, w in pairs if w > 0)
