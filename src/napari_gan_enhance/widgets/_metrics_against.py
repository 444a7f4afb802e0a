"""The part of the Metrics dock that scores against a reference."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QFormLayout, QWidget

from napari_gan_enhance.metrics.conventions import CONVENTIONS
from napari_gan_enhance.widgets._fields import choice_box, select
from napari_gan_enhance.widgets._layer_field import LayerField
from napari_gan_enhance.widgets._marks import Mark, mark
from napari_gan_enhance.widgets._number_field import NumberField

if TYPE_CHECKING:
    from napari.components import ViewerModel

    from napari_gan_enhance.viewer.metrics_choices import MetricsChoices

NAMES = {
    "standard": "Standard",
    "panek": "panek (arXiv 2403.18026)",
    "micro_gan": "micro_gan (arXiv 1910.14207)",
    "dlsr": "dlsr (Nat. Methods 2021)",
}
FITS = {"affine": "Gain and offset fitted", "none": "As they are", "both": "Both"}
PLACINGS = {
    "world": "Where they overlap",
    "field": "Edge to edge",
    "pixels": "Pixel by pixel",
}


class AgainstForm(QWidget):
    """Reference, convention, fit, range and where layers are compared.

    Parameters
    ----------
    viewer : ViewerModel
    parent : QWidget, optional
    """

    changed = Signal()

    def __init__(self, viewer: ViewerModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.reference = LayerField(
            viewer,
            "The layer taken for the truth: a confocal, a long exposure, the mean of "
            "many.",
            follows=False,
        )
        self.reference.setCurrentIndex(min(1, self.reference.count() - 1))
        self.convention = choice_box(
            NAMES,
            "Ours, or that of a publication to compare with its numbers; those scale "
            "images in their own way and have no fit.",
        )
        self.fit = choice_box(
            FITS,
            "Bring each plane to the scale of the reference first, by least squares: "
            "microscopes and networks do not share a scale.",
        )
        self.data_range = NumberField(
            "Largest minus smallest possible intensity, for PSNR and SSIM; by default "
            "the distance of the 3rd and 99.8th percentile of the reference."
        )
        self.data_range.setPlaceholderText("from the reference")
        self.placing = choice_box(
            PLACINGS,
            "Where both layers lie over each other in the viewer; or edge to edge, "
            "whatever their pixel sizes say; or pixel by pixel, for equal sizes.",
        )
        self._form = QFormLayout(self)
        for label, field in (
            ("Reference", self.reference),
            ("Convention", self.convention),
            ("Intensities", self.fit),
            ("Data range", self.data_range),
            ("Compared", self.placing),
        ):
            self._form.addRow(label, field)
        self._connect()

    @property
    def problem(self) -> str:
        """What is wrong with a value; empty where nothing is."""
        value = self.data_range.value()
        is_right = self.data_range.is_number and (value is None or value > 0)
        return "" if is_right else "The data range is no positive number: change it."

    def choices(self) -> dict[str, Any]:
        """Return what the controls hold."""
        return {
            "convention": self.convention.currentData(),
            "fit": self.fit.currentData(),
            "data_range": None if self.problem else self.data_range.value(),
            "placing": self.placing.currentData(),
        }

    def show_choices(self, choices: MetricsChoices) -> None:
        """Set the controls; the reference stays."""
        select(self.convention, choices.convention)
        select(self.fit, choices.fit)
        self.data_range.set_value(choices.data_range)
        select(self.placing, choices.placing)
        self._on_changed()

    def _on_changed(self) -> None:
        is_fixed = CONVENTIONS[self.convention.currentData()].is_fixed
        for field in (self.fit, self.data_range):
            field.setDisabled(is_fixed)
        problem = self.problem
        mark(self.data_range, Mark.WRONG if problem else Mark.FINE, problem)
        self.changed.emit()

    def _connect(self) -> None:
        self.data_range.changed.connect(self._on_changed)
        for box in (self.convention, self.fit, self.placing):
            box.currentIndexChanged.connect(self._on_changed)
