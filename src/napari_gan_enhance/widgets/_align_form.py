"""All controls of the Align dock."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from qtpy.QtCore import Signal
from qtpy.QtWidgets import (
    QFormLayout,
    QGroupBox,
    QHBoxLayout,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from napari_gan_enhance.errors import InputError
from napari_gan_enhance.registration.refine import TransformKind
from napari_gan_enhance.viewer.placement import length_unit
from napari_gan_enhance.widgets._align_hand import HandBox
from napari_gan_enhance.widgets._align_landmarks import LandmarkBox
from napari_gan_enhance.widgets._fields import choice_box, push_button
from napari_gan_enhance.widgets._layer_field import LayerField
from napari_gan_enhance.widgets._progress_row import PlainProgressRow

if TYPE_CHECKING:
    from napari.components import ViewerModel

KINDS = {
    "similarity": "Shift, turn and scale",
    "rigid": "Shift and turn",
    "translation": "Shift",
    "affine": "Affine (scale and shear too)",
}


class AlignForm(QWidget):
    """Layers, what may change, the ways to align, and what came of it.

    Parameters
    ----------
    viewer : ViewerModel
    parent : QWidget
    """

    requested = Signal(str)
    """Align from "anywhere" or from "here"; while a job runs: cancel it."""

    def __init__(self, viewer: ViewerModel, parent: QWidget) -> None:
        super().__init__(parent)
        self.moving = LayerField(
            viewer, "The layer that is moved, usually the source.", follows=False
        )
        self.fixed = LayerField(viewer, "The layer that stays.", follows=False)
        self.fixed.step_aside_for(self.moving)
        self.transform = choice_box(
            KINDS, "What may change; stacks are shifted along Z besides."
        )
        self.start = QPushButton("Estimate", self)
        self.refine = push_button("Refine from here", "Begin where the layers lie now.")
        self.undo = push_button("Undo", "Put the layer back where it was before.")
        self.overlay = push_button("Overlay", "Moving in magenta, fixed in green.")
        self.overlay.setCheckable(True)
        self.map = push_button(
            "Misalignment map",
            "Measure how the layers lie now, and add a layer with the shift left in "
            "each block.",
        )
        self.save = push_button("Save…", "Save the transform of the moving layer.")
        self.load = push_button("Load…", "Give the moving layer a saved transform.")
        self.progress = PlainProgressRow(self, unit="")
        self.report = self.progress.text
        self.hand = HandBox(self)
        self.landmarks = LandmarkBox(viewer, self.kind, self)
        self.start.clicked.connect(lambda: self.requested.emit("anywhere"))
        self.refine.clicked.connect(lambda: self.requested.emit("here"))
        self.transform.currentIndexChanged.connect(self.landmarks.show_residuals)
        self.moving.chosen.connect(self._show_unit)
        self._lay_out(parent)

    def kind(self) -> TransformKind:
        """Return what may change."""
        kind: TransformKind = self.transform.currentData()
        return kind

    def say(self, text: str) -> None:
        """Show a sentence."""
        self.report.setText(text)

    def show_state(self, *, is_running: bool, can_undo: bool) -> None:
        """Derive what can be pressed from the state."""
        self.start.setText("Cancel" if is_running else "Estimate")
        self.start.setToolTip(
            "Stop; nothing is moved."
            if is_running
            else "Find rotation, scale, shift and plane by the pixels."
        )
        for widget in (self.moving, self.fixed, self.transform, self.hand, self.refine):
            widget.setDisabled(is_running)
        for widget in (self.landmarks, self.load, self.map):
            widget.setDisabled(is_running)
        self.undo.setEnabled(can_undo and not is_running)
        self._show_unit()
        self.progress.bar.setVisible(is_running)

    def close_down(self) -> None:
        """Take landmarks away and hear no more of the viewer."""
        self.landmarks.end()
        self.moving.disconnect_viewer()
        self.fixed.disconnect_viewer()

    def _show_unit(self) -> None:
        moving = self.moving.layer()
        with suppress(InputError):  # axes without a meaning: said when it is moved
            if moving is not None:
                self.hand.show_unit(length_unit(moving))

    def _lay_out(self, parent: QWidget) -> None:
        form = QFormLayout()
        form.addRow("Moving", self.moving)
        form.addRow("Fixed", self.fixed)
        form.addRow("May change", self.transform)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addLayout(form)
        column.addLayout(_row(self.start, self.refine))
        column.addWidget(self.progress)
        column.addLayout(_row(self.undo, self.overlay, self.map))
        column.addWidget(_group("By hand", self.hand))
        column.addWidget(_group("Landmarks", self.landmarks))
        column.addLayout(_row(self.save, self.load))
        column.addStretch(1)
        outer = QVBoxLayout(parent)
        outer.addWidget(self)


def _row(*widgets: QWidget) -> QHBoxLayout:
    row = QHBoxLayout()
    for widget in widgets:
        row.addWidget(widget)
    return row


def _group(title: str, widget: QWidget) -> QGroupBox:
    box = QGroupBox(title)
    QVBoxLayout(box).addWidget(widget)
    return box
