"""Points of the viewer's world in pixels of a layer, whose own units may be others.

napari counts the world in one unit for each axis, the smallest of its layers'; what a
layer says of the world (`world_to_data`, `data_to_world`, `extent`) is in its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari.components import ViewerModel
    from napari.layers import Layer
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]


def to_pixels(viewer: ViewerModel, layer: Layer, point: ArrayLike) -> Floats:
    """Return where a point of the world lies in a layer.

    Parameters
    ----------
    viewer : ViewerModel
    layer : Layer
    point : array_like
        For all dimensions of the viewer, or the last of them.

    Returns
    -------
    ndarray, shape (layer.ndim,), float64
    """
    own = np.array(point, np.float64)[-layer.ndim :]
    own *= world_in(viewer, layer.units)[-len(own) :]
    return np.asarray(layer.world_to_data(own), np.float64)


def to_world(viewer: ViewerModel, layer: Layer, pixels: ArrayLike) -> Floats:
    """Return where a point of a layer lies in the world, on the layer's axes."""
    own = np.asarray(layer.data_to_world(pixels), np.float64)
    return np.asarray(own / world_in(viewer, layer.units))


def world_in(viewer: ViewerModel, units: Sequence[Any]) -> Floats:
    """Return the size of the world's units in others, on the last axes.

    All 1 where napari converts nothing: before 0.9, and where an axis is a length in
    one layer and none in another.
    """
    common = getattr(viewer.layers, "units", None)
    if common is None or len(common) < len(units):
        return np.ones(len(units))
    return unit_sizes(common[-len(units) :], units)


def unit_sizes(units: Sequence[Any], others: Sequence[Any]) -> Floats:
    """Return the size of each unit in another; 1 where that is of another kind."""
    return np.array(
        [
            float((1.0 * unit).to(other).magnitude)
            if unit != other and unit.is_compatible_with(other)
            else 1.0
            for unit, other in zip(units, others, strict=True)
        ]
    )
