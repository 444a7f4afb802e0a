"""Choose the two layers that are compared."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari.layers import Image
from qtpy.QtCore import Signal
from qtpy.QtWidgets import QFormLayout, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from napari_gan_enhance.widgets._layer_field import LayerField

if TYPE_CHECKING:
    from napari.components import ViewerModel


class PairField(QWidget):
    """Two layers; two images that are selected in the viewer become the chosen ones.

    Parameters
    ----------
    viewer : ViewerModel
    parent : QWidget, optional
    """

    chosen = Signal()
    """Another pair is chosen."""

    def __init__(self, viewer: ViewerModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._viewer = viewer
        self._is_choosing = False
        follow = "Or select two images in the layer list: Ctrl and click."
        self.before = LayerField(
            viewer,
            f"Left, shown first, and what is subtracted. {follow}",
            follows=False,
        )
        self.after = LayerField(
            viewer, f"Right, shown second, minus the other. {follow}", follows=False
        )
        self.swap = QPushButton("Swap", self)
        self.swap.setToolTip("Exchange the two layers.")
        self._lay_out()
        self.after.step_aside_for(self.before)
        viewer.layers.selection.events.changed.connect(self._follow)
        self._follow()
        for field in (self.before, self.after):
            field.chosen.connect(self._on_chosen)
        self.swap.clicked.connect(self._on_swap)

    def layers(self) -> tuple[Image | None, Image | None]:
        """Return the two layers; None where there is none."""
        return self.before.layer(), self.after.layer()

    def choose(self, before: Image, after: Image) -> None:
        """Choose two layers of the viewer, at once."""
        self._is_choosing = True
        self.before.choose(before)
        self.after.choose(after)
        self._is_choosing = False
        self.chosen.emit()

    def close_down(self) -> None:
        """Hear no more of the viewer."""
        self._viewer.layers.selection.events.changed.disconnect(self._follow)
        self.before.disconnect_viewer()
        self.after.disconnect_viewer()

    def _on_chosen(self) -> None:
        if not self._is_choosing:  # both change at once
            self.chosen.emit()

    def _follow(self, event: object = None) -> None:
        selected = self._viewer.layers.selection
        images = [x for x in self._viewer.layers if x in selected and type(x) is Image]
        if len(images) == 2 and set(images) != set(self.layers()):
            self.choose(images[0], images[1])

    def _on_swap(self) -> None:
        before, after = self.layers()
        if before is not None and after is not None:
            self.choose(after, before)

    def _lay_out(self) -> None:
        form = QFormLayout()
        form.setContentsMargins(0, 0, 0, 0)
        form.addRow("Before", self.before)
        form.addRow("After", self.after)
        row = QHBoxLayout()
        row.addStretch(1)
        row.addWidget(self.swap)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addLayout(form)
        column.addLayout(row)
