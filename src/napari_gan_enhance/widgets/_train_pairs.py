"""The pairs of the Train dock: cut from two layers, or whole folders."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from napari.utils.notifications import show_error
from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import (
    QFileDialog,
    QFormLayout,
    QGroupBox,
    QHBoxLayout,
    QListWidget,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from napari_gan_enhance.errors import GanEnhanceError, InputError
from napari_gan_enhance.viewer.train_pairs import AddedPair, PairRow, TrainPairs
from napari_gan_enhance.widgets._fields import push_button, text_label
from napari_gan_enhance.widgets._layer_field import LayerField
from napari_gan_enhance.widgets._told import told
from napari_gan_enhance.widgets._worker import JobRunner

if TYPE_CHECKING:
    from napari.components import ViewerModel

    from napari_gan_enhance.progress import Job, Progress

LIST_HEIGHT = 72

ADD, STOP = "Add pair", "Stop"
"""What the one button does, to which both belong."""


class PairsBox(QGroupBox):
    """Two layers, the button that makes a pair of them, and the list of pairs.

    Parameters
    ----------
    viewer : ViewerModel
    parent : QWidget, optional
    """

    changed = Signal()
    """The list changed, or a pair is being cut."""

    def __init__(self, viewer: ViewerModel, parent: QWidget | None = None) -> None:
        super().__init__("Pairs", parent)
        self._viewer = viewer
        self.pairs = TrainPairs()
        self._rows: list[PairRow] = []
        self._is_saving = False
        self.runner = JobRunner(self)
        self.source = LayerField(
            viewer, "What your microscope gives: wide-field, noisy.", follows=False
        )
        self.target = LayerField(
            viewer,
            "What it should look like: confocal, or a long exposure. Align the two "
            "layers first.",
            follows=False,
        )
        self.target.step_aside_for(self.source)
        self.list = QListWidget(self)
        self.list.setMaximumHeight(LIST_HEIGHT)
        # A name may be longer than the dock is wide; how many patches stands last.
        self.list.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.setToolTip(
            "Training pairs. Pairs cut from layers are gone when the dock is closed, "
            "unless saved; folders are only read."
        )
        self.report = text_label("What came of the last pair.")
        self.add, self.remove, self.open, self.save = _buttons()
        self._lay_out()
        self._connect()
        self.refresh()

    def add_pair(self) -> None:
        """Begin to cut a pair from the two layers, or stop what is being done.

        Raises
        ------
        InputError
            If there are not two layers.
        """
        if self.runner.is_running:
            self.add.setEnabled(False)
            self.runner.stop()
            return
        source, target = self.source.layer(), self.target.layer()
        if source is None or target is None:
            raise InputError(
                "There are not two image layers - a pair is made of a source and a "
                "target - open both images."
            )
        job = self.pairs.add_layers(self._viewer, source, target)
        self.report.setText("Cutting…")
        self._run(job, f"Cutting pairs of {source.name!r}")

    def refresh(self) -> None:
        """Show the pairs that are there now."""
        self._rows = self.pairs.rows()
        chosen = self.list.currentRow()
        self.list.clear()
        self.list.addItems([row.text for row in self._rows])
        for index, row in enumerate(self._rows):
            self.list.item(index).setToolTip(row.text)
        self.list.setCurrentRow(min(max(chosen, 0), len(self._rows) - 1))
        is_idle = not self.runner.is_running
        self.add.setText(ADD if is_idle else STOP)
        self.add.setEnabled(True)
        self.remove.setEnabled(is_idle and bool(self._rows))
        self.open.setEnabled(is_idle)
        self.save.setEnabled(is_idle and self.pairs.has_unsaved)
        self.changed.emit()

    def close_down(self) -> None:
        """Stop, delete what was not saved, hear no more of the viewer."""
        self.runner.abandon(may_finish=self._is_saving)
        self.pairs.close()
        self.source.disconnect_viewer()
        self.target.disconnect_viewer()

    def _run(
        self, job: Job[AddedPair | Path], title: str, *, is_saving: bool = False
    ) -> None:
        self._is_saving = is_saving
        self.runner.start(partial(self.pairs.lent_to, job), title=title)
        self.refresh()

    def _on_returned(self, result: AddedPair | Path) -> None:
        if isinstance(result, Path):
            self.report.setText(f"Saved in {str(result)!r}.")
        else:
            self.report.setText(_text(result))

    def _on_stopped(self) -> None:
        self.report.setText("Stopped: nothing was added or saved.")

    def _on_reported(self, progress: Progress) -> None:
        if progress.total > 1:
            self.report.setText(
                f"{progress.stage.capitalize()}, {progress.done} of {progress.total}…"
            )

    def _on_failed(self, error: GanEnhanceError) -> None:
        self.report.setText(str(error))
        show_error(str(error))

    def _on_remove(self) -> None:
        index = self.list.currentRow()
        if 0 <= index < len(self._rows):
            self.pairs.remove(self._rows[index])
            self.report.clear()
            self.refresh()

    def _on_open(self) -> None:
        folder = QFileDialog.getExistingDirectory(self, "Open a data set of pairs")
        if folder:
            self.pairs.open(Path(folder))
            self.report.clear()
            self.refresh()

    def _on_save(self) -> None:
        folder = QFileDialog.getExistingDirectory(self, "Save pairs: an empty folder")
        if folder:
            self._run(self.pairs.save(Path(folder)), "Saving pairs", is_saving=True)

    def _connect(self) -> None:
        self.add.clicked.connect(told(self.add_pair, self.report.setText))
        self.remove.clicked.connect(told(self._on_remove, self.report.setText))
        self.open.clicked.connect(told(self._on_open, self.report.setText))
        self.save.clicked.connect(told(self._on_save, self.report.setText))
        for field in (self.source, self.target):  # what was said is of other layers
            field.chosen.connect(self.report.clear)
        self.runner.reported.connect(self._on_reported)
        self.runner.returned.connect(self._on_returned)
        self.runner.stopped.connect(self._on_stopped)
        self.runner.failed.connect(self._on_failed)
        self.runner.idle.connect(self.refresh)

    def _lay_out(self) -> None:
        form = QFormLayout()
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        form.addRow("Source", self.source)
        form.addRow("Target", self.target)
        row = QHBoxLayout()
        for button in (self.remove, self.open, self.save):
            row.addWidget(button)
        column = QVBoxLayout(self)
        column.addLayout(form)
        for widget in (self.add, self.report, self.list):
            column.addWidget(widget)
        column.addLayout(row)


def _text(added: AddedPair) -> str:
    """Say what became of two layers."""
    channels = (
        f" in {added.channels_used} of {added.channels} channels"
        if added.channels > 1
        else ""
    )
    time = "" if added.time is None else f" of time point {added.time} alone"
    rejected = (
        f"; {added.rejected} rejected, where source and target do not correlate"
        if added.rejected
        else ", none rejected"
    )
    return f"{added.field}: {added.accepted} patches{channels}{time}{rejected}."


def _buttons() -> list[QPushButton]:
    texts = {
        ADD: "Cut the overlap of the two layers into patches, wherever they lie "
        "in the viewer; patches that do not correlate are left out.",
        "Remove": "Take the chosen line out of the list; files of yours stay.",
        "Open…": "Add a data set: a folder that holds source/ and target/.",
        "Save…": "Save the pairs cut here as a data set, into an empty folder.",
    }
    return [push_button(text, help_text) for text, help_text in texts.items()]
