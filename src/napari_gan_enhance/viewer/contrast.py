"""Show a result with the contrast its source is shown with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari.layers import Image
    from numpy.typing import NDArray

MOST_SAMPLES = 512
"""Pixels along each side of the plane that are looked at, evenly spread: a few
milliseconds in the window's thread."""


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
        Where the viewer stands on the axes, (Y, X) last and not used.

    Returns
    -------
    (float, float)
        The source's own limits where the result has no contrast.
    """
    low, high = source.contrast_limits
    shown, new = _plane(source, step), _plane(result, step)
    new = new[np.isfinite(new)]
    if new.size == 0 or new.min() == new.max():
        return low, high
    ranks = [100 * float(np.mean(shown < low)), 100 * float(np.mean(shown <= high))]
    matched = np.percentile(new, ranks)
    return (
        (float(matched[0]), float(matched[1]))
        if matched[0] < matched[1]
        else (
            float(new.min()),
            float(new.max()),
        )
    )


def _plane(layer: Image, step: Sequence[int]) -> NDArray[Any]:
    """Return a thinned plane of a layer where the viewer stands."""
    data = layer.data[-1] if layer.multiscale else layer.data
    at = [
        min(s, n - 1) for s, n in zip(step[-data.ndim : -2], data.shape, strict=False)
    ]
    strides = [slice(None, None, max(1, n // MOST_SAMPLES)) for n in data.shape[-2:]]
    return np.asarray(data[(*at, *strides)])
