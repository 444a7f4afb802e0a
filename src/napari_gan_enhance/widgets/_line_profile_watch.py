"""Tell when curves along a line may be others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QObject, Signal

from napari_gan_enhance.viewer.profile_lines import line_layer

if TYPE_CHECKING:
    from napari.components import ViewerModel

PLACED = ("visible", "set_data", "colormap", "name", "extent")
"""Events of a layer after which its curve may be another; RGB has no color map."""


class ProfileWatch(QObject):
    """Listen to sliders, images and lines until closed.

    Parameters
    ----------
    viewer : ViewerModel
    parent : QObject, optional
    """

    changed = Signal()
    """Something may have moved that is no line."""
    moved = Signal()
    """A line may have moved, and nothing else."""
    replaced = Signal()
    """The pixels of a layer are others or gone, and something may have moved."""
    selected = Signal()
    """Another line may be selected in the viewer."""

    def __init__(self, viewer: ViewerModel, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._viewer = viewer
        for emitter in self._list_events():
            emitter.connect(self._on_layers)
        viewer.layers.events.removed.connect(self._on_data)
        for emitter in self._slider_events():
            emitter.connect(self._on_change)
        self._on_layers()

    def close(self) -> None:
        """Hear no more of the viewer."""
        for emitter in self._list_events():
            emitter.disconnect(self._on_layers)
        self._viewer.layers.events.removed.disconnect(self._on_data)
        for emitter in self._slider_events():
            emitter.disconnect(self._on_change)
        for layer in self._viewer.layers:
            self._ignore(layer)

    def _on_layers(self, event: object = None) -> None:
        lines: Any = line_layer(self._viewer)
        for layer in self._viewer.layers:
            self._ignore(layer)
            react = self._on_line if lines is layer else self._on_change
            for emitter in _placed(layer):
                emitter.connect(react)
            if lines is layer:
                layer.events.highlight.connect(self._on_highlight)
            else:
                layer.events.data.connect(self._on_data)
        self._on_change()

    def _ignore(self, layer: Any) -> None:
        for emitter in _placed(layer):
            emitter.disconnect(self._on_change)
            emitter.disconnect(self._on_line)
        layer.events.data.disconnect(self._on_data)
        if hasattr(layer.events, "highlight"):
            layer.events.highlight.disconnect(self._on_highlight)

    # Methods, not signals, are connected: psygnal and napari keep only weak references
    # to them, and a signal's `emit` would be called with the event.
    def _on_change(self, event: object = None) -> None:
        self.changed.emit()

    def _on_line(self, event: object = None) -> None:
        self.moved.emit()

    def _on_data(self, event: object = None) -> None:
        self.replaced.emit()

    def _on_highlight(self, event: object = None) -> None:
        self.selected.emit()

    def _list_events(self) -> list[Any]:
        layers = self._viewer.layers.events
        return [layers.inserted, layers.removed, layers.reordered]

    def _slider_events(self) -> list[Any]:
        dims = self._viewer.dims.events
        return [dims.current_step, dims.order, dims.ndisplay]


def _placed(layer: Any) -> list[Any]:
    emitters = (getattr(layer.events, name, None) for name in PLACED)
    return [emitter for emitter in emitters if emitter is not None]
