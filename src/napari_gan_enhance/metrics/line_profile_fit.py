"""Fit Gaussians on a flat background to part of a profile."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_gan_enhance.metrics.line_profile import SAMPLES_PER_PIXEL
from napari_gan_enhance.metrics.line_profile_peaks import Peak

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

FWHM_PER_SIGMA = 2 * math.sqrt(2 * math.log(2))

FLANK = 2.0
"""Widths beyond the outermost peaks that take part: there the background shows."""

MOST_TOGETHER = 8
"""Peaks in one fit: more take longer than a user waits, and settle nothing."""

MOST_EVALUATIONS = 200


def fit_gaussians(
    distance: Floats, values: Floats, peaks: Sequence[Peak]
) -> list[Peak]:
    """Fit as many Gaussians as there are peaks, and one constant background.

    Parameters
    ----------
    distance, values : ndarray, shape (n,)
        Evenly spaced; NaN values are gaps.
    peaks : sequence of Peak
        Where to begin.

    Returns
    -------
    list of Peak
        In the same order; empty where the fit has no unique solution.

    Notes
    -----
    Standard errors come from the curvature at the solution and the scatter about it.
    Neighboring samples lie closer than pixels and thus share their noise, which is
    allowed for.
    """
    if len(peaks) > MOST_TOGETHER:
        return []
    from scipy.optimize import least_squares

    step = float(distance[1] - distance[0])
    sigmas = [
        max(_start_fwhm(p, distance, peaks), step) / FWHM_PER_SIGMA for p in peaks
    ]
    x, y = _window(distance, values, peaks, max(sigmas) * FWHM_PER_SIGMA)
    count = 3 * len(peaks) + 1
    if len(x) <= count + 1:
        return []
    start = np.array(
        [[p.height, p.position, s] for p, s in zip(peaks, sigmas, strict=True)]
    ).ravel()
    start = np.append(start, peaks[0].baseline)
    solution = least_squares(
        _residual,
        start,
        jac=_jacobian,
        args=(x, y),
        max_nfev=MOST_EVALUATIONS,
        x_scale="jac",
    )
    errors = _standard_errors(solution.jac, solution.fun)
    if not solution.success or errors is None:
        return []
    found = _peaks(solution.x, errors)
    reach = max(sigmas) * FWHM_PER_SIGMA
    return found if _is_near(found, peaks, reach) else []


def _start_fwhm(peak: Peak, distance: Floats, peaks: Sequence[Peak]) -> float:
    """Return a width to begin with, where the curve has none."""
    apart = np.diff([p.position for p in peaks])
    limit = float(apart.min()) if len(apart) else float(np.ptp(distance)) / 4
    return min(peak.fwhm, limit) if math.isfinite(peak.fwhm) else limit


def _window(
    distance: Floats, values: Floats, peaks: Sequence[Peak], fwhm: float
) -> tuple[Floats, Floats]:
    lowest, highest = peaks[0].position, peaks[-1].position
    near = (distance >= lowest - FLANK * fwhm) & (distance <= highest + FLANK * fwhm)
    near &= np.isfinite(values)
    return distance[near], values[near]


def _shapes(parameters: Floats, x: Floats) -> tuple[Floats, Floats, Floats, Floats]:
    height, center, sigma = parameters[:-1].reshape(-1, 3, 1).transpose(1, 0, 2)
    away = (x - center) / sigma
    return height, sigma, away, np.exp(-0.5 * away**2)


def _residual(parameters: Floats, x: Floats, y: Floats) -> Floats:
    height, _, _, shape = _shapes(parameters, x)
    return np.asarray((height * shape).sum(axis=0) + parameters[-1] - y)


def _jacobian(parameters: Floats, x: Floats, y: Floats) -> Floats:
    height, sigma, away, shape = _shapes(parameters, x)
    slope = height * shape * away / sigma
    parts = np.stack([shape, slope, slope * away], axis=1)  # (peaks, 3, n)
    rows = parts.reshape(-1, len(x))
    return np.vstack([rows, np.ones(len(x))]).T


def _standard_errors(jacobian: Any, residual: Floats) -> Floats | None:
    free = len(residual) / SAMPLES_PER_PIXEL - jacobian.shape[1]
    try:
        covariance = np.linalg.inv(jacobian.T @ jacobian)
    except np.linalg.LinAlgError:
        return None
    variance = float(residual @ residual) / SAMPLES_PER_PIXEL / max(free, 1.0)
    errors = np.diag(covariance) * variance * SAMPLES_PER_PIXEL
    return None if (errors < 0).any() else np.sqrt(errors)


def _peaks(parameters: Floats, errors: Floats) -> list[Peak]:
    found = []
    for i in range(0, len(parameters) - 1, 3):
        height, center, sigma = (float(v) for v in parameters[i : i + 3])
        fwhm, error = FWHM_PER_SIGMA * abs(sigma), FWHM_PER_SIGMA * float(errors[i + 2])
        found.append(Peak(center, height, float(parameters[-1]), fwhm, error))
    return found


def _is_near(found: Sequence[Peak], peaks: Sequence[Peak], reach: float) -> bool:
    """Return whether a fit describes the peaks that were asked for, not others."""
    return all(
        new.height > 0 and abs(new.position - old.position) <= reach / 2
        for new, old in zip(found, peaks, strict=True)
    )
