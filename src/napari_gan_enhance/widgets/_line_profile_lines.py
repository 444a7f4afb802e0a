"""The list of lines: draw, choose, name, type, remove, undo."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import Qt, Signal
from qtpy.QtGui import QKeySequence, QShortcut
from qtpy.QtWidgets import (
    QGridLayout,
    QLabel,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QVBoxLayout,
    QWidget,
)

from napari_gan_enhance.errors import InputError
from napari_gan_enhance.viewer import profile_lines
from napari_gan_enhance.viewer.profile_lines import Line, LineHistory, vertices_text
from napari_gan_enhance.widgets._fields import push_button
from napari_gan_enhance.widgets._marks import Mark, mark

if TYPE_CHECKING:
    from napari.components import ViewerModel

WIDTH = 230


class LineList(QWidget):
    """All lines of the layer "Line profile", of which one is the current.

    Parameters
    ----------
    viewer : ViewerModel
    parent : QWidget, optional
    """

    chosen = Signal()
    """Another line is the current one."""

    def __init__(self, viewer: ViewerModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._viewer = viewer
        self._lines: list[Line] = []
        self.history = LineHistory(viewer)
        self.new = push_button("New line", "Add a line across what is in view.")
        self.draw = push_button("Draw", "Draw a line with the mouse.")
        self.polyline = push_button(
            "Polyline", "Draw a bent line: click each point, Esc or double click ends."
        )
        self.remove = push_button("Remove", "Take the chosen line away.")
        self.undo = push_button("Undo", "Take back the last change of a line (Ctrl+Z).")
        self.redo = push_button("Redo", "Repeat what was taken back (Ctrl+Shift+Z).")
        self.names = QListWidget(self)
        self.names.setToolTip(
            "Click to choose, double click to rename. Saved tables hold all lines."
        )
        self.points = QLineEdit(self)
        self.points.setToolTip(
            "The line's points as 'y, x; y, x' in world coordinates, as the status bar "
            "shows them. Type others and press Enter."
        )
        self.setFixedWidth(WIDTH)
        self._lay_out()
        self._connect()
        self.refresh()

    def current(self) -> Line | None:
        """Return the current line as it is now; None where there is none."""
        row = self.names.currentRow()
        found = profile_lines.lines(self._viewer)
        if len(found) != len(self._lines):  # drawn a moment ago: the newest
            return found[-1] if found else None
        return found[row] if 0 <= row < len(found) else None

    def all_lines(self) -> list[Line]:
        """Return all lines, the current one first."""
        found, current = profile_lines.lines(self._viewer), self.current()
        first = [x for x in found if current is not None and x.index == current.index]
        return first + [x for x in found if x not in first]

    def refresh(self) -> None:
        """Show the lines as they are now, and take note of them for undo."""
        layer = profile_lines.line_layer(self._viewer)
        if layer is not None:
            profile_lines.name_lines(layer)
        found = profile_lines.lines(self._viewer)
        row = self._row_after(found)
        self.names.blockSignals(True)
        self.names.clear()
        for line in found:
            item = QListWidgetItem(line.name)
            item.setFlags(item.flags() | Qt.ItemFlag.ItemIsEditable)
            self.names.addItem(item)
        self.names.setCurrentRow(row)
        self.names.blockSignals(False)
        self._lines = found
        self.history.record()
        self._show_state()

    def follow_selection(self) -> None:
        """Make the line current that is selected in the viewer."""
        layer = profile_lines.line_layer(self._viewer)
        selected = set() if layer is None else set(layer.selected_data)
        rows = [row for row, line in enumerate(self._lines) if {line.index} == selected]
        if rows and rows[0] != self.names.currentRow():
            self.names.setCurrentRow(rows[0])

    def _row_after(self, found: list[Line]) -> int:
        """Return what is current now: a new line, else the one that was."""
        if len(found) > len(self._lines):
            return len(found) - 1
        return int(min(max(self.names.currentRow(), 0), len(found) - 1))

    def _show_state(self) -> None:
        line = self.current()
        has_images = len(self._viewer.layers) > 0
        for button in (self.new, self.draw, self.polyline):
            button.setEnabled(has_images)
        self.remove.setEnabled(line is not None)
        self.points.setEnabled(line is not None)
        self.undo.setEnabled(self.history.can_undo)
        self.redo.setEnabled(self.history.can_redo)
        mark(self.points, Mark.FINE)
        if not self.points.hasFocus() or not self.points.isModified():
            self.points.setText("" if line is None else vertices_text(line.vertices))
            self.points.setCursorPosition(0)

    def _on_tool(self, mode: str) -> None:
        layer = profile_lines.ensure_line_layer(self._viewer)
        self._viewer.layers.selection.active = layer
        layer.mode = mode

    def _on_row(self, row: int) -> None:
        layer = profile_lines.line_layer(self._viewer)
        if layer is not None and 0 <= row < len(self._lines):
            layer.selected_data = {self._lines[row].index}
        self._show_state()
        self.chosen.emit()

    def _on_remove(self) -> None:
        line = self.current()
        if line is not None:
            profile_lines.remove_line(self._viewer, line)

    def _on_renamed(self, item: QListWidgetItem) -> None:
        line = self._lines[self.names.row(item)]
        profile_lines.rename_line(self._viewer, line, item.text())
        self.refresh()

    def _on_points(self) -> None:
        line = self.current()
        if line is None or not self.points.isModified():
            return
        try:
            vertices = profile_lines.parse_vertices(self.points.text())
        except InputError as error:
            mark(self.points, Mark.WRONG, str(error))
            return
        self.points.setModified(False)
        profile_lines.set_vertices(self._viewer, line, vertices)

    def _connect(self) -> None:
        self.new.clicked.connect(lambda: profile_lines.add_line(self._viewer))
        self.draw.clicked.connect(lambda: self._on_tool("add_line"))
        self.polyline.clicked.connect(lambda: self._on_tool("add_polyline"))
        self.remove.clicked.connect(self._on_remove)
        self.undo.clicked.connect(self.history.undo)
        self.redo.clicked.connect(self.history.redo)
        self.names.currentRowChanged.connect(self._on_row)
        self.names.itemChanged.connect(self._on_renamed)
        self.points.editingFinished.connect(self._on_points)
        for key, button in (("Undo", self.undo), ("Redo", self.redo)):
            shortcut = QShortcut(QKeySequence(getattr(QKeySequence, key)), self)
            shortcut.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
            shortcut.activated.connect(button.click)

    def _lay_out(self) -> None:
        grid = QGridLayout()
        for place, button in enumerate(
            (self.new, self.draw, self.polyline, self.remove, self.undo, self.redo)
        ):
            grid.addWidget(button, *divmod(place, 3))
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addLayout(grid)
        column.addWidget(self.names, 1)
        column.addWidget(QLabel("Points (y, x; y, x)", self))
        column.addWidget(self.points)
