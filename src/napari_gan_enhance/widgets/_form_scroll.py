"""A form that scrolls where the window is not high enough."""

from __future__ import annotations

from qtpy.QtCore import QEvent, QObject, QSize, Qt
from qtpy.QtWidgets import QFrame, QScrollArea, QWidget

GAP = 8
"""Screen pixels between the form and its scroll bar."""

HEIGHT = 560
"""Preferred height of the form in screen pixels; it scrolls where there is less."""


class FormScroll(QScrollArea):
    """A scroll area as wide as its form, that scrolls only up and down.

    Parameters
    ----------
    form : QWidget
    parent : QWidget
    """

    def __init__(self, form: QWidget, parent: QWidget) -> None:
        super().__init__(parent)
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setWidget(form)

    def sizeHint(self) -> QSize:
        bar, form = self.verticalScrollBar(), self.widget()
        width = form.minimumSizeHint().width() if form is not None else 0
        margin = bar.sizeHint().width() + GAP if bar is not None else 0
        return QSize(width + margin, HEIGHT)

    def minimumSizeHint(self) -> QSize:
        return QSize(self.sizeHint().width(), 0)

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        """Become as large as the form is now; Qt's own scroll areas do not."""
        if event is not None and event.type() == QEvent.Type.LayoutRequest:
            form = self.widget()
            layout = None if form is None else form.layout()
            if layout is not None:  # QFormLayout keeps heights of rows from before
                layout.invalidate()
            self.updateGeometry()
        return bool(super().eventFilter(watched, event))
