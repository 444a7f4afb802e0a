"""Peaks of a profile: where they are, how wide, and whether two are apart."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from enum import Enum
from typing import TYPE_CHECKING

import numpy as np

from napari_gan_enhance.metrics.line_profile import SAMPLES_PER_PIXEL

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

NOISE_STEP = SAMPLES_PER_PIXEL
"""Samples between values whose noise is independent: those of neighboring pixels."""

NOISE_KERNEL = (1.0, -4.0, 6.0, -4.0, 1.0)
"""Fourth difference: it cancels any smooth curve and leaves noise."""

MAD_TO_SIGMA = 1.4826
"""Median absolute deviation to standard deviation, for normal noise."""

NOISE_FACTOR = 8.5
"""A peak stands out by so many times the noise: of 1,000 lines over 100 pixels of pure
noise 10 held such a peak."""

LEAST_PROMINENCE = 0.05
"""And by this share of the curve's range."""

MOST_PEAKS = 24
"""The highest are kept; a table of more is not read."""

LOWEST_SHARE = 0.1
LOWEST_TENTH_SIGMA = 1.75
"""Mean of the lowest tenth of normal noise, in standard deviations below its center."""

RAYLEIGH_DIP = 0.265
"""Two Airy patterns at Rayleigh's distance: 73.5 % of the peaks in the middle (Born and
Wolf, Principles of Optics, 7th ed., 8.6.2)."""

CERTAIN_SIGMAS = 3.0
"""A dip counts where it exceeds its standard error so many times."""


@dataclass(frozen=True, slots=True)
class Peak:
    """One peak of a profile.

    Parameters
    ----------
    position : float
        Distance from the start of the line.
    height : float
        Above `baseline`.
    baseline : float
        Intensity that the peak stands on.
    fwhm : float
        Full width at half maximum, in the unit of the distance; NaN if the curve does
        not fall to half the height on both sides.
    fwhm_error : float
        Its standard error; NaN where the curve itself was measured.
    """

    position: float
    height: float
    baseline: float
    fwhm: float
    fwhm_error: float = math.nan


class Verdict(Enum):
    """What the dip between two peaks says."""

    NONE = "no peak above the noise"
    ONE = "one peak"
    UNCERTAIN = "not resolved (dip within the noise)"
    SPARROW = "separated (Sparrow)"
    RAYLEIGH = "resolved (Rayleigh)"


@dataclass(frozen=True, slots=True)
class Separation:
    """The two closest neighbors among the peaks of a profile, and the dip between them.

    Parameters
    ----------
    verdict : Verdict
    distance : float
        From peak to peak; NaN below two peaks.
    dip : float
        Depth of the valley as a share of the lower peak's height: 0 none, 1 down to
        the baseline.
    dip_error : float
        Standard error of the dip from the noise.
    """

    verdict: Verdict
    distance: float = math.nan
    dip: float = math.nan
    dip_error: float = math.nan


def noise_of(values: Floats) -> float:
    """Return the standard deviation of a curve's noise from sample to sample.

    Parameters
    ----------
    values : ndarray, shape (n,)
        Sampled as `line_profile` does; NaN are gaps.

    Returns
    -------
    float
        0 for less than five pixels.

    Notes
    -----
    The median over the curve: where a few bright peaks have more (photon) noise than
    the background, that is not seen. Averaging over a width measures it.
    """
    reach = NOISE_STEP * (len(NOISE_KERNEL) - 1)
    if len(values) <= reach:
        return 0.0
    parts = [
        weight * values[NOISE_STEP * i : len(values) - reach + NOISE_STEP * i]
        for i, weight in enumerate(NOISE_KERNEL)
    ]
    left = np.abs(np.sum(parts, axis=0))
    left = left[np.isfinite(left)]
    scale = MAD_TO_SIGMA / math.sqrt(sum(w * w for w in NOISE_KERNEL))
    return scale * float(np.median(left)) if len(left) else 0.0


def find_peaks(distance: Floats, values: Floats) -> tuple[Peak, ...]:
    """Find the peaks that stand out from the noise, and their widths on the curve.

    Half maximum lies half way between the baseline of the curve and the peak, and is
    found by linear interpolation between samples.

    Parameters
    ----------
    distance, values : ndarray, shape (n,)
        Evenly spaced, as from `line_profile`; NaN values are gaps.

    Returns
    -------
    tuple of Peak
        In the order of their positions; a peak at an end of the line is none.
    """
    from scipy.signal import find_peaks as local_maxima

    finite = np.isfinite(values)
    if finite.sum() < 3:
        return ()
    floor = float(values[finite].min())
    filled = np.where(finite, values, floor)
    noise = noise_of(values)
    least = max(NOISE_FACTOR * noise, LEAST_PROMINENCE * float(np.ptp(filled)))
    if least <= 0:
        return ()
    found, _ = local_maxima(filled, prominence=least)
    found = np.sort(found[np.argsort(filled[found])][-MOST_PEAKS:])
    baseline = _baseline(values[finite], noise)
    return tuple(_peak(distance, values, int(i), baseline) for i in found)


def separation(
    distance: Floats,
    values: Floats,
    peaks: Sequence[Peak],
    standard_error: Floats | None = None,
) -> Separation:
    """Judge whether the two closest neighbors among the peaks are apart.

    Parameters
    ----------
    distance, values : ndarray, shape (n,)
    peaks : sequence of Peak
        Of this curve, from `find_peaks`.
    standard_error : ndarray, shape (n,), optional
        Of the values, where they are means over a width.

    Returns
    -------
    Separation
        RAYLEIGH for a dip of at least 26.5 %, SPARROW for any that the noise does not
        explain (three standard errors).
    """
    if len(peaks) < 2:
        return Separation(Verdict.ONE if peaks else Verdict.NONE)
    apart = np.diff([peak.position for peak in peaks])
    closest = int(apart.argmin())
    pair, gap = peaks[closest : closest + 2], float(apart[closest])
    first, last = np.searchsorted(distance, [peak.position for peak in pair])
    between = values[first:last]
    if not np.isfinite(between).any():
        return Separation(Verdict.UNCERTAIN, gap)
    valley = int(first) + int(np.nanargmin(between))
    lower = min(pair, key=lambda peak: peak.height)
    top = int(np.argmin(np.abs(distance - lower.position)))
    rest = (float(values[valley]) - lower.baseline) / lower.height
    noise = noise_of(values)
    sigmas = [_noise_at(i, noise, standard_error) for i in (valley, top)]
    error = math.hypot(sigmas[0], rest * sigmas[1]) / lower.height
    # Noise may take the valley below the baseline; no dip is deeper than the peak.
    dip = min(1 - rest, 1.0)
    return Separation(_verdict(dip, error), gap, dip, error)


def with_fitted_widths(
    distance: Floats, values: Floats, peaks: Sequence[Peak]
) -> tuple[Peak, ...]:
    """Measure peaks by fitting Gaussians, neighbors together, on a flat background.

    For noisy curves and for peaks that overlap, whose curve does not fall to half.

    Parameters
    ----------
    distance, values : ndarray, shape (n,)
    peaks : sequence of Peak
        From `find_peaks`.

    Returns
    -------
    tuple of Peak
        With the standard error of the width; NaN as width where no fit was found.
    """
    from napari_gan_enhance.metrics.line_profile_fit import fit_gaussians

    fitted: list[Peak] = []
    for group in _neighbors(peaks):
        left = list(group)
        while left and not (found := fit_gaussians(distance, values, left)):
            # A bump that no Gaussian describes must not cost its neighbors their fit.
            left.remove(min(left, key=lambda peak: peak.height))
        fitted += found if left else []
        fitted += [replace(p, fwhm=math.nan) for p in group if p not in left]
    return tuple(sorted(fitted, key=lambda peak: peak.position))


def _verdict(dip: float, error: float) -> Verdict:
    if dip <= CERTAIN_SIGMAS * error:
        return Verdict.UNCERTAIN
    return Verdict.RAYLEIGH if dip >= RAYLEIGH_DIP else Verdict.SPARROW


def _noise_at(index: int, noise: float, standard_error: Floats | None) -> float:
    local = math.nan if standard_error is None else float(standard_error[index])
    return noise if math.isnan(local) else max(noise, local)


def _baseline(values: Floats, noise: float) -> float:
    """Return the level of the background.

    Without noise the mean of the lowest tenth, which also serves a line that hardly
    leaves its peak. Noise draws that down; then the lowest quarter's median is better.
    """
    ordered = np.sort(values)
    tenth = ordered[: max(1, round(LOWEST_SHARE * len(ordered)))].mean()
    quarter = np.median(ordered[: max(1, len(ordered) // 4)])
    return float(min(quarter, tenth + LOWEST_TENTH_SIGMA * noise))


def _peak(distance: Floats, values: Floats, index: int, baseline: float) -> Peak:
    position, top = _summit(distance, values, index)
    level = (baseline + top) / 2
    right = _crossing(distance[index:], values[index:], level)
    left = _crossing(distance[index::-1], values[index::-1], level)
    return Peak(position, top - baseline, baseline, right - left)


def _summit(distance: Floats, values: Floats, index: int) -> tuple[float, float]:
    """Return position and value of a parabola through three samples."""
    before, top, after = (float(v) for v in values[index - 1 : index + 2])
    bend = before - 2 * top + after
    if not bend < 0:  # a flat top, or a gap beside it
        return float(distance[index]), top
    shift = (before - after) / (2 * bend)
    step = float(distance[1] - distance[0])
    return float(distance[index]) + shift * step, top - (before - after) * shift / 4


def _crossing(distance: Floats, values: Floats, level: float) -> float:
    """Return where values first fall below a level; NaN if they end or break before."""
    stops = np.flatnonzero(~(values >= level))
    if not len(stops) or np.isnan(values[stops[0]]) or stops[0] == 0:
        return math.nan
    i = int(stops[0])
    share = (values[i - 1] - level) / (values[i - 1] - values[i])
    return float(distance[i - 1] + share * (distance[i] - distance[i - 1]))


def _neighbors(peaks: Sequence[Peak]) -> list[list[Peak]]:
    """Group peaks whose flanks reach each other."""
    groups: list[list[Peak]] = []
    for peak in peaks:
        last = groups[-1][-1] if groups else None
        if last is None or peak.position - last.position > _reach(last) + _reach(peak):
            groups.append([peak])
        else:
            groups[-1].append(peak)
    return groups


def _reach(peak: Peak) -> float:
    """Return how far a peak's flank goes, roughly; without a width it is no limit."""
    return 1.5 * peak.fwhm if math.isfinite(peak.fwhm) else math.inf
