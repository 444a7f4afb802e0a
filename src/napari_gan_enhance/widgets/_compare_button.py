"""Put source and results side by side, and back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from qtpy.QtWidgets import QPushButton, QWidget

from napari_gan_enhance.viewer.compare import Comparison
from napari_gan_enhance.widgets._one_comparison import Compares

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Image


class CompareButton(QPushButton, Compares):
    """A button that stays down while layers are compared.

    Parameters
    ----------
    viewer : ViewerModel
    parent : QWidget, optional
    """

    def __init__(self, viewer: ViewerModel, parent: QWidget | None = None) -> None:
        super().__init__("Compare", parent)
        self.setCheckable(True)
        self.setToolTip(
            "Source and results side by side, with the same zoom and matched contrast. "
            "Press once more to go back. A swipe line, blinking and differences are in "
            "Plugins > GAN Enhance > Compare."
        )
        self._viewer = viewer
        self._layers: list[Image] = []
        self._comparison: Comparison | None = None
        self.toggled.connect(self._on_toggled)

    def set_layers(self, layers: Sequence[Image | None]) -> None:
        """Say what can be compared: the source first; fewer than two disable it."""
        self._layers = [layer for layer in layers if layer in self._viewer.layers]
        self.setEnabled(len(self._layers) > 1 or self.isChecked())

    def end(self) -> None:
        """Go back to how the viewer was, if layers are being compared."""
        self.setChecked(False)

    def _on_toggled(self, is_on: bool) -> None:
        if is_on:
            self.end_others()
            self._comparison = Comparison(self._viewer, self._layers)
        elif self._comparison is not None:
            self._comparison.end()
            self._comparison = None
            self.set_layers(self._layers)  # one of them may be gone
        self.setText("End comparison" if is_on else "Compare")
