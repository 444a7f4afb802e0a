"""Make a PSF of beads: mark them, average them, use and keep the result."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from napari.layers import Image, Layer, Points
from qtpy.QtCore import Signal
from qtpy.QtWidgets import (
    QFormLayout,
    QHBoxLayout,
    QVBoxLayout,
    QWidget,
)

from napari_gan_enhance.errors import GanEnhanceError
from napari_gan_enhance.viewer.bead_psf import (
    add_marks,
    bead_request,
    describe_psf,
    distill,
    psf_layer_data,
)
from napari_gan_enhance.viewer.optics_values import OpticsValues
from napari_gan_enhance.viewer.writer import write_image
from napari_gan_enhance.widgets._fields import push_button, text_label
from napari_gan_enhance.widgets._layer_field import LayerField
from napari_gan_enhance.widgets._save_dialog import ask_save
from napari_gan_enhance.widgets._told import told
from napari_gan_enhance.widgets._worker import JobRunner

if TYPE_CHECKING:
    from napari.components import ViewerModel

    from napari_gan_enhance.optics.beads import BeadPsf
    from napari_gan_enhance.viewer.bead_psf import BeadRequest

FILES = "OME-TIFF (*.ome.tif *.ome.tiff *.tif *.tiff)"

HINT = (
    "Click on single, bright beads, away from others and from the edges. Five or more "
    "average out the noise."
)


class BeadSection(QWidget):
    """A part of the form that is opened by those who have recorded beads.

    Parameters
    ----------
    viewer : ViewerModel
    optics : callable
        Returns what the optics form holds.
    parent : QWidget, optional
    """

    adding = Signal(object)
    """A layer with a new PSF, before the viewer has it and selects it."""
    distilled = Signal(object)
    """The same layer, in the viewer."""

    def __init__(
        self,
        viewer: ViewerModel,
        optics: Callable[[], OpticsValues],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.opened = push_button(
            "Measured PSF from beads…", "Average an image of beads to a PSF."
        )
        self.opened.setCheckable(True)
        self._viewer = viewer
        self._optics = optics
        self._request: BeadRequest | None = None
        self._made: Image | None = None
        self.runner = JobRunner(self)
        self.stack = LayerField(viewer, "The image of the beads.", follows=False)
        self.points = LayerField(
            viewer, "The layer with a mark on each bead.", kind=Points, follows=False
        )
        self.mark = push_button("Mark beads", "Add a layer, and click on beads.")
        self.distill = push_button(
            "Distill PSF", "Average the marked beads, each shifted to the same center."
        )
        self.save = push_button("Save…", "Save the new PSF as OME-TIFF.")
        self.text = text_label("Which beads were used, and how wide the PSF is.")
        self.text.setText(HINT)
        self._lay_out()
        self._connect()
        self._show_state()

    def close_down(self) -> None:
        """Hear no more of the viewer and of a running job."""
        self.runner.abandon()
        self.stack.disconnect_viewer()
        self.points.disconnect_viewer()

    def _on_mark(self) -> None:
        stack = self.stack.layer()
        if stack is not None:
            marks = add_marks(self._viewer, stack)
            self.points.choose(marks)
            self._viewer.layers.selection.active = marks

    def _on_distill(self) -> None:
        self._request = bead_request(
            self.stack.layer(), self.points.layer(), self._optics()
        )
        self.text.setText("Averaging beads…")
        job = partial(distill, self._request)
        self.runner.start(job, title="Averaging beads")
        self._show_state()

    def _on_returned(self, psf: BeadPsf) -> None:
        if self._request is None:
            return
        names = [layer.name for layer in self._viewer.layers]
        data = psf_layer_data(psf, self._request.stack, names)
        self._made = Layer.create(*data)
        self.adding.emit(self._made)
        self._viewer.add_layer(self._made)
        self._made.visible = False  # over the stack it would only be in the way
        self.text.setText(describe_psf(psf))
        self.distilled.emit(self._made)

    def _on_failed(self, error: GanEnhanceError) -> None:
        self.text.setText(str(error))

    def _on_save(self) -> None:
        if self._made is None:
            return
        data, state, _ = self._made.as_layer_data_tuple()
        path = ask_save(self, "Save the PSF", "psf.ome.tif", FILES)
        if path is not None:
            write_image(str(path), data, state)

    def _show_state(self) -> None:
        is_idle = not self.runner.is_running
        self.mark.setEnabled(self.stack.layer() is not None)
        has_both = self.stack.layer() is not None and self.points.layer() is not None
        self.distill.setEnabled(is_idle and has_both)
        self.save.setEnabled(is_idle and self._made is not None)

    def _connect(self) -> None:
        self.opened.toggled.connect(self._content.setVisible)
        self.mark.clicked.connect(self._on_mark)
        self.distill.clicked.connect(told(self._on_distill))
        self.save.clicked.connect(told(self._on_save))
        self.runner.returned.connect(self._on_returned)
        self.runner.failed.connect(self._on_failed)
        self.runner.idle.connect(self._show_state)
        self.stack.chosen.connect(self._show_state)
        self.points.chosen.connect(self._show_state)

    def _lay_out(self) -> None:
        self._content = QWidget(self)
        self._content.hide()
        form = QFormLayout(self._content)
        form.setContentsMargins(0, 0, 0, 0)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        form.addRow("Bead stack", self.stack)
        form.addRow("Marks", self.points)
        row = QHBoxLayout()
        for button in (self.mark, self.distill, self.save):
            row.addWidget(button)
        form.addRow(row)
        form.addRow(self.text)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.opened)
        column.addWidget(self._content)
