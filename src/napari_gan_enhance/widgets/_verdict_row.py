"""Show whether the chosen model suits the chosen layer."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from qtpy.QtWidgets import QLabel, QVBoxLayout, QWidget
from superqt.utils import QSignalDebouncer

from napari_gan_enhance.errors import GanEnhanceError
from napari_gan_enhance.viewer.verdict import (
    SuitabilityQuestion,
    give_verdict,
    verdict_text,
)
from napari_gan_enhance.widgets._fields import text_label
from napari_gan_enhance.widgets._marks import Mark
from napari_gan_enhance.widgets._worker import JobRunner

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
        self._asked: SuitabilityQuestion | None = None
        self._running: SuitabilityQuestion | None = None
        self._runner = JobRunner(self)
        self.text: QLabel = text_label(HELP)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.text)
        self._settled = QSignalDebouncer(parent=self)
        self._settled.setTimeout(SETTLED_MS)
        self._settled.triggered.connect(self._begin)
        self._runner.returned.connect(self._on_returned)
        self._runner.failed.connect(self._on_failed)
        self._runner.idle.connect(self._on_idle)
        self.hide()

    def ask(self, question: SuitabilityQuestion | None) -> None:
        """Show the answer to a question once it is there; None hides the row."""
        if question is not None and question.is_same(self._asked):
            return
        self._asked, self.verdict = question, None
        self.setVisible(question is not None)
        self._show("Looking at the image…", "")
        if question is not None:
            self._settled.throttle()

    def close_down(self) -> None:
        """Hear no more of a running job."""
        self._asked = None
        self._settled.cancel()
        self._runner.abandon()

    def _begin(self) -> None:
        """Start the newest question, or leave that to the end of an older one."""
        if self._asked is None or self._runner.is_running:
            return
        self._running = self._asked
        job = partial(give_verdict, self._asked)
        self._runner.start(job)  # no reason to keep a window open

    def _on_returned(self, verdict: Verdict) -> None:
        if self._running is self._asked:
            self.verdict = verdict
            self._show(verdict_text(verdict), COLORS[verdict.level])

    def _on_failed(self, error: GanEnhanceError) -> None:
        if self._running is self._asked:
            self._show(str(error), Mark.CHECK.value)

    def _on_idle(self) -> None:
        is_older, self._running = self._running is not self._asked, None
        if is_older:  # and what was asked is no longer kept in memory
            self._begin()

    def _show(self, text: str, color: str) -> None:
        self.text.setText(text)
        # As wide without a color, so that nothing jumps.
        border = f"border-left: 4px solid {color or 'transparent'};"
        self.text.setStyleSheet(f"QLabel {{ {border} padding-left: 6px; }}")
