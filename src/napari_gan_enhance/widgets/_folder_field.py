"""A field for a folder."""

from __future__ import annotations

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QFileDialog, QHBoxLayout, QLineEdit, QToolButton, QWidget

WIDTH = 260
"""Screen pixels: the end of a path should be seen."""


class FolderField(QWidget):
    """A line for the path of a folder, and a button to look for it.

    Parameters
    ----------
    help_text : str
        Tooltip.
    parent : QWidget, optional
    """

    changed = Signal()
    """Another path is shown, one letter typed included."""
    settled = Signal()
    """A path was typed to its end, or chosen."""

    def __init__(self, help_text: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.path = QLineEdit(self)
        self.path.setToolTip(help_text)
        self.path.setMinimumWidth(WIDTH)
        self.browse = QToolButton(self)
        self.browse.setText("Browse…")
        self.browse.setToolTip("Choose the folder.")
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.path, 1)
        row.addWidget(self.browse)
        self.path.textChanged.connect(self.changed)
        self.path.editingFinished.connect(self.settled)
        self.browse.clicked.connect(self._on_browse)

    def value(self) -> str:
        """Return the path; empty where there is none."""
        return str(self.path.text().strip())

    def set_value(self, path: str) -> None:
        """Show a path."""
        self.path.setText(path)
        self.settled.emit()

    def _on_browse(self) -> None:
        path = QFileDialog.getExistingDirectory(self, "Choose", self.value())
        if path:
            self.set_value(path)
