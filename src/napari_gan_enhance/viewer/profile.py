"""Intensities of all visible images along one line, in µm."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Image, Shapes

from napari_gan_enhance.viewer.viewport import level_shape

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from numpy.typing import NDArray

LINE_LAYER = "Line profile"
"""Name of the Shapes layer whose line is sampled."""

MARGIN = 4
"""Pixels read around the line, for the interpolation between pixels."""


@dataclass(frozen=True, slots=True)
class Curve:
    """Intensities of one layer along the line.

    Parameters
    ----------
    name : str
        Of the layer.
    distance : ndarray, shape (n,), float64
        From the start of the line, in `unit`.
    values : ndarray, shape (n,), float64
        On the layer's intensity scale; the mean of the samples for RGB.
    unit : str
        "µm", or "px" for a layer without a unit of length.
    """

    name: str
    distance: NDArray[np.float64]
    values: NDArray[np.float64]
    unit: str


def line_layer(viewer: ViewerModel) -> Shapes | None:
    """Return the layer that holds the line."""
    if LINE_LAYER not in viewer.layers:
        return None
    layer = viewer.layers[LINE_LAYER]
    return layer if isinstance(layer, Shapes) else None


def add_line(viewer: ViewerModel) -> Shapes:
    """Add a line across the first visible image, to be moved by its ends."""
    lower, upper = viewer.layers.extent.world
    center, size = (lower + upper) / 2, upper - lower
    ends = np.array([center, center])
    ends[:, viewer.dims.displayed[-1]] += (
        np.array([-0.25, 0.25]) * (size[viewer.dims.displayed[-1]])
    )
    displayed = list(viewer.dims.displayed[-2:])
    width = max(size[displayed]) / 200
    layer: Shapes = viewer.add_shapes(
        [ends[:, displayed]],
        shape_type="line",
        name=LINE_LAYER,
        edge_width=width,
        edge_color="yellow",
        units=tuple(viewer.layers[0].units[-2:]),
    )
    layer.mode = "direct"
    return layer


def curves(viewer: ViewerModel) -> list[Curve]:
    """Return one curve for each visible image, the lowest layer first.

    Returns
    -------
    list of Curve
        Empty where no line is drawn; layers the line does not cross are left out.
    """
    shapes = line_layer(viewer)
    if shapes is None or not len(shapes.data):
        return []
    ends = _world_ends(viewer, shapes)
    if (ends[0] == ends[1]).all():
        return []
    images = [x for x in viewer.layers if type(x) is Image and x.visible]
    found = [_curve(viewer, layer, ends) for layer in images]
    return [curve for curve in found if curve is not None]


def _world_ends(viewer: ViewerModel, shapes: Shapes) -> NDArray[np.float64]:
    """Return both ends of the last shape in world coordinates of all dimensions."""
    line = shapes.data[-1]
    ends = np.array([viewer.dims.point, viewer.dims.point], dtype=float)
    world = np.array([shapes.data_to_world(line[0]), shapes.data_to_world(line[-1])])
    ends[:, -shapes.ndim :] = world
    return ends


def _curve(
    viewer: ViewerModel, layer: Image, ends: NDArray[np.float64]
) -> Curve | None:
    from napari_gan_enhance.metrics.line_profile import line_profile

    points = np.array([layer.world_to_data(end[-layer.ndim :]) for end in ends])
    shown = [axis - (viewer.dims.ndim - layer.ndim) for axis in viewer.dims.displayed]
    plane_axes = sorted(shown[-2:])
    plane, offset = _plane(layer, points, plane_axes)
    if plane is None:
        return None
    inside = points[:, plane_axes] - offset
    values = np.asarray(line_profile(plane, inside[0], inside[1]), dtype=np.float64)
    length, unit = _length(layer, ends)
    return Curve(layer.name, np.linspace(0, length, len(values)), values, unit)


def _plane(
    layer: Image, points: NDArray[np.float64], axes: list[int]
) -> tuple[NDArray[np.float64] | None, NDArray[np.float64]]:
    """Return the pixels around the line, and where their first pixel lies."""
    index: list[int | slice] = []
    starts = []
    for axis, size in enumerate(level_shape(layer)):
        if axis not in axes:
            index.append(int(np.clip(np.rint(points[0, axis]), 0, size - 1)))
            continue
        start = max(int(np.floor(points[:, axis].min())) - MARGIN, 0)
        stop = min(int(np.ceil(points[:, axis].max())) + MARGIN + 1, size)
        if start >= stop:
            return None, np.zeros(2)
        starts.append(start)
        index.append(slice(start, stop))
    data: Any = layer.data[0] if layer.multiscale else layer.data
    plane = np.asarray(data[tuple(index)], dtype=np.float64)
    return (plane.mean(axis=-1) if layer.rgb else plane), np.array(starts, dtype=float)


def _length(layer: Image, ends: NDArray[np.float64]) -> tuple[float, str]:
    """Return the length of the line, in µm where the layer has a unit of length."""
    length = float(np.linalg.norm(ends[1] - ends[0]))
    unit = layer.units[-1]
    if not unit.is_compatible_with("micrometer"):
        return length, "px"
    return length * float((1.0 * unit).to("micrometer").magnitude), "µm"
