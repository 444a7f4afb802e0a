"""Choose the methods of a report: raw, Richardson-Lucy, models, finished results."""

from __future__ import annotations

from pathlib import Path

from qtpy.QtCore import Qt
from qtpy.QtWidgets import (
    QFileDialog,
    QFormLayout,
    QGroupBox,
    QHBoxLayout,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from napari_gan_enhance.viewer.model_choice import CHECKPOINT_SUFFIX, bundled_names

RAW = "raw"
RICHARDSON_LUCY = "richardson-lucy"


class MethodsField(QGroupBox):
    """A list to tick, to which checkpoints and folders can be added.

    Parameters
    ----------
    parent : QWidget, optional
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("Methods", parent)
        self.list = QListWidget(self)
        self.list.setToolTip("What is compared. Keep 'raw': a method must beat it.")
        self.add_model = QPushButton("Add checkpoint…", self)
        self.add_model.setToolTip("Compare a model of your own (.safetensors).")
        self.add_folder = QPushButton("Add results…", self)
        self.add_folder.setToolTip(
            "A folder with finished results of other software, under the names of "
            "their sources."
        )
        self._iterations = QLineEdit(self)
        self._iterations.setToolTip(
            "Of Richardson-Lucy; several numbers, with commas, make a method each: ten "
            "are rarely its best."
        )
        self.show_methods((), ())
        self._lay_out()
        self.add_model.clicked.connect(self._on_model)
        self.add_folder.clicked.connect(self._on_folder)

    def ticked(self) -> tuple[str, ...]:
        """Return the words of the methods that are ticked."""
        return self._words(Qt.CheckState.Checked)

    def others(self) -> tuple[str, ...]:
        """Return the words of those that are not."""
        return self._words(Qt.CheckState.Unchecked)

    def iterations(self) -> tuple[int, ...]:
        """Return the numbers of iterations; what is no number is left out."""
        parts = self._iterations.text().replace(",", " ").split()
        return tuple(int(p) for p in parts if p.isdecimal() and int(p) > 0) or (10,)

    def show_iterations(self, numbers: tuple[int, ...]) -> None:
        """Show numbers of iterations."""
        self._iterations.setText(", ".join(map(str, numbers)))

    def show_methods(self, ticked: tuple[str, ...], others: tuple[str, ...]) -> None:
        """Fill the list: what always can be compared, and what was added before."""
        self.list.clear()
        standing = (RAW, RICHARDSON_LUCY, *bundled_names())
        for word in dict.fromkeys((*standing, *ticked, *others)):
            if word in standing or Path(word.split("=", 1)[-1]).exists():
                self._add(word, is_ticked=word in ticked)

    def _add(self, word: str, *, is_ticked: bool) -> None:
        name, _, folder = word.partition("=")
        text = f"{name} (results)" if folder else Path(word).name
        item = QListWidgetItem(text, self.list)
        item.setData(Qt.ItemDataRole.UserRole, word)
        item.setToolTip(folder or word)
        state = Qt.CheckState.Checked if is_ticked else Qt.CheckState.Unchecked
        item.setCheckState(state)

    def _words(self, state: Qt.CheckState) -> tuple[str, ...]:
        items = [self.list.item(row) for row in range(self.list.count())]
        return tuple(
            str(item.data(Qt.ItemDataRole.UserRole))
            for item in items
            if item is not None and item.checkState() == state
        )

    def _on_model(self) -> None:
        path, _ = QFileDialog.getOpenFileName(
            self, "Choose a checkpoint", "", f"Checkpoints (*{CHECKPOINT_SUFFIX})"
        )
        if path:
            self._add(path, is_ticked=True)

    def _on_folder(self) -> None:
        path = QFileDialog.getExistingDirectory(self, "Choose the results")
        if path:
            self._add(f"{Path(path).name}={path}", is_ticked=True)

    def _lay_out(self) -> None:
        row = QHBoxLayout()
        row.addWidget(self.add_model)
        row.addWidget(self.add_folder)
        form = QFormLayout()
        form.addRow("Richardson-Lucy iterations", self._iterations)
        column = QVBoxLayout(self)
        column.addWidget(self.list, 1)
        column.addLayout(row)
        column.addLayout(form)
