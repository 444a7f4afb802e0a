"""All controls of the Enhance dock: gathered into one record, colored where wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtWidgets import QCheckBox, QFormLayout, QSpinBox, QWidget

from napari_gan_enhance.checkpoints.bundled import DEFAULT_MODEL
from napari_gan_enhance.errors import GanEnhanceError
from napari_gan_enhance.viewer.checks import (
    WITHOUT_OPTICS,
    Finding,
    findings,
    wants_psf_width,
)
from napari_gan_enhance.viewer.choices import MOST_ITERATIONS, EnhanceChoices
from napari_gan_enhance.viewer.model_choice import bundled_names
from napari_gan_enhance.viewer.optics_values import with_lateral_optics
from napari_gan_enhance.viewer.verdict import SuitabilityQuestion
from napari_gan_enhance.widgets._fields import choice_box, select
from napari_gan_enhance.widgets._model_field import ModelField
from napari_gan_enhance.widgets._run_controls import RunControls
from napari_gan_enhance.widgets._verdict_row import VerdictRow

if TYPE_CHECKING:
    from napari.components import ViewerModel

    from napari_gan_enhance.micrograph.micrograph import Micrograph
    from napari_gan_enhance.viewer.optics_values import OpticsValues

TRUST_DEPTHS = {"full": "Full (8 more runs)", "fast": "Fast"}
PRECISIONS = {"exact": "Exact", "fast": "Fast preview"}


class EnhanceControls(RunControls):
    """The form of the Enhance dock.

    Parameters
    ----------
    viewer : ViewerModel
    choices : EnhanceChoices
        What to begin with.
    parent : QWidget, optional
    """

    layer_help = "The image to enhance. It is never changed: results are new."
    device_help = "Where the network runs."

    def __init__(
        self,
        viewer: ViewerModel,
        choices: EnhanceChoices,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(viewer, choices, parent)
        self.model = ModelField(DEFAULT_MODEL, self)
        self.verdict = VerdictRow(self)
        self.precision = choice_box(
            PRECISIONS,
            "Exact: float32, for results. Fast: less context, and half precision "
            "where that is faster, for a first look (error about 0.4 % of the range).",
        )
        self.deconvolve = QCheckBox("Richardson-Lucy beside it", self)
        self.deconvolve.setToolTip(
            "Also deconvolve the image classically, as an honest baseline."
        )
        self.iterations = QSpinBox(self)
        self.iterations.setRange(1, MOST_ITERATIONS)
        self.iterations.setToolTip(
            "Richardson-Lucy iterations: more sharpen further and amplify noise."
        )
        # Laid out by the dock beside the button that it is about.
        self.trust = choice_box(
            TRUST_DEPTHS,
            "Full: also run the model on turned and mirrored copies and see where it "
            "disagrees with itself; takes up to ten times as long as the result. Fast: "
            "without that.",
        )
        self._lay_out()
        self.show_choices(choices)
        self._connect()

    @property
    def way_out(self) -> str:
        """What can be done where the optics are not known."""
        return WITHOUT_OPTICS if self.deconvolve.isChecked() else "leave it empty"

    @property
    def needs_optics(self) -> bool:
        """Whether a run would use what the optics form holds."""
        return bool(self.deconvolve.isChecked()) or self._wants_width

    @property
    def _wants_width(self) -> bool:
        try:
            micrograph = self.micrograph()
        except GanEnhanceError:  # `check` says why
            micrograph = None
        return wants_psf_width(self.model.choice, micrograph)

    @property
    def is_only_optics_missing(self) -> bool:
        """Whether a run could start if Richardson-Lucy were switched off."""
        fields = {finding.field for finding in self.blocking}
        return bool(fields) and not fields & {"layer", "model"}

    def choices(self) -> EnhanceChoices:
        """Return what the controls hold."""
        model = self.model.choice
        return EnhanceChoices(
            model=model.value if model else self._last.model,
            recent_models=self.model.recent,
            precision=self.precision.currentData(),
            deconvolve=self.deconvolve.isChecked(),
            iterations=self.iterations.value(),
            trust=self.trust.currentData(),
            **self._optics_values(),
        )

    def show_choices(self, choices: EnhanceChoices) -> None:
        """Set the controls; the optics come from the layer where it knows them."""
        self.model.set_models(bundled_names(), choices.recent_models)
        self.model.choose(choices.model)
        select(self.precision, choices.precision)
        self.deconvolve.setChecked(choices.deconvolve)
        self.iterations.setValue(choices.iterations)
        select(self.trust, choices.trust)
        super().show_choices(choices)

    def _question(self) -> SuitabilityQuestion | None:
        try:
            micrograph = self.micrograph()
            if micrograph is not None and self.needs_optics:
                micrograph = with_lateral_optics(micrograph, self.optics.values())
        except GanEnhanceError:  # `check` says why
            return None
        return SuitabilityQuestion.of(micrograph, self.model.choice)

    def _own_fields(self) -> dict[str, QWidget]:
        return {**super()._own_fields(), "model": self.model.names}

    def _check(
        self, micrograph: Micrograph | None, in_file: OpticsValues | None
    ) -> list[Finding]:
        return findings(self.choices(), micrograph, self.model.choice, in_file)

    def check(self) -> None:
        """Show the optics where they are of use, color what is wrong and say why."""
        is_on = self.deconvolve.isChecked()
        self._form.setRowVisible(self.iterations, is_on)
        self.optics.setVisible(self.needs_optics)
        self.optics.show_axial(is_on)
        super().check()
        self.verdict.ask(self._question())

    def disconnect_viewer(self) -> None:
        """Hear no more of the viewer, and of the verdict."""
        super().disconnect_viewer()
        self.verdict.close_down()

    def _connect(self) -> None:
        super()._connect()
        self.model.chosen.connect(self.check)
        self.precision.currentIndexChanged.connect(self.check)
        self.iterations.valueChanged.connect(self.check)
        self.deconvolve.toggled.connect(self.check)

    def _lay_out(self) -> None:
        self._form = form = QFormLayout(self)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        form.addRow("Layer", self.layer)
        form.addRow("Model", self.model)
        form.addRow(self.model.card)
        form.addRow(self.verdict)
        form.addRow("Device", self.device)
        form.addRow("Precision", self.precision)
        form.addRow("Region", self.region)
        form.addRow(self.deconvolve)
        form.addRow("Iterations", self.iterations)
        form.addRow(self.optics)
