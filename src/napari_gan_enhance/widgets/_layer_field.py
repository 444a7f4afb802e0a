"""Choose one of the viewer's layers of one kind."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any

from napari.layers import Image, Layer
from qtpy.QtCore import Signal
from qtpy.QtWidgets import QComboBox, QWidget

from napari_gan_enhance.viewer.results import is_unfinished
from napari_gan_enhance.viewer.train_preview import images_to_work_on

if TYPE_CHECKING:
    from napari.components import ViewerModel


class LayerField(QComboBox):
    """The layers of one kind by name; follows the viewer's list and its selection.

    The held-out region of a training is none of them, nor is a misalignment map.

    Parameters
    ----------
    viewer : ViewerModel
    help_text : str
        Tooltip.
    parent : QWidget, optional
    kind : type of Layer
        Subclasses do not count: a Labels layer is no image.
    follows : bool
        Whether the layer that is selected in the viewer becomes the chosen one.
    takes_another : bool
        Whether another layer is chosen where there is none yet, or it was removed.
    """

    chosen = Signal()
    """Another layer, or none, is chosen now."""

    def __init__(
        self,
        viewer: ViewerModel,
        help_text: str,
        parent: QWidget | None = None,
        *,
        kind: type[Layer] = Image,
        follows: bool = True,
        takes_another: bool = True,
    ) -> None:
        super().__init__(parent)
        self.setToolTip(help_text)
        self.setSizeAdjustPolicy(
            QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
        )
        self.setMinimumContentsLength(12)
        self._viewer = viewer
        self._kind = kind
        self._if_none = 0 if takes_another else -1
        self._layers: list[weakref.ref[Layer]] = []
        self._results: weakref.WeakSet[Layer] = weakref.WeakSet()
        self._shown: weakref.ref[Layer] | None = None
        self._other: LayerField | None = None
        self._connect()
        self.currentIndexChanged.connect(self._announce)
        self._refill()
        if follows:
            viewer.layers.selection.events.active.connect(self._follow)
            self._follow()

    def layer(self) -> Any:
        """Return the chosen layer; None where there is none."""
        index = self.currentIndex()
        return self._layers[index]() if 0 <= index < len(self._layers) else None

    def choose(self, layer: Layer) -> None:
        """Choose a layer of the viewer."""
        for index, candidate in enumerate(self._layers):
            if candidate() is layer:
                self.setCurrentIndex(index)

    def ignore(self, layer: Layer) -> None:
        """Do not jump to this layer when it is selected: it is one of our results."""
        self._results.add(layer)

    def step_aside_for(self, other: LayerField) -> None:
        """Choose another layer than that field wherever there is one."""
        self._other = other
        other.chosen.connect(self._step_aside)
        self._step_aside()

    def disconnect_viewer(self) -> None:
        """Hear no more of the viewer."""
        events = self._viewer.layers.events
        for emitter in (events.inserted, events.removed, events.reordered):
            emitter.disconnect(self._refill)
        self._viewer.layers.selection.events.active.disconnect(self._follow)
        for layer in filter(None, (ref() for ref in self._layers)):
            layer.events.name.disconnect(self._refill)

    def _connect(self) -> None:
        events = self._viewer.layers.events
        for emitter in (events.inserted, events.removed, events.reordered):
            emitter.connect(self._refill)

    def _refill(self, event: object = None) -> None:
        chosen = self.layer()
        ours = images_to_work_on(self._viewer, self._kind)
        self.blockSignals(True)
        self.clear()
        self._layers = [weakref.ref(layer) for layer in ours]
        for layer in ours:
            self.addItem(layer.name)
            layer.events.name.disconnect(self._refill)
            layer.events.name.connect(self._refill)
        self.setCurrentIndex(ours.index(chosen) if chosen in ours else self._if_none)
        self.blockSignals(False)
        self._step_aside()
        self._announce()

    def _step_aside(self) -> None:
        taken = self._other and self._other.layer()
        if taken is None or taken is not self.layer():
            return
        for index, layer in enumerate(ref() for ref in self._layers):
            if layer is not None and layer is not taken:
                self.setCurrentIndex(index)
                return

    def _follow(self, event: object = None) -> None:
        if not self.isEnabled():  # a run lasts, and selects what it adds
            return
        active = self._viewer.layers.selection.active
        if type(active) is not self._kind or active in self._results:
            return
        if not is_unfinished(active):  # napari selects what a run of any dock adds
            self.choose(active)

    def _announce(self) -> None:
        layer = self.layer()
        if layer is not (self._shown and self._shown()):
            self._shown = None if layer is None else weakref.ref(layer)
            self.chosen.emit()
