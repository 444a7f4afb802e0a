"""How near a result comes to a reference: MSE, NRMSE, SSIM, PSNR."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from statistics import median
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from napari_gan_enhance.errors import InputError
from napari_gan_enhance.micrograph.intensity import check_finite, fit_intensity_scaling

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

Fit = Literal["affine", "none"]

RANGE_PERCENTILES = (3.0, 99.8)
"""Of the reference; their distance is the data range where none is given (as CARE)."""

SSIM_SIGMA = 1.5
"""Pixels; SSIM_SIDE and this are the window of doi:10.1109/TIP.2003.819861."""

SSIM_SIDE = 11
"""Pixels; a plane smaller than the window has no SSIM."""


@dataclass(frozen=True, slots=True)
class FidelityScores:
    """Scores of one plane against its reference, or their medians over planes.

    Parameters
    ----------
    mse : float, squared intensity units of the reference
    nrmse_euclidean : float
        Root mean square error over the root mean square of the reference.
    nrmse_minmax : float
        Root mean square error over the range of the reference, maximum - minimum.
    ssim : float, -1 to 1
        Gaussian window of 11 px, sigma 1.5, population covariance.
    psnr : float, dB
        Infinite for equal planes.
    """

    mse: float
    nrmse_euclidean: float
    nrmse_minmax: float
    ssim: float
    psnr: float


def evaluate(
    result: NDArray[Any],
    reference: NDArray[Any],
    *,
    data_range: float | None = None,
    fit: Fit = "affine",
) -> FidelityScores:
    """Compare one plane with its reference.

    Parameters
    ----------
    result, reference : ndarray, shape (Y, X), any real dtype
        At least 11 pixels on each side.
    data_range : float, > 0, optional
        Range of intensities for SSIM and PSNR; by default that between the 3rd and the
        99.8th percentile of the reference.
    fit : "affine" or "none"
        Whether to bring the result to the reference's scale first, by the gain and
        offset of least squares: microscopes and networks do not share a scale.

    Returns
    -------
    FidelityScores

    Raises
    ------
    InputError
        If shapes differ or are too small, pixels are NaN or infinite, the reference is
        constant, or the data range is not positive.
    """
    _check_planes(result, reference)
    if data_range is None:
        data_range = reference_range(reference)
    _check_range(data_range)
    from skimage import metrics

    truth = np.asarray(reference, np.float64)
    image = np.asarray(result, np.float64)
    if fit == "affine":
        image = affine_fit(image, truth)
    mse = float(metrics.mean_squared_error(truth, image))
    return FidelityScores(
        mse,
        float(metrics.normalized_root_mse(truth, image, normalization="euclidean")),
        float(metrics.normalized_root_mse(truth, image, normalization="min-max")),
        float(
            metrics.structural_similarity(
                truth,
                image,
                data_range=data_range,
                gaussian_weights=True,
                sigma=SSIM_SIGMA,
                use_sample_covariance=False,
            )
        ),
        float("inf") if mse == 0 else float(10 * np.log10(data_range**2 / mse)),
    )


def affine_fit(
    image: NDArray[np.float64], reference: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return gain * image + offset nearest to the reference in least squares.

    A constant image becomes the mean of the reference.
    """
    centered = image - image.mean()
    variance = (centered**2).mean()
    gain = (centered * reference).mean() / variance if variance else 0.0
    return np.asarray(gain * centered + reference.mean(), np.float64)


def reference_range(reference: Any) -> float:
    """Return the data range that a reference implies, in its own units.

    Parameters
    ----------
    reference : array, any number of axes, read by slices

    Raises
    ------
    InputError
        If the reference is constant, empty, or holds NaN or infinity.
    """
    scaling = fit_intensity_scaling(reference, *RANGE_PERCENTILES)
    return scaling.high - scaling.low


def median_scores(scores: Sequence[FidelityScores]) -> FidelityScores:
    """Return the median of each score over planes."""
    columns = zip(*(asdict(s).values() for s in scores), strict=True)
    return FidelityScores(*(float(median(column)) for column in columns))


def _check_planes(result: NDArray[Any], reference: NDArray[Any]) -> None:
    if result.shape != reference.shape or result.ndim != 2:
        raise InputError(
            f"A result of shape {result.shape} cannot be compared with a reference of "
            f"shape {reference.shape} - both must be planes of the same size - crop or "
            "resample one of them."
        )
    if min(result.shape) < SSIM_SIDE:
        raise InputError(
            f"Planes of {result.shape[0]} x {result.shape[1]} pixels cannot be "
            f"compared - SSIM needs at least {SSIM_SIDE} x {SSIM_SIDE} - choose larger "
            "ones."
        )
    check_finite(result)
    check_finite(reference)
    if reference.min() == reference.max():
        raise InputError(
            f"All pixels of a reference plane have the value {float(reference.min()):g}"
            " - errors are measured relative to its structure - choose another plane "
            "or reference."
        )


def _check_range(data_range: float) -> None:
    if not (np.isfinite(data_range) and data_range > 0):
        raise InputError(
            f"Data range {data_range!r} cannot be used - it must be a positive number "
            "- give the largest minus the smallest possible intensity."
        )
