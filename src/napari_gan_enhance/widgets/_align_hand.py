"""Turn and shift a layer by hand, step by step."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import Signal
from qtpy.QtWidgets import (
    QDoubleSpinBox,
    QFormLayout,
    QGridLayout,
    QPushButton,
    QWidget,
)

if TYPE_CHECKING:
    from napari_gan_enhance.registration.transform import Unit

STEPS = {
    "←": (0, 0, 0, -1),
    "→": (0, 0, 0, 1),
    "↑": (0, 0, -1, 0),
    "↓": (0, 0, 1, 0),
    "↺": (1, 0, 0, 0),
    "↻": (-1, 0, 0, 0),
    "Z -": (0, -1, 0, 0),
    "Z +": (0, 1, 0, 0),
}
"""Turns, and shifts along Z, Y and X, in steps."""

HELP = {
    "←": "Shift to the left.",
    "→": "Shift to the right.",
    "↑": "Shift up.",
    "↓": "Shift down.",
    "↺": "Turn about the center, against the clock.",
    "↻": "Turn about the center, with the clock.",
    "Z -": "Shift along Z, to lower planes.",
    "Z +": "Shift along Z, to higher planes.",
}

PLACES = {
    "←": (1, 0), "→": (1, 2), "↑": (0, 1), "↓": (2, 1),
    "↺": (0, 3), "↻": (0, 4), "Z -": (2, 3), "Z +": (2, 4),
}  # fmt: skip
"""Row and column of each button."""


class HandBox(QWidget):
    """Buttons for small moves, and how far each goes.

    Parameters
    ----------
    parent : QWidget, optional
    """

    moved = Signal(float, float, float, float)
    """Degrees, and along Z, Y and X µm, or pixels of a layer without a size."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.shift = _number(0.1, 0.001, 1000, " µm", "How far a shift goes.")
        self.angle = _number(0.5, 0.01, 90, " °", "How far a turn goes.")
        self.buttons = {name: QPushButton(name, self) for name in STEPS}
        grid = QGridLayout()
        for name, button in self.buttons.items():
            button.setToolTip(HELP[name])
            button.setMinimumWidth(34)
            button.setAutoRepeat(True)
            button.clicked.connect(lambda _=False, name=name: self._on_button(name))
            grid.addWidget(button, *PLACES[name])
        form = QFormLayout(self)
        form.setContentsMargins(0, 0, 0, 0)
        form.addRow("Shift by", self.shift)
        form.addRow("Turn by", self.angle)
        form.addRow(grid)

    def show_unit(self, unit: Unit) -> None:
        """Tell in what shifts are counted."""
        self.shift.setSuffix(f" {unit}")

    def _on_button(self, name: str) -> None:
        turn, *steps = STEPS[name]
        step = self.shift.value()
        self.moved.emit(turn * self.angle.value(), *(n * step for n in steps))


def _number(
    value: float, least: float, most: float, unit: str, help_text: str
) -> QDoubleSpinBox:
    box = QDoubleSpinBox()
    box.setDecimals(3)
    box.setRange(least, most)
    box.setValue(value)
    box.setSuffix(unit)
    box.setToolTip(help_text)
    return box
