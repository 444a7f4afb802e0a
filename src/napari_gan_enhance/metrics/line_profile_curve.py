"""One curve of a line profile, with what is needed to draw and to write it."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from napari_gan_enhance.metrics.line_profile_peaks import (
    Peak,
    Separation,
    Verdict,
    find_peaks,
    separation,
    with_fitted_widths,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Curve:
    """Intensities of one layer along a line.

    Parameters
    ----------
    name : str
        Of the layer.
    distance : ndarray, shape (n,), float64
        From the start of the line, in `unit`.
    values : ndarray, shape (n,), float64
        On the layer's intensity scale; NaN outside it.
    standard_error : ndarray, shape (n,), float64
        Of the mean over the width; NaN for a single line.
    unit : str
        "µm", or "px" where no unit of length is known.
    color : str
        "#rrggbb", from the layer.
    strands : int, >= 1
        Parallel lines, one pixel apart, that were averaged.
    """

    name: str
    distance: Floats
    values: Floats
    standard_error: Floats
    unit: str = "µm"
    color: str = "#e69f00"
    strands: int = 1

    @property
    def is_somewhere(self) -> bool:
        """Whether any part of the line holds a number."""
        return bool(np.isfinite(self.values).any())

    def band(self) -> tuple[Floats, Floats, Floats] | None:
        """Return distance and both edges of the standard error, None without one.

        Where a part of the line has none, the band narrows to the curve: plots do not
        fill between edges with gaps.
        """
        is_known = np.isfinite(self.standard_error)
        if not is_known.any():
            return None
        there = np.isfinite(self.values)
        half = np.where(is_known, self.standard_error, 0)[there]
        values = self.values[there]
        return self.distance[there], values - half, values + half

    def normalized(self) -> Curve:
        """Return the curve from 0, its lowest value, to 1, its highest."""
        finite = self.values[np.isfinite(self.values)]
        if not len(finite) or finite.min() == finite.max():
            return replace(self, values=np.where(np.isnan(self.values), np.nan, 0.0))
        span = float(np.ptp(finite))
        return replace(
            self,
            values=(self.values - finite.min()) / span,
            standard_error=self.standard_error / span,
        )


@dataclass(frozen=True, slots=True)
class Analysis:
    """The peaks of a curve.

    Parameters
    ----------
    curve : Curve
    peaks : tuple of Peak
        In the order of their positions.
    separation : Separation
        Of the two closest neighbors.
    """

    curve: Curve
    peaks: tuple[Peak, ...]
    separation: Separation


def analyze(curve: Curve, *, fits: bool) -> Analysis:
    """Find and measure the peaks of a curve.

    Parameters
    ----------
    curve : Curve
    fits : bool
        Whether widths are those of fitted Gaussians, not of the curve itself.
    """
    peaks = find_peaks(curve.distance, curve.values)
    apart = separation(curve.distance, curve.values, peaks, curve.standard_error)
    if fits:
        peaks = with_fitted_widths(curve.distance, curve.values, peaks)
    return Analysis(curve, peaks, apart)


def verdict_text(analysis: Analysis, unit: str) -> str:
    """Return the verdict on a curve's closest peaks, as one phrase."""
    apart = analysis.separation
    if apart.verdict in (Verdict.NONE, Verdict.ONE) or math.isnan(apart.dip):
        return apart.verdict.value
    return (
        f"{apart.distance:.3g} {unit} apart, dip {100 * apart.dip:.0f} ± "
        f"{100 * apart.dip_error:.0f} %: {apart.verdict.value}"
    )
