"""Small controls that all docks are made of."""

from __future__ import annotations

from qtpy.QtWidgets import (
    QCheckBox,
    QComboBox,
    QFormLayout,
    QLabel,
    QPushButton,
    QWidget,
)

LABEL_WIDTH = 130
"""Screen pixels: the name of a channel may be longer than its field."""

TEXT_WIDTH = 260
"""Screen pixels; Qt reserves the height that wrapped text needs at its least width."""


def align_labels(widget: QWidget) -> None:
    """Give all labels of all forms in a widget one width, so that fields line up."""
    labels = []
    for form in widget.findChildren(QFormLayout):
        rows = range(form.rowCount())
        found = (form.itemAt(row, QFormLayout.ItemRole.LabelRole) for row in rows)
        labels += [item.widget() for item in found if item is not None]
    width = max((label.sizeHint().width() for label in labels), default=0)
    for label in labels:
        label.setMinimumWidth(min(width, LABEL_WIDTH))


def choice_box(options: dict[str, str], help_text: str) -> QComboBox:
    """Return a list of texts, each standing for a value."""
    box = QComboBox()
    for value, text in options.items():
        box.addItem(text, value)
    box.setToolTip(help_text)
    return box


def push_button(text: str, help_text: str) -> QPushButton:
    """Return a button that says what it is for."""
    button = QPushButton(text)
    button.setToolTip(help_text)
    return button


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


def tick_box(text: str, help_text: str) -> QCheckBox:
    """Return a box to tick that says what it is for."""
    box = QCheckBox(text)
    box.setToolTip(help_text)
    return box
