"""The table of the Metrics dock, its notes, and the ways to take it along."""

from __future__ import annotations

from qtpy.QtCore import Qt
from qtpy.QtGui import QGuiApplication
from qtpy.QtWidgets import (
    QHBoxLayout,
    QPushButton,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from napari_gan_enhance.viewer.metrics_table import (
    Group,
    Table,
    all_notes,
    as_csv,
    save_table,
    shown,
)
from napari_gan_enhance.widgets._fields import text_label
from napari_gan_enhance.widgets._save_dialog import ask_save

GUIDE = "Tick the layers to judge, choose what to judge them by, and press 'Measure'."
NAME_WIDTH = 300
"""Screen pixels, at most."""


class MetricsTable(QWidget):
    """A branch for each layer with the median over its planes, a row for each plane.

    Parameters
    ----------
    parent : QWidget, optional
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.tree = QTreeWidget(self)
        self.tree.setToolTip(
            "One line for each layer: the median over its planes, which unfold. The "
            "best of a column is bold."
        )
        self.tree.setHeaderLabels(["Layer"])
        head = self.tree.header()
        if head is not None:
            head.setStretchLastSection(False)
        self.text = text_label("How the numbers were made, and what to think of them.")
        self.text.setText(GUIDE)
        self.copy = QPushButton("Copy", self)
        self.copy.setToolTip("Copy the table, for a spreadsheet.")
        self.export = QPushButton("Export…", self)
        self.export.setToolTip(
            "Save the table as CSV, with all that is needed to measure again."
        )
        self.table: Table | None = None
        self.copy.clicked.connect(self._on_copy)
        self.show_table(None)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.tree, 1)
        column.addWidget(self.text)
        self.row = QHBoxLayout()
        self.row.addWidget(self.copy)
        self.row.addWidget(self.export)
        column.addLayout(self.row)

    def show_table(self, table: Table | None) -> None:
        """Replace what is shown; None shows nothing."""
        self.table = table
        for button in (self.copy, self.export):
            button.setEnabled(table is not None)
        self.tree.clear()
        if table is None:
            return
        self.tree.setColumnCount(1 + len(table.columns))
        self.tree.setHeaderLabels(["Layer", *(c.title for c in table.columns)])
        self._help(table)
        for group in table.groups:
            self._add(table, group)
        for column in range(self.tree.columnCount()):
            self.tree.resizeColumnToContents(column)
        if self.tree.columnWidth(0) > NAME_WIDTH:
            self.tree.setColumnWidth(0, NAME_WIDTH)
        facts = [
            str(table.facts[k]) for k in ("scores", "NIQE model") if k in table.facts
        ]
        self.text.setText("\n".join([*facts, *all_notes(table)]))

    def say(self, text: str) -> None:
        """Show a sentence instead of the notes."""
        self.text.setText(text)

    def ask_export(self) -> None:
        """Ask for a name and save the table.

        Raises
        ------
        OutputError
            If the file cannot be written.
        """
        path = ask_save(self, "Export", "metrics.csv", "Table (*.csv)")
        if path is not None and self.table is not None:
            save_table(path, self.table)

    def _on_copy(self) -> None:
        clipboard = QGuiApplication.clipboard()
        if clipboard is not None and self.table is not None:
            clipboard.setText(as_csv(self.table, delimiter="\t"))

    def _help(self, table: Table) -> None:
        head = self.tree.headerItem()
        for index, column in enumerate(table.columns, start=1):
            better = (
                f" {column.better.capitalize()} is better." if column.better else ""
            )
            if head is not None:
                head.setToolTip(index, f"{column.help}{better}")
                head.setTextAlignment(index, Qt.AlignmentFlag.AlignRight)

    def _add(self, table: Table, group: Group) -> None:
        name = f"{group.layer}, {group.variant}" if group.variant else group.layer
        whole = group.rows[0][1] if group.rows else (None,) * len(table.columns)
        branch = _item(name, whole)
        branch.setToolTip(0, "\n".join([name, *group.notes]))
        for index, value in enumerate(whole):
            if value is not None and value == table.best(index):
                font = branch.font(index + 1)
                font.setBold(True)
                branch.setFont(index + 1, font)
        branch.addChildren([_item(where, row) for where, row in group.rows[1:]])
        self.tree.addTopLevelItem(branch)


def _item(name: str, values: tuple[float | None, ...]) -> QTreeWidgetItem:
    item = QTreeWidgetItem([name, *map(shown, values)])
    for index in range(len(values)):
        item.setTextAlignment(index + 1, Qt.AlignmentFlag.AlignRight)
    return item
