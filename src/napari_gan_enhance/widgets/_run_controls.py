"""What the forms of all docks that run over a layer have in common."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import Signal
from qtpy.QtGui import QShowEvent
from qtpy.QtWidgets import QWidget

from napari_gan_enhance.errors import GanEnhanceError
from napari_gan_enhance.viewer.checks import Finding, missing_text
from napari_gan_enhance.viewer.layers import micrograph_from_layer
from napari_gan_enhance.viewer.optics_values import (
    OpticsValues,
    TypedOptics,
    channel_names,
    optics_in_file,
    with_last_objective,
)
from napari_gan_enhance.widgets._fields import (
    align_labels,
    choice_box,
    select,
    text_label,
)
from napari_gan_enhance.widgets._layer_field import LayerField
from napari_gan_enhance.widgets._marks import Mark, mark
from napari_gan_enhance.widgets._optics_form import OpticsForm

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Image

    from napari_gan_enhance.micrograph.micrograph import Micrograph
    from napari_gan_enhance.viewer.choices import RunChoices

DEVICES = {"auto": "Automatic", "cpu": "Processor", "cuda": "CUDA", "mps": "Apple MPS"}
REGIONS = {"layer": "Whole layer", "view": "Current view"}


class RunControls(QWidget):
    """A layer, its optics, where to compute, and what is wrong with all that.

    A form adds its own controls, gives all of them as one record (`choices`,
    `show_choices`) and says what is wrong with them (`_check`).

    Parameters
    ----------
    viewer : ViewerModel
    choices : RunChoices
        What to begin with.
    parent : QWidget, optional
    """

    changed = Signal()
    """A setting or the layer changed; `blocking` is up to date."""

    layer_help = "The image to work on. It is never changed: results are new."
    device_help = "Where to compute."

    def __init__(
        self,
        viewer: ViewerModel,
        choices: RunChoices,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.layer = LayerField(viewer, self.layer_help, self)
        self.device = choice_box(DEVICES, self.device_help)
        self.region = choice_box(
            REGIONS, "All of the layer, or only the part on screen of what is shown."
        )
        self.optics = OpticsForm(self)
        # Laid out by the dock beside its button: at the end of a form that scrolls,
        # the reason for a dead button would not be seen.
        self.reason = text_label("What keeps a run from starting, or needs your eye.")
        self.reason.setParent(self)
        self.blocking: list[Finding] = []
        self._last: Any = choices
        self._typed: weakref.WeakKeyDictionary[object, TypedOptics] = (
            weakref.WeakKeyDictionary()
        )
        self._in_file = OpticsValues()
        self._watched: weakref.ref[Image] | None = None

    @property
    def way_out(self) -> str:
        """What can be done where the optics are not known."""
        raise NotImplementedError

    @property
    def needs_optics(self) -> bool:
        """Whether a run would use what the optics form holds."""
        return True

    def micrograph(self) -> Micrograph | None:
        """Return the chosen layer as a micrograph.

        Raises
        ------
        GanEnhanceError
            If the layer cannot be worked on.
        """
        layer = self.layer.layer()
        return None if layer is None else micrograph_from_layer(layer)

    def choices(self) -> Any:
        """Return what the controls hold, as the record of the dock."""
        raise NotImplementedError

    def show_choices(self, choices: Any) -> None:
        """Set the controls; the optics come from the layer where it knows them."""
        self._last = choices
        select(self.device, choices.device)
        select(self.region, choices.region)
        self._typed.clear()
        self._on_layer()

    def remember(self, choices: Any) -> None:
        """Offer the objective of a run for the next image, if it had one."""
        objective = choices.numerical_aperture, choices.immersion_index
        if None not in objective:
            self._last = choices

    def check(self) -> None:
        """Color what is wrong and say why."""
        found = self._findings()
        self.blocking = [finding for finding in found if finding.blocks]
        marks = {
            f.field: (Mark.WRONG if f.blocks else Mark.CHECK, f.reason)
            for f in reversed(found)
        }
        for name, widget in self._own_fields().items():
            mark(widget, *marks.get(name, (Mark.FINE, "")))
        self.optics.show_marks(marks)
        self.reason.setText(self._summary(found))
        self.reason.setVisible(bool(found))
        self.changed.emit()

    def showEvent(self, event: QShowEvent | None) -> None:
        """Line up the fields, now that the window's fonts are known."""
        super().showEvent(event)
        align_labels(self)

    def disconnect_viewer(self) -> None:
        """Hear no more of the viewer."""
        self.layer.disconnect_viewer()
        self._watch(None)

    def _own_fields(self) -> dict[str, QWidget]:
        """Return the widgets that a Finding may name, but those of the optics."""
        return {"layer": self.layer}

    def _check(
        self, micrograph: Micrograph | None, in_file: OpticsValues | None
    ) -> list[Finding]:
        """Return what is wrong with the choices; None where there is no layer."""
        raise NotImplementedError

    def _optics_values(self) -> dict[str, Any]:
        """Return the part of a RunChoices that the common controls hold."""
        optics = self.optics.values()
        return {
            "device": self.device.currentData(),
            "region": self.region.currentData(),
            "numerical_aperture": optics.numerical_aperture,
            "immersion_index": optics.immersion_index,
            "emission_nm": optics.emission_nm,
            "voxel_size_um": optics.voxel_size_um,
        }

    def _findings(self) -> list[Finding]:
        try:
            micrograph = self.micrograph()
        except GanEnhanceError as error:
            return [Finding("layer", str(error))]
        wrong = self.optics.not_numbers() if self.needs_optics else []
        if wrong:
            return [Finding(name, self._not_a_number(name)) for name in wrong]
        in_file = None if micrograph is None else optics_in_file(micrograph)
        return self._check(micrograph, in_file)

    def _not_a_number(self, name: str) -> str:
        text = self.optics.fields[name].text()
        return f"{text!r} is not a number: correct it or {self.way_out}."

    def _summary(self, found: list[Finding]) -> str:
        """Return the gravest reasons, each once, for the line under the form."""
        missing = [f.missing for f in found if f.missing]
        reasons = [f.reason for f in found if f.blocks and not f.missing]
        if missing:
            reasons.append(missing_text(missing, self.way_out))
        return "\n".join(dict.fromkeys(reasons or [f.reason for f in found]))

    def _on_layer(self) -> None:
        layer = self.layer.layer()
        self._watch(layer)
        values = OpticsValues(emission_nm=(None,))
        names: tuple[str, ...] = ("",)
        try:
            micrograph = self.micrograph()
        except GanEnhanceError:
            micrograph = None  # `check` says why
        if micrograph is not None:
            values = with_last_objective(optics_in_file(micrograph), self._last)
            names = channel_names(micrograph)
        typed = None if layer is None else self._typed.get(layer)
        shown = values if typed is None else typed.over(values)
        self._in_file = values
        self.optics.show_values(shown, names)
        align_labels(self)  # channels have names
        self.check()

    def _on_optics(self) -> None:
        layer = self.layer.layer()
        if layer is not None:
            self._typed[layer] = TypedOptics(self._in_file, self.optics.values())
        self.check()

    def _watch(self, layer: Image | None) -> None:
        """Look again when the layer gets other pixels, or another size."""
        before = None if self._watched is None else self._watched()
        if before is layer:
            return
        self._watched = None if layer is None else weakref.ref(layer)
        for each, action in ((before, "disconnect"), (layer, "connect")):
            if each is not None:
                getattr(each.events.data, action)(self._on_pixels)
                for emitter in (each.events.scale, each.events.units):
                    getattr(emitter, action)(self._on_size)

    def _on_pixels(self, event: object = None) -> None:
        self.check()

    def _on_size(self, event: object = None) -> None:
        self._on_layer()

    def _connect(self) -> None:
        self.layer.chosen.connect(self._on_layer)
        self.optics.changed.connect(self._on_optics)
        for field in (self.device, self.region):
            field.currentIndexChanged.connect(self.check)
