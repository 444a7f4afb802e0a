"""Source and results side by side in napari's grid, and back."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING

from napari.experimental import link_layers, unlink_layers

from napari_gan_enhance.viewer.shown_alone import (
    names_of,
    restore_names,
    show_name,
)
from napari_gan_enhance.viewer.viewport import camera_of, grid_of, is_all_on_screen

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari.components import ViewerModel
    from napari.layers import Image

LINKED = ("gamma",)
"""What must be the same for the eye to judge; cameras are linked by the grid itself,
contrast limits are matched when a result is complete."""

GRID = ("spacing", "stride", "shape", "enabled")
"""What is changed of the grid, in an order in which it can be set."""

GAP = 4.0
"""Screen pixels between two cells."""


class Comparison:
    """Show some layers side by side, with the same zoom, until ended.

    Parameters
    ----------
    viewer : ViewerModel
    layers : sequence of Image
        At least two layers of this viewer, the first to stand on the left.
    """

    def __init__(self, viewer: ViewerModel, layers: Sequence[Image]) -> None:
        self._viewer = viewer
        grid, camera = grid_of(viewer), camera_of(viewer)
        self._grid = {name: getattr(grid, name) for name in GRID}
        self._camera = (camera.center, camera.zoom)
        self._visible = weakref.WeakKeyDictionary(
            {layer: layer.visible for layer in viewer.layers}
        )
        self._count = len(layers)
        self._names = names_of(layers)
        self._show(layers)

    def end(self) -> None:
        """Go back to what was shown before; layers added since stay as they are."""
        for *ends, attribute in self._links:
            layers = [layer for layer in (end() for end in ends) if layer is not None]
            if len(layers) == 2:  # else one was deleted, and the link with it
                unlink_layers(layers, (attribute,))
        for layer, visible in self._visible.items():
            layer.visible = visible
        restore_names(self._names)
        grid, camera = grid_of(self._viewer), camera_of(self._viewer)
        for name in reversed(GRID):
            setattr(grid, name, self._grid[name])
        camera.center, camera.zoom = self._camera

    def _show(self, layers: Sequence[Image]) -> None:
        is_whole = is_all_on_screen(self._viewer, layers[0])
        for layer in self._viewer.layers:
            layer.visible = layer in layers
        # Only the new ones: what people had linked before stays linked at the end.
        self._links = link_layers(layers, LINKED)
        put_side_by_side(self._viewer, layers)
        self._fit(is_whole)

    def _fit(self, is_whole: bool) -> None:
        """Show in each cell, which is narrower, what the whole canvas showed."""
        if is_whole:
            self._viewer.reset_view()
        else:
            camera_of(self._viewer).zoom = self._camera[1] / self._count


def put_side_by_side(viewer: ViewerModel, layers: Sequence[Image]) -> None:
    """Give each layer a cell of the grid with its name, the first on the left."""
    for layer in layers:
        show_name(layer)
    grid = grid_of(viewer)
    order = [layer for layer in viewer.layers if layer in layers]
    grid.shape = (1, len(layers))
    grid.stride = 1 if order[0] is layers[0] else -1
    grid.spacing = GAP
    grid.enabled = True
