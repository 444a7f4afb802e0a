"""Show whether the chosen model suits the chosen layer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtWidgets import QLabel, QVBoxLayout, QWidget

from napari_gan_enhance.errors import GanEnhanceError
from napari_gan_enhance.viewer.verdict import (
    SuitabilityQuestion,
    give_verdict,
    verdict_text,
)
from napari_gan_enhance.widgets._fields import text_label
from napari_gan_enhance.widgets._marks import Mark
from napari_gan_enhance.widgets._newest_question import NewestQuestion

if TYPE_CHECKING:
    from napari_gan_enhance.trust.suitability import Verdict

SETTLED_MS = 100
"""Nothing is looked at while layers are added one after the other."""

COLORS = {"good": "#4caf6d", "doubtful": Mark.CHECK.value, "unfit": Mark.WRONG.value}
"""Of the bar beside the text (readable on dark and light)."""

HELP = (
    "How the image compares with those the model was trained on: pixel size, noise, "
    "brightness, detail, saturation. Looked at before a run; no run is needed for it."
)


class VerdictRow(QWidget):
    """A colored text; never that of an older image, model or pixel size.

    Parameters
    ----------
    parent : QWidget, optional
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.verdict: Verdict | None = None
        self.question = NewestQuestion(give_verdict, SETTLED_MS, self)
        self.text: QLabel = text_label(HELP)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.text)
        self.question.returned.connect(self._on_returned)
        self.question.failed.connect(self._on_failed)
        self.hide()

    def ask(self, question: SuitabilityQuestion | None) -> None:
        """Show the answer to a question once it is there; None hides the row."""
        if not self.question.ask(question):
            return
        self.verdict = None
        self.setVisible(question is not None)
        self._show("Looking at the image…", "")

    def close_down(self) -> None:
        """Hear no more of a running job."""
        self.question.close_down()

    def _on_returned(self, verdict: Verdict) -> None:
        self.verdict = verdict
        self._show(verdict_text(verdict), COLORS[verdict.level])

    def _on_failed(self, error: GanEnhanceError) -> None:
        self._show(str(error), Mark.CHECK.value)

    def _show(self, text: str, color: str) -> None:
        self.text.setText(text)
        # As wide without a color, so that nothing jumps.
        border = f"border-left: 4px solid {color or 'transparent'};"
        self.text.setStyleSheet(f"QLabel {{ {border} padding-left: 6px; }}")
