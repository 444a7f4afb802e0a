"""Draw layers on one side of a line only, in napari's own scene."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vispy.scene.visuals import InfiniteLine
from vispy.visuals.filters.clipping_planes import PlanesClipper

if TYPE_CHECKING:
    from napari.layers import Image
    from napari.viewer import Viewer

COLOR = (1.0, 0.83, 0.0, 1.0)
"""Of the line: that of a line profile."""

WIDTH = 2
"""Screen pixels."""

ON_TOP = 10_000
"""Order of drawing: above all layers."""


class Curtain:
    """A line across the canvas; of two layers only one side each is drawn.

    napari clips volumes, points and shapes (`experimental_clipping_planes`), but in 0.9
    no image in 2D, so that the same filter of vispy is attached here. The planes lie in
    the coordinates of the scene, which are the viewer's world: nothing is uploaded when
    the line moves, and scale, rotation and zoom need no thought.

    Parameters
    ----------
    viewer : Viewer
    before, after : Image
        Left and right of the line.
    """

    def __init__(self, viewer: Viewer, before: Image, after: Image) -> None:
        # There is no public way from a layer to what is drawn of it (napari 0.9).
        self._canvas = viewer.window._qt_viewer.canvas
        self._sides = ((before, -1.0), (after, 1.0))
        self._filters: dict[Any, tuple[PlanesClipper, float]] = {}
        self._position = 0.0
        scene = self._canvas.view.scene
        self._line = InfiniteLine(0, color=COLOR, line_width=WIDTH, parent=scene)
        self._line.order = ON_TOP
        for layer, _ in self._sides:
            # After napari's own reaction, which may draw with other nodes from now on.
            layer.events.set_data.connect(self._on_drawn, position="last")
        self._on_drawn()

    def move(self, position: float) -> None:
        """Put the line elsewhere, in world coordinates."""
        self._position = position
        self._line.set_data(pos=position)
        for node, (planes, side) in self._filters.items():
            planes.clipping_planes = [((position, 0.0, 0.0), (side, 0.0, 0.0))]
            node.update()

    def close(self) -> None:
        """Draw layers whole again, and no line."""
        for layer, _ in self._sides:
            layer.events.set_data.disconnect(self._on_drawn)
        for node, (planes, _) in self._filters.items():
            node.detach(planes)
            node.update()
        self._filters.clear()
        self._line.parent = None

    def _on_drawn(self, event: object = None) -> None:
        """Clip nodes that draw a layer since lately."""
        drawn = {
            node: side for layer, side in self._sides for node in self._nodes(layer)
        }
        for node in set(self._filters) - set(drawn):
            node.detach(self._filters.pop(node)[0])
        for node in set(drawn) - set(self._filters):
            planes = PlanesClipper(coord_system="scene")
            node.attach(planes)
            self._filters[node] = (planes, drawn[node])
        self.move(self._position)

    def _nodes(self, layer: Image) -> list[Any]:
        """Return what draws a layer; images beyond the texture limit are tiled."""
        visual = self._canvas.layer_to_visual.get(layer)
        if visual is None:
            return []
        return getattr(visual.node, "adopted_children", None) or [visual.node]
