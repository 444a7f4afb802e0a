"""A field for a number that may be unknown."""

from __future__ import annotations

import math

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QLineEdit, QWidget

WIDEST = "0.02196"
"""What has to fit: four digits of a small voxel size."""

FRAME = 14
"""Screen pixels beside the text."""


class NumberField(QLineEdit):
    """A line for a number or nothing; a decimal comma is understood.

    Parameters
    ----------
    help_text : str
        Tooltip.
    parent : QWidget, optional
    """

    changed = Signal()
    """The user edited the text."""

    def __init__(self, help_text: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setToolTip(help_text)
        self.setPlaceholderText("not known")
        self.setMinimumWidth(self.fontMetrics().horizontalAdvance(WIDEST) + FRAME)
        self._exact: tuple[str, float | None] = ("", None)
        self.textEdited.connect(lambda _: self.changed.emit())

    @property
    def is_number(self) -> bool:
        """Whether the text is a number or empty."""
        return not self.text().strip() or self.value() is not None

    def value(self) -> float | None:
        """Return the number; None where there is none."""
        shown, exact = self._exact
        text = self.text().strip()
        if text == shown:  # a value from a file is not rounded to what is shown
            return exact
        try:
            number = float(text.replace(",", "."))
        except ValueError:
            return None
        return number if math.isfinite(number) else None

    def set_value(self, value: float | None) -> None:
        """Show a number, or nothing."""
        shown = "" if value is None else f"{value:.4g}"
        self._exact = (shown, value)
        self.setText(shown)
        self.setCursorPosition(0)  # a narrow field shows the leading digits
