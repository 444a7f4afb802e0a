"""How near a result comes to a reference: MSE, NRMSE, SSIM, PSNR."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from statistics import median
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from napari_gan_enhance.errors import InputError
from napari_gan_enhance.metrics.similarity import SsimWindow, similarity_map
from napari_gan_enhance.micrograph.intensity import check_finite, fit_intensity_scaling
from napari_gan_enhance.progress import Job, drain

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

Fit = Literal["affine", "none"]

RANGE_PERCENTILES = (3.0, 99.8)
"""Of the reference; their distance is the data range where none is given (as CARE)."""


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
        By default with the Gaussian window of `SsimWindow`.
    psnr : float, dB
        Infinite for equal planes.
    """

    mse: float
    nrmse_euclidean: float
    nrmse_minmax: float
    ssim: float
    psnr: float


@dataclass(frozen=True, slots=True, eq=False)
class Comparison:
    """Scores of one plane, and where they come from.

    Parameters
    ----------
    scores : FidelityScores
    ssim_map : ndarray, shape of the plane, float64, -1 to 1
        See `similarity_map`.
    error_map : ndarray, shape of the plane, float64
        Result minus reference, in intensity units of the reference.
    """

    scores: FidelityScores
    ssim_map: NDArray[np.float64]
    error_map: NDArray[np.float64]


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
    _check_shapes(result, reference)
    check_planes(result, reference)
    if data_range is None:
        data_range = reference_range(reference)
    check_range(data_range)
    truth = np.asarray(reference, np.float64)
    image = np.asarray(result, np.float64)
    if fit == "affine":
        image = affine_fit(image, truth)
    return drain(compare(image, truth, data_range=data_range)).scores


def compare(
    image: NDArray[np.float64],
    truth: NDArray[np.float64],
    *,
    data_range: float,
    ssim_range: float | None = None,
    window: SsimWindow = SsimWindow.GAUSSIAN,
) -> Job[Comparison]:
    """Score planes that are on one scale already.

    Parameters
    ----------
    image, truth : ndarray, shape (Y, X) or (N, Y, X), float64
        What `check_planes` lets pass. Of several planes there is one error for all,
        and the mean of their SSIM.
    data_range : float, > 0
        For PSNR.
    ssim_range : float, > 0, optional
        By default the same.
    window : SsimWindow

    Yields
    ------
    Progress
        As `similarity_map` does.

    Returns
    -------
    Comparison
    """
    error = image - truth
    mse = float((error**2).mean())
    root = mse**0.5
    planes = []
    for a, b in zip(_stacked(image), _stacked(truth), strict=True):
        span = ssim_range or data_range
        one = yield from similarity_map(a, b, data_range=span, window=window)
        planes.append(one)
    scores = FidelityScores(
        mse,
        root / float((truth**2).mean()) ** 0.5,
        root / float(truth.max() - truth.min()),
        float(np.mean([mean for mean, _ in planes])),
        float("inf") if mse == 0 else float(10 * np.log10(data_range**2 / mse)),
    )
    maps = np.stack([full for _, full in planes]).reshape(truth.shape)
    return Comparison(scores, maps, error)


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
    scaling = fit_intensity_scaling(reference, *RANGE_PERCENTILES, name="The reference")
    return scaling.high - scaling.low


def median_scores(scores: Sequence[FidelityScores]) -> FidelityScores:
    """Return the median of each score over planes."""
    columns = zip(*(asdict(s).values() for s in scores), strict=True)
    return FidelityScores(*(float(median(column)) for column in columns))


def check_planes(
    result: NDArray[Any],
    reference: NDArray[Any],
    window: SsimWindow = SsimWindow.GAUSSIAN,
) -> None:
    """Refuse planes (..., Y, X) of one shape that have no scores.

    Raises
    ------
    InputError
        If they are smaller than the window, hold NaN or infinity, or the reference is
        constant.
    """
    if min(result.shape[-2:]) < window.side:
        raise InputError(
            f"Planes of {result.shape[-2]} x {result.shape[-1]} pixels cannot be "
            f"compared - SSIM needs at least {window.side} x {window.side} - choose "
            "larger ones."
        )
    check_finite(result, "The result")
    check_finite(reference, "The reference")
    if reference.min() == reference.max():
        raise InputError(
            f"All pixels of a reference plane have the value {float(reference.min()):g}"
            " - errors are measured relative to its structure - choose another plane "
            "or reference."
        )


def check_range(data_range: float) -> None:
    """Refuse a data range that is not a positive number.

    Raises
    ------
    InputError
    """
    if not (np.isfinite(data_range) and data_range > 0):
        raise InputError(
            f"Data range {data_range!r} cannot be used - it must be a positive number "
            "- give the largest minus the smallest possible intensity."
        )


def _check_shapes(result: NDArray[Any], reference: NDArray[Any]) -> None:
    if result.shape != reference.shape or result.ndim != 2:
        raise InputError(
            f"A result of shape {result.shape} cannot be compared with a reference of "
            f"shape {reference.shape} - both must be planes of the same size - crop or "
            "resample one of them."
        )


def _stacked(planes: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return (Y, X) or (N, Y, X) as (N, Y, X)."""
    return planes.reshape(-1, *planes.shape[-2:])
