"""Empty borders: what an earlier registration, stitching or field stop left around.

+--------------+    One value fills them, from the edge of the image on and over some
|  +--------+  |    rows or columns; behind them begins an image whose pixels differ
|  | image  |  |    from it. Dark background is none: where it is noisy, no band of it
+--+--------+--+    is constant; where it is cut to zero, structure begins softly.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import ndimage

if TYPE_CHECKING:
    from numpy.typing import NDArray

LEAST_ALONG = 17
"""Rows or columns that must be constant side by side: with a photon in every tenth
pixel, so many are empty together for one or two pixels only."""

LEAST_HELD = 0.5
"""Share of the plane that an image with a border fills. What fills less is an object on
empty ground, of a simulation or a mask, and its outline is what can be aligned."""

LEAST_STEP = 0.01
"""Of the brightest pixels: by how much those just inside a border differ from it. Less
is how structure ends in a background of zero, and makes no edge to be aligned by."""

LEAST_DIFFERENT = 0.8
"""Share of the pixels just inside a border that must differ so much. Around noisy cells
and single photons on zero it was 0.71 at most, behind frames of a camera mostly 1."""


def within_border(plane: NDArray[Any]) -> NDArray[np.bool_]:
    """Return where a plane holds an image, not an empty border.

    Parameters
    ----------
    plane : ndarray, shape (Y, X)

    Returns
    -------
    ndarray, shape (Y, X), bool
        All True if there is no border, or nothing else.
    """
    inside = np.ones(plane.shape, bool)
    for value in _corner_values(plane):
        image = plane != value
        held = _spans(image) & _spans(image.T).T
        if held.all() or held.mean() < LEAST_HELD:
            continue
        rim = held & ~ndimage.binary_erosion(held, border_value=1)
        step = np.abs(plane - float(value))
        least = LEAST_STEP * np.percentile(step[::3, ::3], 99.9)
        if (step[rim] > least).mean() > LEAST_DIFFERENT:
            inside &= held
    return inside


def _corner_values(plane: NDArray[Any]) -> set[Any]:
    """Return the values that begin at a corner and go on along an edge."""
    corners = [plane[::down, ::right] for down in (1, -1) for right in (1, -1)]
    return {
        corner[0, 0]
        for corner in corners
        for edge in (corner[0], corner[:, 0])
        if (edge[:LEAST_ALONG] == corner[0, 0]).all()
    }


def _spans(image: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return, row by row, what lies between two constant ends."""
    at = np.arange(image.shape[1])
    left, right = _constant(image), _constant(image[:, ::-1])
    return (at >= left[:, None]) & (at[::-1] >= right[:, None])


def _constant(image: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return how many pixels of each row, and of those beside it, begin it."""
    runs = np.where(image.any(axis=1), image.argmax(axis=1), image.shape[1])
    return np.asarray(ndimage.grey_opening(runs, LEAST_ALONG))
