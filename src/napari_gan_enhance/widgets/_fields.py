"""Small controls that all docks are made of."""

from __future__ import annotations

from qtpy.QtWidgets import QComboBox, QLabel

TEXT_WIDTH = 260
"""Screen pixels; Qt reserves the height that wrapped text needs at its least width."""


def choice_box(options: dict[str, str], help_text: str) -> QComboBox:
    """Return a list of texts, each standing for a value."""
    box = QComboBox()
    for value, text in options.items():
        box.addItem(text, value)
    box.setToolTip(help_text)
    return box


def select(box: QComboBox, value: object) -> None:
    """Choose the text that stands for a value."""
    box.setCurrentIndex(box.findData(value))


def text_label(help_text: str) -> QLabel:
    """Return an empty label for sentences."""
    label = QLabel()
    label.setWordWrap(True)
    label.setMinimumWidth(TEXT_WIDTH)
    label.setToolTip(help_text)
    return label
