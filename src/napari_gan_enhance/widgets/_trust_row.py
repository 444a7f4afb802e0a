"""One click: how far the result can be believed, as layers and in words."""

from __future__ import annotations

import time
import weakref
from functools import partial
from typing import TYPE_CHECKING, Any

from napari.layers import Layer
from napari.utils.notifications import show_error
from qtpy.QtCore import Signal
from qtpy.QtWidgets import QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from napari_gan_enhance.errors import GanEnhanceError
from napari_gan_enhance.viewer.trust_layers import summary_text, trust_layer_data
from napari_gan_enhance.viewer.trust_run import (
    enhanced_layer,
    run_trust,
    trust_request,
)
from napari_gan_enhance.widgets._controls import EnhanceControls
from napari_gan_enhance.widgets._fields import text_label
from napari_gan_enhance.widgets._progress_row import ProgressRow
from napari_gan_enhance.widgets._told import told
from napari_gan_enhance.widgets._worker import JobRunner

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Image

    from napari_gan_enhance.trust.maps import TrustMaps

HELP = (
    "How far {name!r} can be believed: the error to expect in each pixel, what the "
    "image does not support, and where the model disagrees with itself, as new layers. "
    "Select another result to ask about that."
)
NOTHING = (
    "Enhance a layer first: trust maps are about a result, not about a projection or "
    "part of one."
)
CANCEL = "Stop; nothing is added."


class TrustRow(QWidget):
    """A button, its progress, and what came out in words.

    Parameters
    ----------
    viewer : ViewerModel
    controls : EnhanceControls
        Hold the device, the models and how thorough to be.
    parent : QWidget, optional
    """

    busy = Signal(bool)
    """Maps are being made (True) or not any more (False)."""
    adding = Signal(object)
    """A layer with a map, before the viewer has it."""

    def __init__(
        self,
        viewer: ViewerModel,
        controls: EnhanceControls,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._viewer = viewer
        self._controls = controls
        self._target: Image | None = None
        self._made: weakref.WeakSet[Layer] = weakref.WeakSet()
        self._can_start = True
        self._began = 0.0
        self.runner = JobRunner(self)
        self.button = QPushButton("Trust maps", self)
        self.progress = ProgressRow(self)
        self.text = text_label(
            "RSP: how well the result, blurred again, correlates with the image (1 is "
            "best). RSE: by how much they differ, in gray levels."
        )
        self.text.hide()
        self._lay_out()
        self._connect()
        self._show_state()

    def set_can_start(self, can_start: bool) -> None:
        """Say whether something else is being done."""
        self._can_start = can_start
        self._show_state()

    def close_down(self) -> None:
        """Stop, and hear no more of the viewer."""
        self.runner.abandon()
        self.progress.activity.close()
        for event in self._events():
            event.disconnect(self._show_state)

    def start(self, layer: Image) -> None:
        """Make the maps of a result; does nothing while some are being made.

        Raises
        ------
        InputError
            If the image it was made of is not open any more.
        """
        if self.runner.is_running:
            return
        choices = self._controls.choices()
        models = self._controls.model.values()
        request = trust_request(
            self._viewer, layer, models, choices.trust, choices.device
        )
        self._target, self._began = layer, time.monotonic()
        title = f"Trust maps of {layer.name!r}"
        self.text.hide()
        self.progress.begin(title)
        self.runner.start(partial(run_trust, request), title=title)
        self._show_state()
        self.busy.emit(True)

    def _on_button(self) -> None:
        layer = enhanced_layer(self._viewer)
        if self.runner.is_running:
            self.runner.stop()
        elif layer is not None:
            told(self.start)(layer)

    def _on_returned(self, maps: TrustMaps) -> None:
        layer = self._target
        if layer is None or layer not in self._viewer.layers:
            self.progress.end("The result was deleted: its trust maps are not shown.")
            return
        active = self._viewer.layers.selection.active
        names = [other.name for other in self._viewer.layers]
        self._made.clear()
        for data in trust_layer_data(layer, maps, names):
            made = Layer.create(*data)
            self._made.add(made)
            self.adding.emit(made)
            self._viewer.add_layer(made)
        self._viewer.layers.selection.active = active
        self.text.setText(summary_text(maps.summary))
        self.text.show()
        self.progress.end(f"Done in {time.monotonic() - self._began:.1f} s.")

    def _on_stopped(self) -> None:
        self.progress.end("Cancelled.")

    def _on_failed(self, error: GanEnhanceError) -> None:
        self.progress.end(str(error))
        show_error(str(error))

    def _on_idle(self) -> None:
        self._target = None
        self._show_state()
        self.busy.emit(False)

    def _show_state(self, event: object = None) -> None:
        """Derive what can be pressed, and what it would be about."""
        layer, running = enhanced_layer(self._viewer), self.runner.is_running
        if not any(made in self._viewer.layers for made in self._made):
            self.text.hide()  # it is about layers that are gone
        self.button.setText("Cancel" if running else "Trust maps")
        self.button.setEnabled(running or (self._can_start and layer is not None))
        self._controls.trust.setEnabled(not running)
        about = NOTHING if layer is None else HELP.format(name=layer.name)
        self.button.setToolTip(CANCEL if running else about)

    def _events(self) -> tuple[Any, ...]:
        layers = self._viewer.layers
        return (
            layers.events.inserted,
            layers.events.removed,
            layers.selection.events.active,
        )

    def _connect(self) -> None:
        self.button.clicked.connect(self._on_button)
        self.runner.reported.connect(self.progress.show_progress)
        self.runner.returned.connect(self._on_returned)
        self.runner.stopped.connect(self._on_stopped)
        self.runner.failed.connect(self._on_failed)
        self.runner.idle.connect(self._on_idle)
        for event in self._events():
            event.connect(self._show_state)

    def _lay_out(self) -> None:
        row = QHBoxLayout()
        row.addWidget(self.button, 1)
        row.addWidget(self._controls.trust)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addLayout(row)
        column.addWidget(self.progress)
        column.addWidget(self.text)
