"""The error to expect of a pixel, from what can be seen without the truth.

log(error / range) is a sum of a few features, each times a coefficient: few enough to
hold on microscopes that they were not fitted to.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.ndimage import gaussian_filter

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_gan_enhance.trust.plane import PlaneFit

FLOOR = 1e-3
"""Share of the range below which a difference counts for nothing: a gray level of 10
bits."""

DARK = 1e-2
"""The same for brightness, which is never known better than the noise of the input."""

SMOOTHING = 1.0
"""Deviation in pixels over which disagreement is averaged: eight passes tell the spread
of a pixel to a quarter only."""

FAST = {
    "constant": -1.655,
    "brightness": 0.223,
    "brightness squared": 0.047,
    "contrast": 0.099,
    "noise": 0.415,
    "re-blur": 0.060,
}
FULL = {
    "constant": -0.106,
    "brightness": 0.360,
    "brightness squared": 0.091,
    "contrast": 0.030,
    "noise": 0.389,
    "re-blur": 0.044,
    "disagreement": 0.393,
}
"""Without passes and with them, by `tests/benchmarks/trust.py fit` on 20 simulated
images of seed 501 and a generator that was trained on others like them."""


def features(
    fit: PlaneFit,
    enhanced: NDArray[np.float64],
    noise: NDArray[np.float64],
    z: NDArray[np.float64],
    spread: NDArray[np.float64] | None = None,
) -> dict[str, NDArray[np.float64]]:
    """Return what the error is foretold from.

    Parameters
    ----------
    fit : PlaneFit
    enhanced : ndarray, shape (Y, X), intensity
    noise : ndarray, shape (Y, X), intensity
        Standard deviation of the input.
    z : ndarray, shape (Y, X)
        Re-blur scores.
    spread : ndarray, shape (Y, X), intensity, or None
        Disagreement.

    Returns
    -------
    dict of ndarray, shape (Y, X), float64
        By the names of the coefficients; "disagreement" only where there is a spread.
    """
    span = fit.span or 1.0
    brightness = _log((enhanced - fit.low) / span, DARK)
    fine = enhanced - gaussian_filter(enhanced, fit.width_px / 2, mode="reflect")
    contrast = np.sqrt(gaussian_filter(fine**2, fit.width_px / 2, mode="reflect"))
    found = {
        "constant": np.ones_like(enhanced),
        "brightness": brightness,
        "brightness squared": brightness**2,
        "contrast": _log(contrast / span, FLOOR),
        "noise": _log(noise / span, FLOOR),
        "re-blur": np.log1p(np.abs(z)),
    }
    if spread is not None:
        smooth = gaussian_filter(spread, SMOOTHING, mode="reflect")
        found["disagreement"] = _log(smooth / span, FLOOR)
    return found


def expected_error(
    fit: PlaneFit, found: dict[str, NDArray[np.float64]]
) -> NDArray[np.float64]:
    """Return the absolute error to expect, in intensity of the result.

    Parameters
    ----------
    fit : PlaneFit
    found : dict of ndarray
        As from `features`; with "disagreement" the full formula is used.
    """
    coefficients = FULL if "disagreement" in found else FAST
    total = sum(coefficients[name] * found[name] for name in coefficients)
    return np.asarray(fit.span * np.exp(np.minimum(total, 0.0)), np.float64)


def _log(share: NDArray[np.float64], floor: float) -> NDArray[np.float64]:
    return np.asarray(np.log(np.maximum(share, 0) + floor), np.float64)
