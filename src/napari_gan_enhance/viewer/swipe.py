"""A line in the canvas: one layer on its left, another on its right.

+--------|--------+
| before | after  |     the line is dragged; it keeps its place in the world
+--------|--------+     while the view is zoomed, and stays in view
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from napari_gan_enhance.errors import InputError
from napari_gan_enhance.viewer.layer_pair import check_overlap
from napari_gan_enhance.viewer.shown_alone import LEFT, RIGHT, ShownAlone
from napari_gan_enhance.viewer.viewport import camera_of, cell_size, grid_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from napari.components import ViewerModel
    from napari.layers import Image

REACH = 8
"""Screen pixels on either side of the line in which it is taken hold of."""

MARGIN = 0.05
"""Share of the view between its edge and a line that was brought back into it."""

ONLY_FLAT = (
    "The viewer shows three dimensions - the swipe line lies in a plane - switch to 2D "
    "with the button below the layer list."
)


class Curtain(Protocol):
    """What draws the line and hides one side of each layer."""

    def move(self, position: float) -> None:
        """Put the line elsewhere, in world coordinates."""

    def close(self) -> None:
        """Draw layers whole again, and no line."""


class Swipe:
    """Show one layer left of a line and another right of it, until ended.

    It ends itself where it cannot be shown any more: in 3D and in the grid.

    Parameters
    ----------
    viewer : ViewerModel
    before, after : Image
        Left and right.
    new_curtain : callable
        Makes what draws; called when the view is ready.
    on_end : callable
        Called once after the end, with the reason as a sentence; empty where it was
        asked for or is seen.

    Raises
    ------
    InputError
        If the viewer shows three dimensions, or the layers do not overlap.
    """

    def __init__(
        self,
        viewer: ViewerModel,
        before: Image,
        after: Image,
        new_curtain: Callable[[Image, Image], Curtain],
        on_end: Callable[[str], object],
    ) -> None:
        if viewer.dims.ndisplay == 3:
            raise InputError(ONLY_FLAT)
        check_overlap(before, after)
        self._viewer = viewer
        self._layers = (before, after)
        self._on_end = on_end
        self._is_on = True
        self._has_grid = grid_of(viewer).enabled
        grid_of(viewer).enabled = False
        self._shown = ShownAlone(viewer, self._layers, (LEFT, RIGHT))
        self._curtain = new_curtain(before, after)
        self._is_near = False
        self.position = self._view()[0]
        """World coordinate on the axis that lies across the screen."""
        self.move(self.position)
        self._connect()

    def move(self, position: float) -> None:
        """Put the line elsewhere, in world coordinates."""
        self.position = float(position)
        self._curtain.move(self.position)

    def end(self, reason: str = "") -> None:
        """Go back to what was shown before."""
        if not self._is_on:
            return
        self._is_on = False
        self._disconnect()
        self._curtain.close()
        self._shown.end()
        self._show_cursor(False)
        if self._has_grid:
            grid_of(self._viewer).enabled = True
        self._on_end(reason)

    def _view(self) -> tuple[float, float]:
        """Return the middle of the view and half its width, in world coordinates."""
        camera = camera_of(self._viewer)
        width = float(cell_size(self._viewer)[1]) / camera.zoom
        return float(camera.center[-1]), width / 2

    def _across(self, event: Any) -> float:
        """Return where the mouse is on the axis that lies across the screen."""
        return float(event.position[self._viewer.dims.displayed[-1]])

    def _reaches(self, event: Any) -> bool:
        away = abs(self._across(event) - self.position)
        return bool(away * camera_of(self._viewer).zoom <= REACH)

    def _on_press(self, viewer: ViewerModel, event: Any) -> Iterator[None]:
        if not self._reaches(event):
            return
        event.handled = True  # the camera must stay where it is
        yield
        while event.type == "mouse_move":
            event.handled = True
            if self._is_on:
                self.move(self._across(event))
                self._stay_in_view()
            yield

    def _on_hover(self, viewer: ViewerModel, event: Any) -> None:
        if not event.is_dragging:
            self._show_cursor(self._reaches(event))

    def _show_cursor(self, is_near: bool) -> None:
        if is_near == self._is_near:
            return
        self._is_near = is_near
        active = self._viewer.layers.selection.active
        usual = "standard" if active is None else active.cursor
        self._viewer.cursor.style = "pointing" if is_near else usual

    def _stay_in_view(self, event: object = None) -> None:
        middle, half = self._view()
        if abs(self.position - middle) > half:
            inside = half * (1 - 2 * MARGIN)
            side = 1 if self.position > middle else -1
            self.move(middle + side * inside)

    def _on_display(self, event: object = None) -> None:
        if self._viewer.dims.ndisplay == 3:
            self.end(ONLY_FLAT)

    def _on_grid(self, event: object = None) -> None:
        self._has_grid = True  # the user wants it
        self.end()

    def _events(self) -> list[tuple[Any, Callable[..., None]]]:
        camera, dims = camera_of(self._viewer).events, self._viewer.dims.events
        return [
            (camera.center, self._stay_in_view),
            (camera.zoom, self._stay_in_view),
            (dims.order, self._stay_in_view),
            (dims.ndisplay, self._on_display),
            (grid_of(self._viewer).events.enabled, self._on_grid),
        ]

    def _connect(self) -> None:
        for emitter, callback in self._events():
            emitter.connect(callback)
        self._viewer.mouse_drag_callbacks.append(self._on_press)
        self._viewer.mouse_move_callbacks.append(self._on_hover)

    def _disconnect(self) -> None:
        for emitter, callback in self._events():
            emitter.disconnect(callback)
        self._viewer.mouse_drag_callbacks.remove(self._on_press)
        self._viewer.mouse_move_callbacks.remove(self._on_hover)
