"""Show a result with the contrast its source is shown with."""

from __future__ import annotations

import math
import weakref
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari.components import ViewerModel
    from napari.layers import Image
    from numpy.typing import NDArray

MOST_SAMPLES = 2**18
"""Pixels that are looked at, evenly spread: a few milliseconds in the window's thread.
"""

LEAST_BLACK = 1.0
"""Percent of a result that is black at least: a few pixels beside bright ones, which
generators take too much light from, would leave the background gray."""

OVERLAY_PERCENTILES = (25.0, 99.7)
"""From background to all but the brightest specks, which would leave the rest black."""


def matched_limits(
    source: Image, result: Image, step: Sequence[int]
) -> tuple[float, float]:
    """Return limits that make as much of the result black and white as of its source.

    Deconvolution gathers light: on the source's own limits it would look overexposed,
    and a comparison with it would not be fair.

    Parameters
    ----------
    source, result : Image
        Not RGB; the result may be smaller where only a region was worked on.
    step : sequence of int
        Where the viewer stands on the axes, (Y, X) last and not used; only that plane
        counts where the pixels of one of the layers are not in memory.

    Returns
    -------
    (float, float)
        The source's own limits where the result has no contrast.
    """
    low, high = source.contrast_limits
    layers = (source, result)
    # A plane may lack what is bright elsewhere, but the others may have to be computed.
    where = None if all(isinstance(x.data, np.ndarray) for x in layers) else step
    shown, new = (_samples(layer, where) for layer in layers)
    new = new[np.isfinite(new)]
    if new.size == 0 or new.min() == new.max():
        return low, high
    black = max(LEAST_BLACK, 100 * float(np.mean(shown < low)))
    matched = np.percentile(new, [black, 100 * float(np.mean(shown <= high))])
    return (
        (float(matched[0]), float(matched[1]))
        if matched[0] < matched[1]
        else (
            float(new.min()),
            float(new.max()),
        )
    )


def overlay_limits(layer: Image, step: Sequence[int]) -> tuple[float, float]:
    """Return limits that show structure in color on a dark background.

    Parameters
    ----------
    layer : Image
        Not RGB.
    step : sequence of int
        Where the viewer stands; only that plane is looked at.

    Returns
    -------
    (float, float)
        The layer's own limits where the plane has no contrast.
    """
    pixels = _samples(layer, step)
    pixels = pixels[np.isfinite(pixels)]
    low, high = np.percentile(pixels, OVERLAY_PERCENTILES) if pixels.size else (0, 0)
    if low >= high:
        low, high = layer.contrast_limits
    return float(low), float(high)


class ContrastMatch:
    """Match a result's contrast to its source, until the user sets it.

    Parameters
    ----------
    viewer : ViewerModel
    source : Image
    """

    def __init__(self, viewer: ViewerModel, source: Image) -> None:
        # A result's metadata hold this, and must keep nothing else alive.
        self._viewer, self._source = weakref.ref(viewer), weakref.ref(source)
        self._set: tuple[float, ...] | None = None

    def apply(self, layer: Image) -> None:
        """Match the contrast of a result as it is now."""
        viewer, source = self._viewer(), self._source()
        limits = tuple(layer.contrast_limits)
        if viewer is None or source is None or layer.rgb:
            return
        if self._set in (None, limits):
            step = viewer.dims.current_step
            layer.contrast_limits = matched_limits(source, layer, step)
            self._set = tuple(layer.contrast_limits)


def _samples(layer: Image, step: Sequence[int] | None) -> NDArray[Any]:
    """Return thinned pixels of a layer: all of it, or a plane."""
    data = layer.data[-1] if layer.multiscale else layer.data
    at: tuple[int, ...] = ()
    if step is not None:
        sizes = data.shape[:-2]
        at = tuple(map(min, step[-data.ndim : -2], (n - 1 for n in sizes)))
    shape = data.shape[len(at) :]
    stride = max(1, math.ceil((math.prod(shape) / MOST_SAMPLES) ** (1 / len(shape))))
    return np.asarray(data[(*at, *(slice(None, None, stride),) * len(shape))])
