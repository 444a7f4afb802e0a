"""How noisy the pixels of an image are, found out from the image itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.fft
from scipy.ndimage import gaussian_filter

from napari_gan_enhance.micrograph.intensity import check_finite

if TYPE_CHECKING:
    from numpy.typing import NDArray

BAND = 0.1
"""Smallest share of the frequencies taken for noise: those the optics pass least."""

DARK = 0.005
"""What the optics pass to less than this share is noise, whatever the share: with many
frequencies the filter is narrow in space, and bright pixels keep their noise apart."""

BINS = 24
"""Groups of pixels of similar brightness: points of variance over mean."""

ROUNDS = 6
"""Fits of the line, each weighted by the variances of the one before."""

FAINTEST = 1e-3
"""Smallest gain, as a share of the largest deviation: below, noise is the same
everywhere for all that matters."""


@dataclass(frozen=True, slots=True)
class NoiseModel:
    """Noise of photons, gain and electronics: variance = gain * (value + shift).

    A pixel is gain * n - shift with n a Poisson number, and that is how images are
    split and drawn here. Read noise of s electrons counts as s² photons that are always
    there: shift = gain s² - offset. Noise that is the same everywhere is a small gain
    with a large shift.

    Parameters
    ----------
    gain : float, > 0
        Gray levels for one photoelectron.
    shift : float
        Gray levels.
    """

    gain: float
    shift: float

    def counts(self, image: NDArray[Any]) -> NDArray[np.int64]:
        """Return the Poisson numbers that the pixels stand for, at least 0."""
        numbers = (np.asarray(image, np.float64) + self.shift) / self.gain
        return np.maximum(np.rint(numbers), 0).astype(np.int64)

    def levels(self, counts: NDArray[Any]) -> NDArray[np.float32]:
        """Return the pixels that Poisson numbers, or their means, stand for."""
        return np.asarray(self.gain * counts - self.shift, np.float32)

    def halves(
        self, image: NDArray[Any], rng: np.random.Generator
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return two images of half the photons, on the scale of the whole.

        Binomial thinning: the noise of one half says nothing about that of the other.
        """
        counts = self.counts(image)
        first = rng.binomial(counts, 0.5)
        return self.levels(2 * first), self.levels(2 * (counts - first))

    def exposure(
        self, expected: NDArray[Any], rng: np.random.Generator
    ) -> NDArray[np.float32]:
        """Draw an image with this noise from its expectation."""
        means = np.maximum((expected + self.shift) / self.gain, 0)
        return self.levels(rng.poisson(means))


def estimate_noise(image: NDArray[Any], psf: NDArray[Any]) -> NoiseModel:
    """Estimate gain and shift of an image.

    What the optics do not pass is noise. Filtered to those frequencies, the image is
    pure noise e with E e² = |w|² * v, w the filter and v the variance of each pixel; so
    over the image blurred by |w|² its square is a straight line, whatever the object.

    Parameters
    ----------
    image : ndarray, (Y, X) or (Z, Y, X), any real dtype
    psf : ndarray, as many axes
        Tells which frequencies the optics pass.

    Returns
    -------
    NoiseModel
        Gains of 80 simulated images were right within 10 % for half of them and within
        27 % for nine in ten. Pixels coarser than 1.5 times Nyquist's pass all
        frequencies; there, fine structure counts as noise and the gain is too high.

    Raises
    ------
    InputError
        If pixels are NaN or infinite.

    References
    ----------
    Foi et al. (2008), doi:10.1109/TIP.2008.2001399: the model of variance and mean.
    """
    check_finite(image)
    pixels = np.asarray(image, np.float64)
    passed = np.abs(_transfer(psf, pixels.shape))
    band = passed <= max(float(np.quantile(passed, BAND)), DARK)
    noise = scipy.fft.idctn(scipy.fft.dctn(pixels, norm="ortho") * band, norm="ortho")
    # |w|² by its effect on white noise is nearly local: a narrow blur stands for it.
    near = _smoothed(pixels)
    squared = _smoothed(noise**2) / band.mean()
    means, variances = _binned(near.ravel(), squared.ravel())
    return _fitted(means, variances)


def _fitted(means: NDArray[np.float64], variances: NDArray[np.float64]) -> NoiseModel:
    """Fit variance = slope * mean + intercept, each point by its own accuracy."""
    weight = np.ones_like(means)
    slope = intercept = 0.0
    for _ in range(ROUNDS):
        center = np.average(means, weights=weight)
        level = np.average(variances, weights=weight)
        offsets = means - center
        spread = np.average(offsets**2, weights=weight)
        covariance = np.average(offsets * (variances - level), weights=weight)
        slope = max(covariance / spread if spread > 0 else 0.0, 0.0)
        intercept = level - slope * center
        fitted = slope * means + intercept
        # The deviation of a variance is proportional to it.
        weight = 1 / np.maximum(fitted, 0.05 * level + 1e-12) ** 2
    deviation = float(np.sqrt(max(variances.max(), 1e-12)))
    gain = max(slope, FAINTEST * deviation)
    return NoiseModel(float(gain), float(intercept / gain))


def _binned(
    means: NDArray[np.float64], squared: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return mean and mean square of groups of rising brightness."""
    order = np.argsort(means, kind="stable")
    # Half of the groups hold equally many pixels, the others the bright tail.
    edges = np.unique((len(means) * (1 - np.geomspace(1, 2e-3, BINS))).astype(int))
    groups = np.split(order, edges[1:])
    rows = [(means[g].mean(), squared[g].mean()) for g in groups if len(g)]
    first, second = np.array(rows).T
    return first, second


def _smoothed(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(gaussian_filter(values, 1.5, mode="reflect"), np.float64)


def _transfer(psf: NDArray[Any], shape: tuple[int, ...]) -> NDArray[np.float64]:
    """Transform the PSF, made symmetric, to the frequencies of a cosine transform."""
    transfer = np.asarray(psf, np.float64) / np.sum(psf, dtype=np.float64)
    for axis, (taps, size) in enumerate(zip(psf.shape, shape, strict=True)):
        offsets = np.arange(taps) - taps // 2
        waves = np.cos(np.pi / size * np.outer(np.arange(size), offsets))
        transfer = np.moveaxis(np.tensordot(waves, transfer, (1, axis)), 0, axis)
    return transfer
