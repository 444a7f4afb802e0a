"""Intensity along a line, and the width of its highest peak."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_gan_enhance.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


def line_profile(
    plane: Any, start: Sequence[float], stop: Sequence[float], width: int = 1
) -> NDArray[np.float64]:
    """Sample a plane along a line, linearly between pixels.

    Samples are at most one pixel apart and include both ends. Across the line the mean
    is taken over `width` parallel lines, one pixel apart and centered on it.

    Parameters
    ----------
    plane : array, shape (Y, X)
        Numpy array, AxesView, dask or zarr; only the line's bounding box is read.
    start, stop : (y, x), pixels
        Ends of the line; pixel centers have whole numbers.
    width : int, >= 1
        Pixels to average over.

    Returns
    -------
    ndarray, shape (samples,), float64
        In the plane's units; NaN where all lines lie outside the image.

    Raises
    ------
    InputError
        If the line has no length or the width is below 1.
    """
    ends = np.array([start, stop], np.float64)
    points = _points(ends, width)  # (2, samples, width)
    size = np.array(plane.shape, np.float64)[:, np.newaxis, np.newaxis]
    # A pixel reaches half a pixel from its center to each side.
    outside = ((points < -0.5) | (points > size - 0.5)).any(axis=0)
    if outside.all():
        return np.full(points.shape[1], np.nan)
    block, origin = _bounding_box(plane, points[:, ~outside])
    from scipy.ndimage import map_coordinates

    local = points - np.array(origin)[:, np.newaxis, np.newaxis]
    values = map_coordinates(block, local, order=1, mode="nearest")
    count = (~outside).sum(axis=1)
    total = np.where(outside, 0, values).sum(axis=1)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def profile_distance(
    start: Sequence[float],
    stop: Sequence[float],
    samples: int,
    pixel_size: Sequence[float] = (1.0, 1.0),
) -> NDArray[np.float64]:
    """Return the distance of each sample from the start of the line.

    Parameters
    ----------
    start, stop : (y, x), pixels
    samples : int
        As many as `line_profile` returned.
    pixel_size : (y, x), µm
        Without it the distance is in pixels.

    Returns
    -------
    ndarray, shape (samples,), float64
    """
    steps = zip(start, stop, pixel_size, strict=True)
    length = math.hypot(*((b - a) * size for a, b, size in steps))
    return np.linspace(0, length, samples)


def peak_fwhm(distance: NDArray[np.float64], values: NDArray[np.float64]) -> float:
    """Return the full width at half maximum of the highest peak of a profile.

    Half maximum lies half way between the profile's lowest value and the peak, and is
    found by linear interpolation between samples.

    Parameters
    ----------
    distance, values : ndarray, shape (samples,)
        As from `profile_distance` and `line_profile`; NaN values are gaps.

    Returns
    -------
    float
        In the unit of `distance`; NaN if the profile is constant, or does not fall to
        half maximum on both sides of the peak.
    """
    if not np.isfinite(values).any():
        return math.nan
    peak = int(np.nanargmax(values))
    level = (values[peak] + np.nanmin(values)) / 2
    right = _crossing(distance[peak:], values[peak:], level)
    left = _crossing(distance[peak::-1], values[peak::-1], level)
    return right - left


def _crossing(
    distance: NDArray[np.float64], values: NDArray[np.float64], level: float
) -> float:
    """Return where values first fall below a level; NaN if they do not."""
    below = np.flatnonzero(values < level)
    if not len(below):
        return math.nan
    i = int(below[0])
    share = (values[i - 1] - level) / (values[i - 1] - values[i])
    return float(distance[i - 1] + share * (distance[i] - distance[i - 1]))


def _points(ends: NDArray[np.float64], width: int) -> NDArray[np.float64]:
    """Return the sample coordinates, shape (2, samples, width)."""
    step = ends[1] - ends[0]
    length = float(np.hypot(*step))
    if not (math.isfinite(length) and length > 0 and width >= 1):
        raise InputError(
            f"A line from {tuple(ends[0])} to {tuple(ends[1])} of width {width} cannot "
            "be sampled - it needs two different ends and a width of at least 1 - draw "
            "a longer line."
        )
    along = np.linspace(ends[0], ends[1], math.ceil(length) + 1, axis=1)
    normal = np.array([step[1], -step[0]]) / length
    across = np.outer(normal, np.arange(width) - (width - 1) / 2)
    return np.asarray(along[:, :, np.newaxis] + across[:, np.newaxis, :], np.float64)


def _bounding_box(
    plane: Any, points: NDArray[np.float64]
) -> tuple[NDArray[np.float64], list[int]]:
    """Read the pixels around some points, and say where they start."""
    lower = [max(0, math.floor(p.min())) for p in points]
    upper = [
        min(int(n), math.floor(p.max()) + 2)
        for p, n in zip(points, plane.shape, strict=True)
    ]
    box = tuple(slice(a, b) for a, b in zip(lower, upper, strict=True))
    return np.asarray(plane[box], np.float64), lower
