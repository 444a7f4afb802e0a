"""Choose any number of the viewer's images."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from napari.layers import Image
from qtpy.QtCore import QSize, Qt, Signal
from qtpy.QtWidgets import QListWidget, QListWidgetItem, QWidget

from napari_gan_enhance.viewer.train_preview import images_to_work_on

if TYPE_CHECKING:
    from napari.components import ViewerModel

SIZE = QSize(220, 90)


class LayersField(QListWidget):
    """The viewer's images by name, each with a box to tick.

    Images that are there at the beginning are ticked; later ones are not.

    Parameters
    ----------
    viewer : ViewerModel
    help_text : str
        Tooltip.
    parent : QWidget, optional
    """

    changed = Signal()
    """Another set of layers is ticked."""

    def __init__(
        self, viewer: ViewerModel, help_text: str, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setToolTip(help_text)
        # Long names end with dots; their tooltips have them whole.
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._viewer = viewer
        self._shown: list[weakref.ref[Image]] = []
        images = images_to_work_on(viewer, Image)
        self._ticked: weakref.WeakSet[Image] = weakref.WeakSet(images)
        for connect in self._emitters("connect"):
            connect(self._refill)
        self.itemChanged.connect(self._on_item)
        self._refill()

    def layers(self) -> list[Image]:
        """Return the ticked layers, in the order of the viewer."""
        shown = [ref() for ref in self._shown]
        return [x for x in shown if x is not None and x in self._ticked]

    def tick(self, *layers: Image) -> None:
        """Tick these layers and no others."""
        self._ticked = weakref.WeakSet(layers)
        self._refill()
        self.changed.emit()

    def disconnect_viewer(self) -> None:
        """Hear no more of the viewer."""
        for disconnect in self._emitters("disconnect"):
            disconnect(self._refill)
        for layer in filter(None, (ref() for ref in self._shown)):
            layer.events.name.disconnect(self._refill)

    def sizeHint(self) -> QSize:
        """Return a size for a few layers; longer lists scroll."""
        return SIZE

    def _emitters(self, what: str) -> list[Callable[..., Any]]:
        events = self._viewer.layers.events
        emitters = events.inserted, events.removed, events.reordered
        return [getattr(emitter, what) for emitter in emitters]

    def _refill(self, event: object = None) -> None:
        images = images_to_work_on(self._viewer, Image)
        self.blockSignals(True)
        self.clear()
        self._shown = [weakref.ref(layer) for layer in images]
        for layer in images:
            item = QListWidgetItem(layer.name, self)
            item.setToolTip(layer.name)
            is_ticked = layer in self._ticked
            state = Qt.CheckState.Checked if is_ticked else Qt.CheckState.Unchecked
            item.setCheckState(state)
            layer.events.name.disconnect(self._refill)
            layer.events.name.connect(self._refill)
        self.blockSignals(False)

    def _on_item(self, item: QListWidgetItem) -> None:
        layer = self._shown[self.row(item)]()
        if layer is None:
            return
        if item.checkState() == Qt.CheckState.Checked:
            self._ticked.add(layer)
        else:
            self._ticked.discard(layer)
        self.changed.emit()
