"""Show some images without the others, with their names, and go back."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any, TypeAlias

from napari.layers import Image

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari.components import ViewerModel

    Names: TypeAlias = weakref.WeakKeyDictionary[Image, dict[str, Any]]

NAME_SIZE = 8
"""Points: the names of layers are long and the cells of a grid narrow."""

LEFT, RIGHT = "top_left", "top_right"
"""Corners of the canvas."""

NAME = ("visible", "font_size", "position")
"""What is changed of how a name is written."""


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
        self._names = names_of(layers)
        for layer in images:
            layer.visible = layer in layers
        for layer, corner in zip(layers, corners, strict=True):
            show_name(layer, corner)

    def end(self) -> None:
        """Show what was shown before; layers added since stay as they are."""
        for layer, visible in self._visible.items():
            layer.visible = visible
        restore_names(self._names)


def names_of(layers: Sequence[Image]) -> Names:
    """Return how the names of layers are written on the canvas."""
    return weakref.WeakKeyDictionary(
        {
            layer: {key: getattr(layer.name_overlay, key) for key in NAME}
            for layer in layers
            if hasattr(layer, "name_overlay")  # new in napari 0.7
        }
    )


def restore_names(names: Names) -> None:
    """Write the names of layers as they were written before."""
    for layer, settings in names.items():
        for key, value in settings.items():
            setattr(layer.name_overlay, key, value)


def show_name(layer: Image, corner: str | None = None) -> None:
    """Write the name of a layer on the canvas, in a corner or where it was last."""
    if hasattr(layer, "name_overlay"):
        layer.name_overlay.visible = True
        layer.name_overlay.font_size = NAME_SIZE
        layer.name_overlay.position = corner or layer.name_overlay.position
