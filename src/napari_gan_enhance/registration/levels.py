"""The intensities of a whole image, so that parts of it can be scaled as the whole.

A generator is given images whose percentiles were brought to 0 and 1. A rectangle cut
from an image has percentiles of its own: scaled by those, bright parts would be learned
as darker than they are when the whole image is enhanced.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

LOW = (0.0, 0.1, 0.2, 0.5, 1.0, 2.0, 3.0, 5.0, 10.0, 25.0)
PERCENTS = (*LOW, 50.0, *(100 - low for low in reversed(LOW)))
"""Which percentiles are kept: those that recipes scale by are among them."""

MOST_SAMPLES = 2**22
"""Pixels that percentiles are taken of; more would not change them."""


def levels_of(pixels: NDArray[Any]) -> tuple[float, ...]:
    """Return the intensity at each of `PERCENTS`.

    Parameters
    ----------
    pixels : ndarray, any shape
        Those that are NaN or infinite do not count; some must be finite.
    """
    flat, width = pixels.reshape(-1), pixels.shape[-1]
    step = max(1, flat.size // MOST_SAMPLES)
    while math.gcd(step, width) > 1:  # else only some columns would be seen
        step += 1
    sample = flat[::step]
    if sample.dtype == bool:
        sample = sample.astype(np.uint8)  # numpy interpolates between no booleans
    finite = sample[np.isfinite(sample)]
    return tuple(map(float, np.percentile(finite, PERCENTS)))


def level_at(
    percent: float, percents: Sequence[float], levels: Sequence[float]
) -> float:
    """Return the intensity at a percentile, straight lines between those kept.

    Parameters
    ----------
    percent : float, 0 to 100
    percents, levels : sequence of float
        Rising; as many.
    """
    return float(np.interp(percent, percents, levels))
