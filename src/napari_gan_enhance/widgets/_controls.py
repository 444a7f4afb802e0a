"""All controls of the Enhance dock: gathered into one record, colored where wrong."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QCheckBox, QComboBox, QFormLayout, QLabel, QWidget

from napari_gan_enhance.errors import GanEnhanceError
from napari_gan_enhance.viewer.checks import Finding, findings, missing_text
from napari_gan_enhance.viewer.choices import EnhanceChoices
from napari_gan_enhance.viewer.layers import micrograph_from_layer
from napari_gan_enhance.viewer.model_choice import bundled_names
from napari_gan_enhance.viewer.optics_values import (
    OpticsValues,
    channel_names,
    optics_in_file,
    with_last_objective,
)
from napari_gan_enhance.widgets._layer_field import LayerField
from napari_gan_enhance.widgets._marks import Mark, mark
from napari_gan_enhance.widgets._model_field import TEXT_WIDTH, ModelField
from napari_gan_enhance.widgets._optics_form import OpticsForm

if TYPE_CHECKING:
    from napari.components import ViewerModel

    from napari_gan_enhance.micrograph.micrograph import Micrograph

DEVICES = {"auto": "Automatic", "cpu": "Processor", "cuda": "CUDA", "mps": "Apple MPS"}
PRECISIONS = {"exact": "Exact", "fast": "Fast preview"}
REGIONS = {"layer": "Whole layer", "view": "Current view"}


class EnhanceControls(QWidget):
    """The form of the Enhance dock.

    Parameters
    ----------
    viewer : ViewerModel
    choices : EnhanceChoices
        What to begin with.
    parent : QWidget, optional
    """

    changed = Signal()
    """A setting, the layer or the model changed; `blocking` is up to date."""

    def __init__(
        self,
        viewer: ViewerModel,
        choices: EnhanceChoices,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.layer = LayerField(viewer, self)
        self.model = ModelField(self)
        self.device = _choice(DEVICES, "Where the network runs.")
        self.precision = _choice(
            PRECISIONS,
            "Exact: float32, for results. Fast: half precision, for a first look "
            "(error about 0.4 % of the range).",
        )
        self.region = _choice(
            REGIONS, "All of the layer, or only the part on screen of what is shown."
        )
        self.deconvolve = QCheckBox("Richardson-Lucy beside it", self)
        self.deconvolve.setToolTip(
            "Also deconvolve the image classically, as an honest baseline."
        )
        self.optics = OpticsForm(self)
        # Laid out by the dock beside its button: at the end of a form that scrolls,
        # the reason for a dead button would not be seen.
        self.reason = QLabel(self)
        self.reason.setWordWrap(True)
        self.reason.setMinimumWidth(TEXT_WIDTH)
        self.reason.setToolTip("What keeps a run from starting, or needs your eye.")
        self.blocking: list[Finding] = []
        self._last = choices
        self._typed: weakref.WeakKeyDictionary[object, OpticsValues] = (
            weakref.WeakKeyDictionary()
        )
        self._lay_out()
        self.show_choices(choices)
        self._connect()

    @property
    def is_only_optics_missing(self) -> bool:
        """Whether a run could start if Richardson-Lucy were switched off."""
        fields = {finding.field for finding in self.blocking}
        return bool(fields) and not fields & {"layer", "model"}

    def micrograph(self) -> Micrograph | None:
        """Return the chosen layer as a micrograph.

        Raises
        ------
        GanEnhanceError
            If the layer cannot be worked on.
        """
        layer = self.layer.layer()
        return None if layer is None else micrograph_from_layer(layer)

    def choices(self) -> EnhanceChoices:
        """Return what the controls hold."""
        optics, model = self.optics.values(), self.model.choice
        return EnhanceChoices(
            model=model.value if model else self._last.model,
            recent_models=self.model.recent,
            device=self.device.currentData(),
            precision=self.precision.currentData(),
            region=self.region.currentData(),
            deconvolve=self.deconvolve.isChecked(),
            iterations=self.optics.iterations.value(),
            numerical_aperture=optics.numerical_aperture,
            immersion_index=optics.immersion_index,
            emission_nm=optics.emission_nm,
            voxel_size_um=optics.voxel_size_um,
        )

    def show_choices(self, choices: EnhanceChoices) -> None:
        """Set the controls; the optics come from the layer where it knows them."""
        self._last = choices
        self.model.set_models(bundled_names(), choices.recent_models)
        self.model.choose(choices.model)
        for field, value in (
            (self.device, choices.device),
            (self.precision, choices.precision),
            (self.region, choices.region),
        ):
            field.setCurrentIndex(field.findData(value))
        self.deconvolve.setChecked(choices.deconvolve)
        self.optics.iterations.setValue(choices.iterations)
        self._typed.clear()
        self._on_layer()

    def check(self) -> None:
        """Color what is wrong and say why."""
        found = self._findings()
        self.blocking = [finding for finding in found if finding.blocks]
        marks = {
            f.field: (Mark.WRONG if f.blocks else Mark.CHECK, f.reason)
            for f in reversed(found)
        }
        mark(self.layer, *marks.get("layer", (Mark.FINE, "")))
        mark(self.model.names, *marks.get("model", (Mark.FINE, "")))
        self.optics.show_marks(marks)
        self.reason.setText(_summary(found))
        self.reason.setVisible(bool(found))
        self.changed.emit()

    def _findings(self) -> list[Finding]:
        try:
            micrograph = self.micrograph()
        except GanEnhanceError as error:
            return [Finding("layer", str(error))]
        wrong = self.optics.not_numbers() if self.deconvolve.isChecked() else []
        if wrong:
            return [Finding(name, self._not_a_number(name)) for name in wrong]
        in_file = None if micrograph is None else optics_in_file(micrograph)
        return findings(self.choices(), micrograph, self.model.choice, in_file)

    def _not_a_number(self, name: str) -> str:
        text = self.optics.fields[name].text()
        return f"{text!r} is not a number: correct it or switch Richardson-Lucy off."

    def _on_layer(self) -> None:
        layer = self.layer.layer()
        values = OpticsValues(emission_nm=(None,))
        names: tuple[str, ...] = ("",)
        try:
            micrograph = self.micrograph()
        except GanEnhanceError:
            micrograph = None  # `check` says why
        if micrograph is not None:
            values = with_last_objective(optics_in_file(micrograph), self._last)
            names = channel_names(micrograph)
        self.optics.show_values(
            self._typed.get(layer, values) if layer else values, names
        )
        self.check()

    def _on_optics(self) -> None:
        layer = self.layer.layer()
        if layer is not None:
            self._typed[layer] = self.optics.values()
        self.check()

    def _on_deconvolve(self) -> None:
        self.optics.setVisible(self.deconvolve.isChecked())
        self.check()

    def _connect(self) -> None:
        self.layer.chosen.connect(self._on_layer)
        self.model.chosen.connect(self.check)
        for field in (self.device, self.precision, self.region):
            field.currentIndexChanged.connect(self.check)
        self.deconvolve.toggled.connect(self._on_deconvolve)
        self.optics.changed.connect(self._on_optics)
        self._on_deconvolve()

    def _lay_out(self) -> None:
        form = QFormLayout(self)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.ExpandingFieldsGrow)
        form.addRow("Layer", self.layer)
        form.addRow("Model", self.model)
        form.addRow(self.model.card)
        form.addRow("Device", self.device)
        form.addRow("Precision", self.precision)
        form.addRow("Region", self.region)
        form.addRow(self.deconvolve)
        form.addRow(self.optics)


def _choice(options: dict[str, str], help_text: str) -> QComboBox:
    box = QComboBox()
    for value, text in options.items():
        box.addItem(text, value)
    box.setToolTip(help_text)
    return box


def _summary(found: list[Finding]) -> str:
    """Return the gravest reasons, each once, for the line under the form."""
    missing = [f.missing for f in found if f.missing]
    reasons = [f.reason for f in found if f.blocks and not f.missing]
    if missing:
        reasons.append(missing_text(missing))
    return "\n".join(dict.fromkeys(reasons or [f.reason for f in found]))
