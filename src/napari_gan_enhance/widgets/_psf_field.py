"""Where the PSF comes from: computed, a file, or a layer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtCore import Signal
from qtpy.QtWidgets import (
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLineEdit,
    QToolButton,
    QWidget,
)

from napari_gan_enhance.widgets._fields import choice_box, select
from napari_gan_enhance.widgets._layer_field import LayerField
from napari_gan_enhance.widgets._number_field import NumberField

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Image

    from napari_gan_enhance.viewer.choices import DeconvolveChoices

SOURCES = {
    "computed": "Computed",
    "file": "Measured, from a file",
    "layer": "Measured, from a layer",
}
MODELS = {
    "exact": "Exact",
    "born-wolf": "Born and Wolf (paraxial)",
    "gibson-lanni": "Gibson and Lanni (depth)",
}


class PsfField(QWidget):
    """The source of the PSF, and what that source asks for.

    Parameters
    ----------
    viewer : ViewerModel
    parent : QWidget, optional
    """

    changed = Signal()
    """The user chose or typed something else."""

    def __init__(self, viewer: ViewerModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._source = choice_box(
            SOURCES, "How light spreads: computed from the optics, or measured."
        )
        self.model = choice_box(
            MODELS,
            "Exact: for a sample right behind the cover slip. Born and Wolf: for low "
            "numerical apertures. Gibson and Lanni: deep in a sample whose index is "
            "not that of the immersion.",
        )
        self.depth = NumberField("Distance of the focus from the cover slip.", self)
        self.depth.setPlaceholderText("0")
        self.sample_index = NumberField(
            "Refractive index of the sample: 1.33 water and cells, 1.47 glycerol.", self
        )
        self.path = QLineEdit(self)
        self.path.setPlaceholderText("none")
        self.path.setToolTip("File with the PSF: a plane for planes, else a stack.")
        self.browse = QToolButton(self)
        self.browse.setText("Browse…")
        self.browse.setToolTip("Choose the file with the PSF.")
        self.layer = LayerField(
            viewer,
            "The layer with the PSF, such as one made of beads.",
            follows=False,
            takes_another=False,
        )
        self._lay_out()
        self._connect()
        self._show_rows()

    @property
    def source(self) -> str:
        """Where the PSF comes from: "computed", "file" or "layer"."""
        return str(self._source.currentData())

    def values(self) -> dict[str, Any]:
        """Return the part of DeconvolveChoices that is chosen here."""
        return {
            "psf": self.source,
            "psf_path": self.path.text().strip(),
            "model": self.model.currentData(),
            "depth_um": self.depth.value(),
            "sample_index": self.sample_index.value(),
        }

    def show_choices(self, choices: DeconvolveChoices) -> None:
        """Set the controls; a layer is not remembered."""
        select(self._source, "computed" if choices.psf == "layer" else choices.psf)
        self.path.setText(choices.psf_path)
        select(self.model, choices.model)
        self.depth.set_value(choices.depth_um)
        self.sample_index.set_value(choices.sample_index)

    def choose_layer(self, layer: Image) -> None:
        """Take a layer as the PSF."""
        self.layer.choose(layer)
        select(self._source, "layer")

    def fields(self) -> dict[str, QWidget]:
        """Return the widgets that a Finding may name."""
        others: dict[str, QWidget] = {
            "psf_path": self.path,
            "psf_layer": self.layer,
            "model": self.model,
        }
        return {**self._all_numbers(), **others}

    def numbers(self) -> dict[str, NumberField]:
        """Return the fields for numbers that are asked for now."""
        numbers = self._all_numbers().items()
        return {name: field for name, field in numbers if field.isVisibleTo(self)}

    def _all_numbers(self) -> dict[str, NumberField]:
        return {"depth_um": self.depth, "sample_index": self.sample_index}

    def _on_browse(self) -> None:
        path, _ = QFileDialog.getOpenFileName(
            self, "Choose the PSF", self.path.text(), "Images (*.tif *.tiff)"
        )
        if path:
            self.path.setText(path)

    def _on_chosen(self) -> None:
        self._show_rows()
        self.changed.emit()

    def _show_rows(self) -> None:
        is_computed = self.source == "computed"
        is_deep = is_computed and self.model.currentData() == "gibson-lanni"
        self._form.setRowVisible(self.model, is_computed)
        self._form.setRowVisible(self.depth, is_deep)
        self._form.setRowVisible(self.sample_index, is_deep)
        self._form.setRowVisible(self._file_row, self.source == "file")
        self._form.setRowVisible(self.layer, self.source == "layer")

    def _connect(self) -> None:
        self._source.currentIndexChanged.connect(self._on_chosen)
        self.model.currentIndexChanged.connect(self._on_chosen)
        self.path.textChanged.connect(self.changed)
        self.browse.clicked.connect(self._on_browse)
        self.layer.chosen.connect(self.changed)
        for field in self._all_numbers().values():
            field.changed.connect(self.changed)

    def _lay_out(self) -> None:
        self._file_row = QWidget(self)
        row = QHBoxLayout(self._file_row)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.path, 1)
        row.addWidget(self.browse)
        self._form = form = QFormLayout(self)
        form.setContentsMargins(0, 0, 0, 0)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        form.addRow("PSF", self._source)
        form.addRow("File", self._file_row)
        form.addRow("PSF layer", self.layer)
        form.addRow("Model", self.model)
        form.addRow("Depth (µm)", self.depth)
        form.addRow("Sample index", self.sample_index)
