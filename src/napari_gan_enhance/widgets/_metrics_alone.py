"""The part of the Metrics dock that needs no reference: resolution and NIQE."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import Signal
from qtpy.QtWidgets import (
    QFileDialog,
    QGridLayout,
    QHBoxLayout,
    QVBoxLayout,
    QWidget,
)

from napari_gan_enhance.comparison.niqe_file import (
    SharpModel,
    load_niqe,
    save_niqe,
)
from napari_gan_enhance.errors import GanEnhanceError
from napari_gan_enhance.metrics.resolution import DECORRELATION_NOTE, SINGLE_NOTE
from napari_gan_enhance.widgets._fields import (
    choice_box,
    push_button,
    select,
    text_label,
    tick_box,
)
from napari_gan_enhance.widgets._layer_field import LayerField
from napari_gan_enhance.widgets._save_dialog import ask_save

if TYPE_CHECKING:
    from napari.components import ViewerModel

    from napari_gan_enhance.viewer.metrics_choices import MetricsChoices

FILES = "NIQE model (*.json)"
THRESHOLDS = {"1/7": "1/7", "half-bit": "half-bit", "three-sigma": "three-sigma"}
NO_MODEL = "No model: fit one to sharp layers of your own, or load one."


class AloneForm(QWidget):
    """What is measured without a reference, and what it needs.

    Parameters
    ----------
    viewer : ViewerModel
    parent : QWidget, optional
    """

    changed = Signal()
    fit_wanted = Signal()
    """Fit a NIQE model to the ticked layers."""

    def __init__(self, viewer: ViewerModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.decorrelation = tick_box("Decorrelation", DECORRELATION_NOTE)
        self.frc = tick_box(
            "FRC with",
            "Fourier ring correlation with a second recording of the same field: the "
            "period at which the two cease to agree.",
        )
        self.repeat = LayerField(
            viewer, "The second recording, treated as the first.", follows=False
        )
        self.repeat.setCurrentIndex(min(1, self.repeat.count() - 1))
        self.threshold = choice_box(
            THRESHOLDS, "Correlation below which rings are noise; it sets the number."
        )
        self.single_image = tick_box(
            "Single-image FRC", f"{SINGLE_NOTE} Refused for results."
        )
        self.niqe = tick_box(
            "NIQE",
            "How unlike your sharp images a layer looks, lower is better. It sees "
            "whether an image looks right, not whether it is.",
        )
        self.model_text = text_label("What the NIQE model was fitted to.")
        self.fit = push_button(
            "Fit", "Fit the model to the ticked layers: sharp images."
        )
        self.load = push_button("Load…", "Load a model that was saved.")
        self.save = push_button("Save…", "Save the model: only its own scores compare.")
        self._path = ""
        self.model: SharpModel | None = None
        self.show_model(None)
        self._lay_out()
        self._connect()

    def choices(self) -> dict[str, Any]:
        """Return what the controls hold."""
        return {
            "decorrelation": self.decorrelation.isChecked(),
            "frc": self.frc.isChecked(),
            "single_image": self.single_image.isChecked(),
            "niqe": self.niqe.isChecked(),
            "threshold": self.threshold.currentData(),
            "niqe_path": self._path,
        }

    def show_choices(self, choices: MetricsChoices) -> None:
        """Set the controls, and load the model that was used last."""
        self.decorrelation.setChecked(choices.decorrelation)
        self.frc.setChecked(choices.frc)
        self.single_image.setChecked(choices.single_image)
        self.niqe.setChecked(choices.niqe)
        select(self.threshold, choices.threshold)
        self.show_model(None)
        if choices.niqe_path and Path(choices.niqe_path).is_file():
            try:
                self.load_model(Path(choices.niqe_path))
            except GanEnhanceError:  # of last time: not worth a word
                self.show_model(None)

    def show_model(self, model: SharpModel | None, path: str = "") -> None:
        """Use a model."""
        self.model, self._path = model, path
        self.save.setEnabled(model is not None)
        if model is None:
            self.model_text.setText(NO_MODEL)
            return
        names = ", ".join(model.images)
        self.model_text.setText(f"Model of {model.model.blocks} blocks of {names}.")

    def load_model(self, path: Path) -> None:
        """Use a model that was saved.

        Raises
        ------
        FileFormatError
            If the file holds none.
        """
        self.show_model(load_niqe(path), str(path))
        self.changed.emit()

    def save_model(self, path: Path) -> None:
        """Keep the model; the dialog has asked before a file is replaced."""
        if self.model is not None:
            save_niqe(path, self.model, overwrite=True)
            self._path = str(path)
            self.changed.emit()

    def ask_load(self) -> None:
        """Ask for a file and load it."""
        path, _ = QFileDialog.getOpenFileName(self, "Load", "", FILES)
        if path:
            self.load_model(Path(path))

    def ask_save(self) -> None:
        """Ask for a name and save."""
        path = ask_save(self, "Save", "niqe.json", FILES)
        if path is not None:
            self.save_model(path)

    def _connect(self) -> None:
        for box in (self.decorrelation, self.frc, self.single_image, self.niqe):
            box.toggled.connect(self.changed)
        self.threshold.currentIndexChanged.connect(self.changed)
        self.fit.clicked.connect(self.fit_wanted)

    def _lay_out(self) -> None:
        grid = QGridLayout()
        grid.addWidget(self.decorrelation, 0, 0, 1, 3)
        grid.addWidget(self.frc, 1, 0)
        grid.addWidget(self.repeat, 1, 1)
        grid.addWidget(self.threshold, 1, 2)
        grid.addWidget(self.single_image, 2, 0, 1, 3)
        grid.addWidget(self.niqe, 3, 0)
        row = QHBoxLayout()
        for button in (self.fit, self.load, self.save):
            row.addWidget(button)
        grid.addLayout(row, 3, 1, 1, 2)
        grid.setColumnStretch(1, 1)
        column = QVBoxLayout(self)
        column.addLayout(grid)
        column.addWidget(self.model_text)
        column.addStretch(1)
