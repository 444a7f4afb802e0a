"""Crops of layers around a line, as the viewer shows them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_gan_enhance.metrics.line_profile_figure import Crop
from napari_gan_enhance.viewer.profile_pixels import load_missing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from napari_gan_enhance.metrics.line_profile import PixelSource
    from napari_gan_enhance.progress import Job
    from napari_gan_enhance.viewer.profile import CurvePlan
    from napari_gan_enhance.viewer.profile_pixels import PixelStore

    Floats = NDArray[np.float64]

MARGIN = 0.2
"""Around the line, as a share of its longer side."""

LEAST_ASPECT = 0.6
"""Of height and width: the crop of a level line would be a stripe."""

MOST_PIXELS = 700
"""Side of a crop in the figure; a printed crop of 2.1 inches shows no more."""


def complete_crops(plans: Sequence[CurvePlan], store: PixelStore) -> Job[list[Crop]]:
    """Return a crop of each layer, all of the same part of the world.

    Parameters
    ----------
    plans : sequence of CurvePlan
        Of one line.
    store : PixelStore

    Yields
    ------
    Progress
    """
    crops = []
    for plan in plans:
        lower, size = crop_box(plan.vertices)
        places = _grid(lower, size, plan.pixel_size())
        sources = plan.colors or (plan.source,)
        for source in sources:
            _nearest(source, plan.pixels_at(places))
        yield from load_missing(sources, store)
        values = [_nearest(source, plan.pixels_at(places)) for source in sources]
        crops.append(
            Crop(
                plan.name,
                plan.color,
                _shown(plan, values),
                (float(size[0]), float(size[1])),
                plan.vertices - lower,
                plan.width,
                plan.unit,
            )
        )
    return crops


def crop_box(vertices: Floats) -> tuple[Floats, Floats]:
    """Return the first corner and the size of a crop around a polyline."""
    lower, upper = vertices.min(axis=0), vertices.max(axis=0)
    side = float((upper - lower).max())
    size = np.maximum(upper - lower, LEAST_ASPECT * side) + 2 * MARGIN * side
    return (lower + upper - size) / 2, size


def _grid(lower: Floats, size: Floats, pixel: float) -> Floats:
    """Return places two to a pixel, shape (Y, X, 2)."""
    step = max(pixel / 2, float(size.max()) / MOST_PIXELS)
    counts = np.maximum(np.ceil(size / step), 1).astype(int)
    steps = [
        low + (np.arange(n) + 0.5) * span / n
        for low, span, n in zip(lower, size, counts, strict=True)
    ]
    return np.stack(np.meshgrid(*steps, indexing="ij"), axis=-1)


def _nearest(source: PixelSource, points: Floats) -> Floats:
    """Return the pixels that points (..., 2) lie in; NaN outside."""
    indices = np.floor(points + 0.5).astype(np.intp)
    size = np.array(source.shape[:2])
    inside = ((indices >= 0) & (indices < size)).all(axis=-1)
    values = np.full(inside.shape, np.nan)
    if inside.any():
        values[inside] = source.pick(*indices[inside].T)
    return values


def _shown(plan: CurvePlan, values: Sequence[Floats]) -> Floats:
    if len(values) == 1:
        return plan.display.colors(values[0])
    rgb = np.nan_to_num(np.stack(values, axis=-1))
    return np.clip(rgb / plan.display.white, 0, 1)
