"""Show a result with the contrast its source is shown with."""

from __future__ import annotations

import math
import weakref
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_gan_enhance.viewer.viewport import level_shape, shown_index

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
    viewer: ViewerModel, source: Image, result: Image
) -> tuple[float, float]:
    """Return limits that make as much of the result black and white as of its source.

    Deconvolution gathers light: on the source's own limits it would look overexposed;
    and where noise and haze are gone the background would be gray, as black is where
    the source's noise ends. A comparison with either would not be fair.

    Parameters
    ----------
    viewer : ViewerModel
        Only the plane it shows counts where pixels of a layer are not in memory.
    source, result : Image
        Not RGB; the result may be smaller where only a region was worked on.

    Returns
    -------
    (float, float)
        The source's own limits where the result has no contrast.
    """
    low, high = source.contrast_limits
    layers = (source, result)
    # A plane may lack what is bright elsewhere, but the others may have to be computed.
    in_memory = all(isinstance(layer.data, np.ndarray) for layer in layers)
    take = _samples if in_memory else partial(_plane_samples, viewer)
    shown, new = map(take, layers)
    shown, new = (values[np.isfinite(values)] for values in (shown, new))
    if not (shown.size and new.size) or new.min() == new.max():
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


def overlay_limits(viewer: ViewerModel, layer: Image) -> tuple[float, float]:
    """Return limits that show structure in color on a dark background.

    Parameters
    ----------
    viewer : ViewerModel
        Only the plane it shows is looked at.
    layer : Image
        Not RGB.

    Returns
    -------
    (float, float)
        The layer's own limits where the plane has no contrast.
    """
    pixels = _plane_samples(viewer, layer)
    pixels = pixels[np.isfinite(pixels)]
    low, high = np.percentile(pixels, OVERLAY_PERCENTILES) if pixels.size else (0, 0)
    if low >= high:
        low, high = layer.contrast_limits
    return float(low), float(high)


class ContrastMatch:
    """Match a result's contrast to its source, from which it begins, until it is set.

    Parameters
    ----------
    viewer : ViewerModel
    source : Image
    """

    def __init__(self, viewer: ViewerModel, source: Image) -> None:
        # A result's metadata hold this, and must keep nothing else alive.
        self._viewer, self._source = weakref.ref(viewer), weakref.ref(source)
        self._set = tuple(source.contrast_limits)

    def apply(self, layer: Image) -> None:
        """Match the contrast of a result as it is now."""
        viewer, source = self._viewer(), self._source()
        limits = tuple(layer.contrast_limits)
        if viewer is None or source is None or layer.rgb:
            return
        if self._set == limits:
            layer.contrast_limits = matched_limits(viewer, source, layer)
            self._set = tuple(layer.contrast_limits)


def _plane_samples(viewer: ViewerModel, layer: Image) -> NDArray[Any]:
    """Return thinned pixels of the plane of a layer that is shown."""
    sizes = zip(level_shape(layer), _smallest(layer).shape, strict=False)
    scaled = zip(shown_index(viewer, layer), sizes, strict=False)
    return _samples(layer, [at * n // whole for at, (whole, n) in scaled][:-2])


def _samples(layer: Image, at: Sequence[int] = ()) -> NDArray[Any]:
    """Return thinned pixels of a layer, on its first axes at one position."""
    data = _smallest(layer)
    shape = data.shape[len(at) :]
    stride = max(1, math.ceil((math.prod(shape) / MOST_SAMPLES) ** (1 / len(shape))))
    found = np.asarray(data[(*at, *(slice(None, None, stride),) * len(shape))])
    return found.astype(np.uint8) if found.dtype == bool else found


def _smallest(layer: Image) -> Any:
    return layer.data[-1] if layer.multiscale else layer.data
