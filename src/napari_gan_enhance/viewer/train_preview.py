"""A held-out region on the canvas: as it is, as the network shows it, its target."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Image

    from napari_gan_enhance.training.events import Preview

NAMES = {
    "source": "Held out: source",
    "result": "Held out: result",
    "target": "Held out: target",
}
"""Sides of a preview, and their layers, from left to right."""

GAP = 0.05
"""Between two images, as a share of their width."""

PERCENTILES = (0.5, 99.8)
"""Of the target: black and white of all three."""


class PreviewLayers:
    """Three layers side by side, right of what is in the viewer.

    Parameters
    ----------
    viewer : ViewerModel
    """

    def __init__(self, viewer: ViewerModel) -> None:
        self._viewer = viewer
        self._layers: dict[str, Image] = {}
        self._like: Image | None = None
        self._place: tuple[np.ndarray[Any, Any], float] | None = None

    def begin(self, like: Image | None) -> None:
        """Take away what an earlier training left.

        Parameters
        ----------
        like : Image or None
            Whose pixel size and units the region has, as far as is known.
        """
        self.end()
        self._like = like if like in self._viewer.layers else None
        self._place = None

    def show(self, preview: Preview) -> None:
        """Show a preview; the same one again costs an upload of 256 x 256 pixels."""
        is_new = not any(x in self._viewer.layers for x in self._layers.values())
        low, high = map(float, np.percentile(preview.target[0], PERCENTILES))
        for number, side in enumerate(NAMES):
            plane = getattr(preview, side)[0]
            layer = self._layers.get(side)
            if layer is None or layer not in self._viewer.layers:
                self._layers[side] = self._added(side, plane, number, (low, high))
            elif not np.array_equal(layer.data, plane):
                layer.data = plane
        if is_new:
            self._viewer.reset_view(layers=list(self._layers.values()))

    def end(self) -> None:
        """Take the layers away."""
        for layer in self._layers.values():
            if layer in self._viewer.layers:
                self._viewer.layers.remove(layer)
        self._layers = {}

    def _added(
        self,
        side: str,
        plane: np.ndarray[Any, Any],
        number: int,
        limits: tuple[float, float],
    ) -> Image:
        scale, units = self._scale()
        if self._place is None:
            extent = self._viewer.layers.extent.world
            is_empty = not len(self._viewer.layers)
            corner = np.zeros(2) if is_empty else [extent[0, -2], extent[1, -1]]
            self._place = np.asarray(corner, float), plane.shape[1] * scale[1]
        (top, left), width = self._place
        x = left + width * (GAP + number * (1 + GAP))
        chosen = set(self._viewer.layers.selection)
        layer: Image = self._viewer.add_image(
            plane,
            name=NAMES[side],
            scale=scale,
            translate=(top, x),
            units=units,
            contrast_limits=limits if limits[0] < limits[1] else None,
        )
        self._viewer.layers.selection = chosen or {layer}
        return layer

    def _scale(self) -> tuple[tuple[float, float], Any]:
        if self._like is None:
            return (1.0, 1.0), None
        y, x = (float(abs(s)) for s in self._like.scale[-2:])
        return (y, x), tuple(self._like.units[-2:])
