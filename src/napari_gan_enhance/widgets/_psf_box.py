"""Pictures and numbers of the PSF that a run would use."""

from __future__ import annotations

from typing import Any

import pyqtgraph as pg
from qtpy.QtCore import QRectF
from qtpy.QtWidgets import QSizePolicy, QVBoxLayout, QWidget

from napari_gan_enhance.errors import GanEnhanceError
from napari_gan_enhance.viewer.psf_preview import (
    PsfPreview,
    PsfQuestion,
    preview_psf,
)
from napari_gan_enhance.widgets._fields import text_label
from napari_gan_enhance.widgets._marks import Mark
from napari_gan_enhance.widgets._newest_question import NewestQuestion

SETTLED_MS = 250
"""Nothing is computed between two letters that are typed."""

HEIGHT = 150
"""Of the pictures in screen pixels."""

GAP = 0.06
"""Between the two pictures, as a share of their width."""

NO_ANSWER = "The PSF is shown here when all it depends on is filled in."


class PsfBox(QWidget):
    """Show the PSF in the plane and along the axis, never that of older settings.

    Parameters
    ----------
    parent : QWidget, optional
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.question = NewestQuestion(preview_psf, SETTLED_MS, self)
        self.preview: PsfPreview | None = None
        self.pictures = pg.GraphicsLayoutWidget(self)
        self.pictures.setFixedHeight(HEIGHT)
        self.pictures.setBackground(None)
        self.pictures.setToolTip(
            "The PSF at one scale, left in the plane, right along the optical axis; "
            "brightness is the square root of the intensity, so that rings are seen."
        )
        self._box = self.pictures.addViewBox(enableMenu=False, lockAspect=True)
        self._box.setMouseEnabled(x=False, y=False)
        self._box.invertY(True)
        self.text = text_label("Full widths at half maximum, and the coarsest voxel.")
        self.warning = text_label("What needs your eye before a run.")
        self.warning.setStyleSheet(f"color: {Mark.CHECK.value};")
        self.question.returned.connect(self._on_returned)
        self.question.failed.connect(self._on_failed)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        self._lay_out()
        self._show_text(NO_ANSWER)

    @property
    def is_waiting(self) -> bool:
        """Whether an answer is still to come."""
        return self.question.is_waiting

    def ask(self, question: PsfQuestion | None) -> None:
        """Show the answer to a question, once it is there; None clears the box."""
        if not self.question.ask(question):
            return
        self._clear()
        self._show_text(NO_ANSWER if question is None else "Computing the PSF…")

    def close_down(self) -> None:
        """Hear no more of a running computation."""
        self.question.close_down()

    def _on_returned(self, preview: PsfPreview) -> None:
        self.preview = preview
        self._draw(preview)
        self._show_text(preview.text, preview.warning)

    def _on_failed(self, error: GanEnhanceError) -> None:
        self._show_text("", str(error))

    def _clear(self) -> None:
        self.preview = None
        self._box.clear()

    def _show_text(self, text: str, warning: str = "") -> None:
        for label, content in ((self.text, text), (self.warning, warning)):
            label.setText(content)
            label.setVisible(bool(content))
        self.pictures.setVisible(self.preview is not None)

    def _draw(self, preview: PsfPreview) -> None:
        z, y, x = preview.size_um
        self._add("xy", preview.xy, QRectF(0, -y / 2, x, y), is_above=z > y)
        if preview.xz is not None:
            self._add("xz", preview.xz, QRectF(x * (1 + GAP), -z / 2, x, z))
        self._box.autoRange(padding=0.02)

    def _add(
        self, name: str, picture: Any, place: QRectF, *, is_above: bool = False
    ) -> None:
        image = pg.ImageItem(picture, axisOrder="row-major", levels=(0, 1))
        image.setColorMap(pg.colormap.get("inferno"))
        image.setRect(place)
        label = pg.TextItem(name, color="w", anchor=(0, int(is_above)))
        label.setPos(place.left(), place.top())
        self._box.addItem(image)
        self._box.addItem(label)

    def _lay_out(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        for widget in (self.pictures, self.text, self.warning):
            column.addWidget(widget)
