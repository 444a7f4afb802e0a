"""Tell when the user has moved what is on screen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import QObject, Signal
from superqt.utils import QSignalDebouncer

from napari_gan_enhance.viewer.viewport import view_events

if TYPE_CHECKING:
    from napari.components import ViewerModel

SETTLED_MS = 20
"""A pan or zoom is over when nothing has moved for so long."""


class ViewWatch(QObject):
    """Listen to camera and sliders until closed.

    Parameters
    ----------
    viewer : ViewerModel
    parent : QObject, optional
    """

    settled = Signal()
    """Something else may be on screen now, and nothing moves any more."""

    def __init__(self, viewer: ViewerModel, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._viewer = viewer
        self._debouncer = QSignalDebouncer(parent=self)
        self._debouncer.setTimeout(SETTLED_MS)
        self._debouncer.triggered.connect(self.settled)
        for event in view_events(viewer):
            event.connect(self._on_view)

    def close(self) -> None:
        """Hear no more of the viewer."""
        self._debouncer.cancel()
        for event in view_events(self._viewer):
            event.disconnect(self._on_view)

    def _on_view(self, event: object = None) -> None:
        self._debouncer.throttle()
