"""What all docks have in common: the viewer, and an end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import QEvent
from qtpy.QtWidgets import QWidget

if TYPE_CHECKING:
    import napari.viewer


class Dock(QWidget):
    """A widget that ends when napari closes it.

    Parameters
    ----------
    napari_viewer : Viewer
    """

    def __init__(self, napari_viewer: napari.viewer.Viewer) -> None:
        super().__init__()
        # napari hands plugins a proxy, whose layers are other proxies each time.
        self._viewer = getattr(napari_viewer, "__wrapped__", napari_viewer)
        self._is_open = True

    def event(self, event: QEvent | None) -> bool:
        """Stop everything when napari takes the widget out of its dock."""
        is_moved = event is not None and event.type() == QEvent.Type.ParentChange
        if is_moved and self.parent() is None and self._is_open:
            self._is_open = False
            self._close_down()
            self.deleteLater()  # napari opens a new one the next time
        return bool(super().event(event))

    def _close_down(self) -> None:
        """Stop what runs and hear no more of the viewer."""
        raise NotImplementedError
