"""Scores that no gain and no offset of the result can change."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_gan_enhance.metrics.similarity import (
    UNIFORM_SIDE,
    bands,
    similarity_map,
)
from napari_gan_enhance.progress import Job, Progress

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    Pair = tuple[NDArray[Any], NDArray[Any]]

BACKGROUND_PERCENTILE = 3.0
"""Of an image; what is taken for its offset (juglab/MicroSSIM)."""

MOST_SAMPLES = 2**18
"""Pixels of a data set that the scale is fitted on: all of a field of 512 px, and of a
larger one enough: the score of a field of 2048 px moved by 2e-4."""

FITTING = "fitting the scale"

LARGEST_LOG_SCALE = np.log(1e6)


@dataclass(frozen=True, slots=True)
class ScaleFreeScores:
    """Scores of one plane, or their medians over planes.

    Parameters
    ----------
    si_psnr : float, dB
        See `scale_invariant_psnr`.
    micro_ssim : float, -1 to 1
        See `MicroSsim`.
    """

    si_psnr: float
    micro_ssim: float


def scale_invariant_psnr(result: NDArray[Any], reference: NDArray[Any]) -> float:
    """Return the PSNR after the gain and offset that suit the result best.

    Parameters
    ----------
    result, reference : ndarray, one shape, any real dtype
        The reference is not constant.

    Returns
    -------
    float, dB
        With the range of the reference, maximum - minimum; infinite where the result
        is a gain (also a negative one) and an offset away from the reference.

    References
    ----------
    Weigert et al. (2018), doi:10.1038/s41592-018-0216-7, as computed by CAREamics
    """
    truth = np.asarray(reference, np.float64)
    image = np.asarray(result, np.float64)
    truth = (truth - truth.mean()) / truth.std()
    image = image - image.mean()
    power = (image * image).mean()
    image = image * ((image * truth).mean() / power) if power else image
    mse = ((truth - image) ** 2).mean()
    if mse < np.finfo(np.float64).eps:  # the rest of a perfect fit is rounding
        return float("inf")
    return float(10 * np.log10((truth.max() - truth.min()) ** 2 / mse))


@dataclass(frozen=True, slots=True)
class MicroSsim:
    """SSIM on the intensities of microscopy: background off, one scale for a data set.

    Microscopes add an offset, which makes all images look alike to SSIM, and results
    have a scale of their own. The 3rd percentile of each side is subtracted, both are
    divided by the brightest pixel of the references, and the results are multiplied by
    the one factor at which the mean SSIM of the whole data set is largest.

    Parameters
    ----------
    result_offset, reference_offset : float, intensities
    maximum : float, > 0
        Of the references, above their offset.
    scale : float, > 0
        Factor of the results; fitted with a uniform window, used with a Gaussian one.

    References
    ----------
    Ashesh et al. (2024), arXiv 2408.08747
    """

    result_offset: float
    reference_offset: float
    maximum: float
    scale: float

    def score(self, result: NDArray[Any], reference: NDArray[Any]) -> Job[float]:
        """Compute the score of a plane (Y, X) of the data set; -1 to 1."""
        image, truth = self.normalized(result, reference)
        span = float(truth.max() - truth.min())
        mean, _ = yield from similarity_map(self.scale * image, truth, data_range=span)
        return mean

    def normalized(self, result: NDArray[Any], reference: NDArray[Any]) -> Pair:
        """Return both without offset, the brightest pixel of all references at 1."""
        image = np.asarray(result, np.float64) - self.result_offset
        truth = np.asarray(reference, np.float64) - self.reference_offset
        return image / self.maximum, truth / self.maximum


def fit_micro_ssim(pairs: Sequence[Pair]) -> Job[MicroSsim]:
    """Fit offsets and scale to a data set.

    Parameters
    ----------
    pairs : sequence of (result, reference), each (Y, X)
        Read twice, one pair at a time. Of large sets every n-th pixel is used.

    Yields
    ------
    Progress

    Returns
    -------
    MicroSsim
    """
    share = max(1, len(pairs) * pairs[0][0].size // MOST_SAMPLES)
    results, references = [], []
    for done, (result, reference) in enumerate(pairs):
        results.append(result.ravel()[::share])
        references.append(reference.ravel()[::share])
        yield Progress(done, 2 * len(pairs), FITTING)
    low = float(np.percentile(np.concatenate(results), BACKGROUND_PERCENTILE))
    truths = np.concatenate(references)
    base = float(np.percentile(truths, BACKGROUND_PERCENTILE))
    if not truths.max() > base:  # nearly empty: a few dark pixels on one value
        base = float(truths.min())
    plain = MicroSsim(low, base, float(truths.max()) - base, 1.0)
    moments: list[tuple[NDArray[np.float64], ...]] = []
    for done, pair in enumerate(pairs, start=len(pairs)):
        yield Progress(done, 2 * len(pairs), FITTING)
        for band in _moments(*plain.normalized(*pair), share):
            moments.append(band)
            yield Progress(done, 2 * len(pairs), FITTING)
    scale = yield from _best_scale(moments)
    return MicroSsim(low, base, plain.maximum, scale)


def _best_scale(moments: list[tuple[NDArray[np.float64], ...]]) -> Job[float]:
    """Return the factor of the images at which their mean SSIM is largest."""
    from scipy.optimize import minimize_scalar

    ma, mb, va, vb, cov, c1, c2 = (
        np.concatenate(c) for c in zip(*moments, strict=True)
    )

    def loss(log_scale: float) -> float:
        s = np.exp(log_scale)
        index = (2 * s * ma * mb + c1) * (2 * s * cov + c2)
        index /= (s * s * ma**2 + mb**2 + c1) * (s * s * va + vb + c2)
        return -float(index.mean())

    # On a grid first: far from the best scale the loss is flat.
    grid = np.linspace(-LARGEST_LOG_SCALE, LARGEST_LOG_SCALE, 57)
    losses = []
    for x in grid:
        losses.append(loss(x))
        yield Progress(1, 1, FITTING)
    start = int(np.argmin(losses))
    bounds = grid[max(0, start - 1)], grid[min(len(grid) - 1, start + 1)]
    best = minimize_scalar(
        loss, bounds=bounds, method="bounded", options={"xatol": 1e-6}
    )
    return float(np.exp(best.x))


def _moments(
    image: NDArray[np.float64], truth: NDArray[np.float64], share: int
) -> Iterator[tuple[NDArray[np.float64], ...]]:
    """Yield the moments that SSIM is made of, one band of rows after the other."""
    edge = UNIFORM_SIDE // 2
    span = float(truth.max() - truth.min())
    for top, bottom in bands(len(image) - 2 * edge):
        rows = slice(top, bottom + 2 * edge)
        found = _band_moments(image[rows], truth[rows], share)
        constants = (np.full(found[0].shape, (k * span) ** 2) for k in (0.01, 0.03))
        yield (*found, *constants)


def _band_moments(
    image: NDArray[np.float64], truth: NDArray[np.float64], share: int
) -> tuple[NDArray[np.float64], ...]:
    """Return means, variances and covariance at every n-th pixel."""
    from scipy.ndimage import uniform_filter

    def mean(a: NDArray[np.float64]) -> NDArray[np.float64]:
        edge = UNIFORM_SIDE // 2
        inside = uniform_filter(a, UNIFORM_SIDE)[edge:-edge, edge:-edge]
        return np.asarray(inside.ravel()[::share], np.float64)

    count = UNIFORM_SIDE**2
    sample = count / (count - 1)  # sample covariance, as the uniform window has it
    ma, mb = mean(image), mean(truth)
    va = sample * (mean(image * image) - ma * ma)
    vb = sample * (mean(truth * truth) - mb * mb)
    cov = sample * (mean(image * truth) - ma * mb)
    return ma, mb, va, vb, cov


def score_scale_free(
    result: NDArray[Any], reference: NDArray[Any], micro: MicroSsim
) -> Job[ScaleFreeScores]:
    """Score a plane (Y, X) of the data set that `micro` was fitted to."""
    psnr = scale_invariant_psnr(result, reference)
    yield Progress(0, 1, "comparing")
    similarity = yield from micro.score(result, reference)
    return ScaleFreeScores(psnr, similarity)
