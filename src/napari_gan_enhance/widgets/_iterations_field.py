"""How many iterations: a number, or as many as the image bears."""

from __future__ import annotations

from typing import Literal

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QCheckBox, QHBoxLayout, QSpinBox, QWidget

from napari_gan_enhance.viewer.choices import MOST_ITERATIONS

FIRST_NUMBER = 10


class IterationsField(QWidget):
    """A box to tick for "auto", and a number for where it is not.

    Parameters
    ----------
    parent : QWidget, optional
    """

    changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.auto = QCheckBox("Automatic", self)
        self.auto.setToolTip(
            "Stop where more iterations would sharpen noise and no longer the image."
        )
        self.number = QSpinBox(self)
        self.number.setRange(1, MOST_ITERATIONS)
        self.number.setValue(FIRST_NUMBER)
        self.number.setToolTip("More iterations sharpen further and amplify noise.")
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.auto)
        row.addWidget(self.number, 1)
        self.auto.toggled.connect(self.number.setDisabled)
        self.auto.toggled.connect(self.changed)
        self.number.valueChanged.connect(self.changed)

    def value(self) -> int | Literal["auto"]:
        """Return the number of iterations, or "auto"."""
        return "auto" if self.auto.isChecked() else self.number.value()

    def set_value(self, value: int | Literal["auto"]) -> None:
        """Show a number of iterations, or "auto"."""
        self.auto.setChecked(value == "auto")
        if value != "auto":
            self.number.setValue(value)
