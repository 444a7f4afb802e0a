"""Show some images without the others, with their names, and go back."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING

from napari.layers import Image

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari.components import ViewerModel

NAME_SIZE = 8
"""Points: the names of layers are long and the cells of a grid narrow."""

LEFT, RIGHT = "top_left", "top_right"
"""Corners of the canvas."""


class ShownAlone:
    """Hide all other images until ended; what is no image stays as it is.

    Parameters
    ----------
    viewer : ViewerModel
    layers : sequence of Image
        To be shown.
    corners : sequence of str
        Of the canvas, where the name of each stands.
    """

    def __init__(
        self, viewer: ViewerModel, layers: Sequence[Image], corners: Sequence[str]
    ) -> None:
        images = [x for x in viewer.layers if isinstance(x, Image)]
        self._visible = weakref.WeakKeyDictionary({x: x.visible for x in images})
        self._named = weakref.WeakSet(layers)
        for layer in images:
            layer.visible = layer in layers
        for layer, corner in zip(layers, corners, strict=True):
            show_name(layer, True)
            _place_name(layer, corner)

    def end(self) -> None:
        """Show what was shown before; layers added since stay as they are."""
        for layer, visible in self._visible.items():
            layer.visible = visible
        for layer in self._named:
            show_name(layer, False)
            _place_name(layer, LEFT)


def show_name(layer: Image, is_shown: bool) -> None:
    """Write the name of a layer on the canvas, or take it away."""
    if hasattr(layer, "name_overlay"):  # new in napari 0.7
        layer.name_overlay.visible = is_shown
        layer.name_overlay.font_size = NAME_SIZE


def _place_name(layer: Image, corner: str) -> None:
    if hasattr(layer, "name_overlay"):
        layer.name_overlay.position = corner
