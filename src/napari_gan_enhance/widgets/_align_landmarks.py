"""Landmarks clicked in turn in two layers, and how well they fit."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from napari_gan_enhance.errors import InputError
from napari_gan_enhance.viewer.landmarks import LandmarkPair
from napari_gan_enhance.widgets._fields import text_label

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Image

    from napari_gan_enhance.registration.refine import TransformKind
    from napari_gan_enhance.registration.transform import Transform


class LandmarkBox(QWidget):
    """Begin, apply and clear landmarks; show the residual of each.

    Parameters
    ----------
    viewer : ViewerModel
    kind : callable
        Returns what kind of transform may be fitted.
    parent : QWidget, optional
    """

    applied = Signal(object, object)
    """The layer that the landmarks were clicked on, and the Transform to move it by."""
    begun = Signal()
    """The user wants landmarks for the chosen layers."""

    def __init__(
        self,
        viewer: ViewerModel,
        kind: Callable[[], TransformKind],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._viewer = viewer
        self._kind = kind
        self._pair: LandmarkPair | None = None
        self.begin = QPushButton("Set landmarks", self)
        self.begin.setToolTip(
            "Click the same structure in the moving, then in the fixed image, in turn."
        )
        self.apply = QPushButton("Apply", self)
        self.apply.setToolTip("Move the moving layer so that the landmarks meet.")
        self.clear = QPushButton("Clear", self)
        self.clear.setToolTip("Take the landmarks away.")
        self.report = text_label("How far each landmark is from its partner.")
        self.begin.clicked.connect(self.begun)
        self.apply.clicked.connect(self._on_apply)
        self.clear.clicked.connect(self.end)
        self._lay_out()
        self.show_residuals()

    def start(self, moving: Image, fixed: Image) -> None:
        """Add empty landmark layers over two images."""
        self.end()
        self._pair = LandmarkPair(self._viewer, moving, fixed, self.show_residuals)
        self.show_residuals()

    def end(self) -> None:
        """Take the landmark layers away."""
        pair, self._pair = self._pair, None
        if pair is not None:
            pair.end()
        self.show_residuals()

    def show_residuals(self) -> None:
        """Fit the landmarks and show what is left, without moving anything."""
        fit: Transform | None = None
        text = ""
        if self._pair is not None:
            text = "{} in moving, {} in fixed.".format(*self._pair.counts)
            try:
                fit = self._pair.fit(self._kind())
            except InputError as error:
                text += f" {error}" if min(self._pair.counts) else ""
        if fit is not None:
            each = ", ".join(f"{v:.3g}" for v in fit.details["landmarks_um"])
            text += f" Left after a fit: {each} {fit.unit}; RMS {fit.residual_um:.3g}."
        self.report.setText(text)
        self.report.setVisible(bool(text))
        self.apply.setEnabled(fit is not None)
        self.clear.setEnabled(self._pair is not None)

    def _on_apply(self) -> None:
        if self._pair is not None:
            self.applied.emit(self._pair.images[0], self._pair.fit(self._kind()))

    def _lay_out(self) -> None:
        row = QHBoxLayout()
        for button in (self.begin, self.apply, self.clear):
            row.addWidget(button)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addLayout(row)
        column.addWidget(self.report)
