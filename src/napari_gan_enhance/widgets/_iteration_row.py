"""A slider over the iterations of a deconvolution."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QHBoxLayout, QLabel, QSlider, QWidget

from napari_gan_enhance.viewer.iterations import (
    KeptIterations,
    kept_iterations,
    show_iteration,
)

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Image


class IterationRow(QWidget):
    """Choose which iteration a result layer shows; hidden where there are none.

    Follows the newest result, and the result that is selected in the viewer.

    Parameters
    ----------
    viewer : ViewerModel
    parent : QWidget, optional
    """

    def __init__(self, viewer: ViewerModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._viewer = viewer
        self._layer: weakref.ref[Image] | None = None
        self.slider = QSlider(Qt.Orientation.Horizontal, self)
        self.slider.setPageStep(1)
        self.slider.setToolTip(
            "Show an earlier iteration in the result layer, also while the run goes "
            "on: fewer are smoother, more are sharper and noisier."
        )
        self.text = QLabel(self)
        self.text.setToolTip("The iteration that the result layer shows and is saved.")
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.text)
        row.addWidget(self.slider, 1)
        self.slider.valueChanged.connect(self._on_slider)
        viewer.layers.selection.events.active.connect(self._on_selected)
        viewer.layers.events.removed.connect(self._on_removed)
        self._on_selected()
        self.refresh()

    @property
    def layer(self) -> Image | None:
        """The layer whose iterations are chosen from."""
        return self._layer() if self._layer is not None else None

    def show_layer(self, layer: Image | None) -> None:
        """Choose from the iterations of a layer; layers without any are ignored."""
        if layer is None or kept_iterations(layer) is None:
            return
        self._forget()
        self._layer = weakref.ref(layer)
        layer.events.data.connect(self.refresh)
        self.refresh()

    def refresh(self, event: object = None) -> None:
        """Show how far the iterations have come, and which one is on screen."""
        kept = kept_iterations(self.layer)
        self.setVisible(kept is not None)
        if kept is None:
            return
        self.slider.blockSignals(True)
        self.slider.setRange(0, kept.newest)
        self.slider.setValue(kept.shown)
        self.slider.blockSignals(False)
        self.text.setText(_text(kept))

    def close_down(self) -> None:
        """Hear no more of the viewer."""
        self._viewer.layers.selection.events.active.disconnect(self._on_selected)
        self._viewer.layers.events.removed.disconnect(self._on_removed)
        self._forget()

    def _forget(self) -> None:
        layer, self._layer = self.layer, None
        if layer is not None:
            layer.events.data.disconnect(self.refresh)

    def _on_slider(self, index: int) -> None:
        if self.layer is not None:
            show_iteration(self.layer, index)

    def _on_selected(self, event: object = None) -> None:
        self.show_layer(self._viewer.layers.selection.active)

    def _on_removed(self, event: Any) -> None:
        if event.value is self.layer:
            self._forget()
            self.refresh()


def _text(kept: KeptIterations) -> str:
    return f"Iteration {kept.numbers[kept.shown]} of {kept.numbers[-1]}"
