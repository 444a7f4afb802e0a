"""All controls of the Deconvolve dock: one record, colored where it is wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtWidgets import QCheckBox, QFormLayout, QWidget

from napari_gan_enhance.errors import GanEnhanceError
from napari_gan_enhance.viewer.checks import Finding
from napari_gan_enhance.viewer.choices import DeconvolveChoices
from napari_gan_enhance.viewer.deconvolve_checks import (
    MEASURE_PSF,
    PsfLayer,
    deconvolve_findings,
)
from napari_gan_enhance.viewer.layers import micrograph_from_layer
from napari_gan_enhance.widgets._fields import align_labels, choice_box, select
from napari_gan_enhance.widgets._iterations_field import IterationsField
from napari_gan_enhance.widgets._number_field import NumberField
from napari_gan_enhance.widgets._psf_field import PsfField
from napari_gan_enhance.widgets._run_controls import RunControls

if TYPE_CHECKING:
    from napari.components import ViewerModel

    from napari_gan_enhance.micrograph.micrograph import Micrograph
    from napari_gan_enhance.viewer.optics_values import OpticsValues

ALGORITHMS = {
    "plain": "Richardson-Lucy",
    "accelerated": "Accelerated",
    "total-variation": "Total variation",
    "wiener-butterworth": "Wiener-Butterworth",
}


class DeconvolveControls(RunControls):
    """The form of the Deconvolve dock.

    Parameters
    ----------
    viewer : ViewerModel
    choices : DeconvolveChoices
        What to begin with.
    parent : QWidget, optional
    """

    layer_help = "The image to deconvolve. It is never changed: results are new."
    device_help = "Where the deconvolution runs."

    def __init__(
        self,
        viewer: ViewerModel,
        choices: DeconvolveChoices,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(viewer, choices, parent)
        self.psf = PsfField(viewer, self)
        self.algorithm = choice_box(
            ALGORITHMS,
            "Richardson-Lucy: the plain iteration. Accelerated: the same in fewer "
            "iterations. Total variation: less noise, flatter areas. "
            "Wiener-Butterworth: one or two iterations do.",
        )
        self.tv_weight = NumberField(
            "0 to 0.1: more takes away more noise, and fine detail with it.", self
        )
        self.iterations = IterationsField(self)
        self.background = NumberField(
            "Camera offset and background light, on the scale of the image. It is "
            "subtracted first, and not added back; empty subtracts nothing.",
            self,
        )
        self.background.setPlaceholderText("0")
        self.keeps = QCheckBox("Keep iterations for the slider", self)
        self.keeps.setToolTip(
            "Look at earlier iterations during and after the run. Takes the memory of "
            "about ten results."
        )
        self._lay_out()
        self.show_choices(choices)
        self._connect()

    @property
    def way_out(self) -> str:
        """What can be done where the optics are not known."""
        return MEASURE_PSF

    @property
    def needs_optics(self) -> bool:
        """Whether a run would use what the optics form holds."""
        return bool(self.psf.source == "computed")

    def add_psf_parts(self, preview: QWidget, beads: QWidget) -> None:
        """Put what is about the PSF under the optics."""
        row, _ = self._form.getWidgetPosition(self.optics)
        self._form.insertRow(row + 1, preview)
        self._form.insertRow(row + 2, beads)
        align_labels(self)

    def psf_micrograph(self) -> Micrograph | None:
        """Return the layer that holds the PSF; None where there is none to be used."""
        layer = self.psf.layer.layer()
        if self.psf.source != "layer" or layer is None:
            return None
        try:
            return micrograph_from_layer(layer)
        except GanEnhanceError:  # told as a PSF that is not chosen
            return None

    def choices(self) -> DeconvolveChoices:
        """Return what the controls hold; numbers that are none are left out."""
        weight = self.tv_weight.value()
        is_weight = weight is not None and 0 <= weight <= 0.1
        return DeconvolveChoices(
            algorithm=self.algorithm.currentData(),
            iterations=self.iterations.value(),
            background=self.background.value(),
            keeps_iterations=self.keeps.isChecked(),
            **({"tv_weight": weight} if is_weight else {}),
            **self.psf.values(),
            **self._optics_values(),
        )

    def show_choices(self, choices: DeconvolveChoices) -> None:
        """Set the controls; the optics come from the layer where it knows them."""
        self.psf.show_choices(choices)
        select(self.algorithm, choices.algorithm)
        self.tv_weight.set_value(choices.tv_weight)
        self.iterations.set_value(choices.iterations)
        self.background.set_value(choices.background)
        self.keeps.setChecked(choices.keeps_iterations)
        super().show_choices(choices)

    def disconnect_viewer(self) -> None:
        """Hear no more of the viewer."""
        super().disconnect_viewer()
        self.psf.layer.disconnect_viewer()

    def _own_fields(self) -> dict[str, QWidget]:
        own = {"background": self.background, "tv_weight": self.tv_weight}
        return {**super()._own_fields(), **self.psf.fields(), **own}

    def _check(
        self, micrograph: Micrograph | None, in_file: OpticsValues | None
    ) -> list[Finding]:
        psf_layer = self.psf.layer.layer()
        psf = PsfLayer(self.psf_micrograph(), psf_layer is self.layer.layer())
        found = deconvolve_findings(self.choices(), micrograph, psf, in_file)
        return [*self._not_numbers(), *found]

    def _not_numbers(self) -> list[Finding]:
        numbers = self.psf.numbers()
        numbers["background"] = self.background
        wrong = [
            Finding(name, f"{field.text()!r} is not a number: correct it.")
            for name, field in numbers.items()
            if not field.is_number
        ]
        weight = self.choices().tv_weight
        if self._has_weight and self.tv_weight.value() != weight:
            reason = f"{self.tv_weight.text()!r} is no weight: it is 0 to 0.1."
            wrong.append(Finding("tv_weight", reason))
        return wrong

    @property
    def _has_weight(self) -> bool:
        return bool(self.algorithm.currentData() == "total-variation")

    def _on_algorithm(self) -> None:
        self._form.setRowVisible(self.tv_weight, self._has_weight)
        self.check()

    def _connect(self) -> None:
        super()._connect()
        signals: list[Any] = [
            self.psf.changed,
            self.iterations.changed,
            self.background.changed,
            self.tv_weight.changed,
            self.keeps.toggled,
        ]
        for signal in signals:
            signal.connect(self.check)
        self.algorithm.currentIndexChanged.connect(self._on_algorithm)
        self._on_algorithm()

    def _lay_out(self) -> None:
        self._form = form = QFormLayout(self)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        form.addRow("Layer", self.layer)
        form.addRow(self.psf)
        form.addRow(self.optics)
        form.addRow("Algorithm", self.algorithm)
        form.addRow("Weight", self.tv_weight)
        form.addRow("Iterations", self.iterations)
        form.addRow("Background", self.background)
        form.addRow("Region", self.region)
        form.addRow("Device", self.device)
        form.addRow(self.keeps)
