"""What is on screen, in pixels of a layer; napari's model only, no Qt."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from napari_gan_enhance.errors import InputError
from napari_gan_enhance.viewer.world import to_pixels, world_in

if TYPE_CHECKING:
    from collections.abc import Mapping

    from napari.components import ViewerModel
    from napari.layers import Image
    from numpy.typing import NDArray

Box: TypeAlias = "dict[str, slice]"
"""Letter of an axis -> range of pixels, start and stop given."""

FILLED = 0.95
"""Share of the canvas that a fitted layer fills."""


def camera_of(viewer: ViewerModel) -> Any:
    """Return the camera, which napari 0.9 moved into the scene."""
    return getattr(viewer, "scene", viewer).camera


def grid_of(viewer: ViewerModel) -> Any:
    """Return the grid, which napari 0.9 moved into the canvas."""
    return getattr(viewer, "canvas", viewer).grid


def fit_layer(viewer: ViewerModel, layer: Image) -> None:
    """Fill the canvas with a layer.

    `reset_view` of napari 0.9 fails for a layer of fewer axes than the viewer has.
    """
    offset = viewer.dims.ndim - layer.ndim  # layers align at their last axis
    axes = [axis - offset for axis in viewer.dims.displayed[-2:]]
    low, high = (layer.extent.world / world_in(viewer, layer.units))[:, axes]
    camera = camera_of(viewer)
    camera.center = (*camera.center[:-2], *((low + high) / 2))
    camera.zoom = FILLED * float(np.min(cell_size(viewer) / (high - low)))


def view_events(viewer: ViewerModel) -> list[Any]:
    """Return the events after which something else may be on screen.

    napari has none for the visible region itself. These come in bursts, and before
    the canvas has settled: read the box a moment after the last one.
    """
    camera, dims = camera_of(viewer).events, viewer.dims.events
    return [camera.center, camera.zoom, camera.angles, dims.current_step, dims.ndisplay]


def visible_box(viewer: ViewerModel, layer: Image, axes: str) -> Box:
    """Return the part of a layer that is on screen, or lies nearest to it.

    Parameters
    ----------
    viewer : ViewerModel
    layer : Image
    axes : str
        Letters of the layer's axes; S, which has none of the layer's, is left out.

    Returns
    -------
    dict of letter to slice, in pixels of level 0
        The visible range on the axes that are displayed, one pixel on all others;
        never empty, never outside the layer.
    """
    letters = axes.replace("S", "")
    ranges = zip(_visible_ranges(viewer, layer), level_shape(layer), strict=True)
    return {
        letter: _clipped(start, stop, size)
        for letter, ((start, stop), size) in zip(letters, ranges, strict=True)
    }


def region_in_view(viewer: ViewerModel, layer: Image, axes: str) -> Box:
    """Return the visible part of a layer as a region to work on.

    Raises
    ------
    InputError
        If no pixel of the layer is on screen.
    """
    ranges = zip(_visible_ranges(viewer, layer), level_shape(layer), strict=True)
    if any(stop <= 0 or start >= size for (start, stop), size in ranges):
        raise InputError(
            f"No part of layer {layer.name!r} is on screen - the region 'current view' "
            "needs some of its pixels - move the view or choose 'whole layer'."
        )
    return visible_box(viewer, layer, axes)


def is_all_on_screen(viewer: ViewerModel, layer: Image) -> bool:
    """Whether every pixel of a layer's current plane or volume is on screen."""
    ranges = zip(_visible_ranges(viewer, layer), level_shape(layer), strict=True)
    return all(
        stop - start == 1 or (start <= 0 and stop >= n) for (start, stop), n in ranges
    )


def is_in_view(
    viewer: ViewerModel, layer: Image, axes: str, region: Mapping[str, slice]
) -> bool:
    """Whether any of a region of a layer is on screen; axes left out are whole."""
    box = visible_box(viewer, layer, axes)
    return all(
        box[axis].start < span.stop and box[axis].stop > span.start
        for axis, span in region.items()
        if axis in box
    )


def shown_index(viewer: ViewerModel, layer: Image) -> tuple[int, ...]:
    """Return the pixel of a layer where the viewer stands, or the nearest to it.

    The viewer's `current_step` counts in the finest steps of all layers, not in these.
    """
    at = np.rint(to_pixels(viewer, layer, viewer.dims.point))
    sizes = level_shape(layer)
    return tuple(int(np.clip(i, 0, n - 1)) for i, n in zip(at, sizes, strict=True))


def level_shape(layer: Image) -> tuple[int, ...]:
    """Return the shape of the full-resolution pixels, without RGB samples."""
    data = layer.data[0] if layer.multiscale else layer.data
    return tuple(int(n) for n in data.shape[: layer.ndim])


def cell_size(viewer: ViewerModel) -> NDArray[np.float64]:
    """Return height and width of one cell of the grid in screen pixels."""
    if hasattr(viewer, "canvas"):
        return np.asarray(viewer.canvas.viewbox_size(viewer.layers), np.float64)
    cells = grid_of(viewer).actual_shape(viewer.layers)  # before napari 0.9
    return np.asarray(np.array(viewer._canvas_size) / np.array(cells), np.float64)


def _visible_ranges(viewer: ViewerModel, layer: Image) -> list[tuple[int, int]]:
    """Return first and one past the last pixel on screen for each axis of a layer."""
    offset = viewer.dims.ndim - layer.ndim  # layers align at their last axis
    shown = {axis - offset for axis in viewer.dims.displayed}
    points = np.array([to_pixels(viewer, layer, p) for p in _corners(viewer)])
    # Pixel i covers the data coordinates i - 0.5 to i + 0.5.
    first = np.floor(points.min(axis=0) + 0.5).astype(int)
    last = np.floor(points.max(axis=0) + 0.5).astype(int)
    sizes = level_shape(layer)
    if viewer.dims.ndisplay == 3:
        return [
            (0, n) if i in shown else _nearest(first[i], n) for i, n in enumerate(sizes)
        ]
    return [
        (int(first[i]), int(last[i]) + 1) if i in shown else _nearest(first[i], n)
        for i, n in enumerate(sizes)
    ]


def _corners(viewer: ViewerModel) -> NDArray[np.float64]:
    """Return the corners of the canvas in world coordinates, one point in each row."""
    camera, axes = camera_of(viewer), viewer.dims.displayed[-2:]
    half = cell_size(viewer) / camera.zoom / 2
    points = np.tile(np.array(viewer.dims.point, dtype=float), (4, 1))
    signs = np.array([(-1, -1), (-1, 1), (1, -1), (1, 1)])
    points[:, list(axes)] = np.array(camera.center[-2:]) + signs * half
    return points


def _nearest(index: int, size: int) -> tuple[int, int]:
    inside = min(max(int(index), 0), size - 1)
    return inside, inside + 1


def _clipped(start: int, stop: int, size: int) -> slice:
    start = min(max(start, 0), size - 1)
    return slice(start, min(max(stop, start + 1), size))
