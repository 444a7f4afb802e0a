"""Show how far a run is, in the dock and in napari's activity dock."""

from __future__ import annotations

import time

from qtpy.QtWidgets import QLabel, QProgressBar, QVBoxLayout, QWidget

from napari_gan_enhance.progress import Progress
from napari_gan_enhance.widgets._activity import ActivityBar

FINE = 1000
"""Steps of the bar where one tile is all: it moves with the time that is left."""


class PlainProgressRow(QWidget):
    """A bar and a line of text, for jobs that are watched in their dock.

    Parameters
    ----------
    parent : QWidget, optional
    unit : str
        Of what the reports count; without one the numbers are not shown.
    """

    def __init__(self, parent: QWidget | None = None, *, unit: str = "tiles") -> None:
        super().__init__(parent)
        self._unit = unit
        self.bar = QProgressBar(self)
        self.bar.setTextVisible(False)
        self.bar.setMaximumHeight(8)
        self.bar.setToolTip("How much of the present stage is done.")
        self.text = QLabel(self)
        self.text.setWordWrap(True)
        self.text.setToolTip("What is being done, and how long it will take.")
        self._note, self._stage, self._since = "", "", 0.0
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.bar)
        column.addWidget(self.text)
        self.bar.hide()

    def begin(self) -> None:
        """Show that a run has begun."""
        self._note, self._stage = "", ""
        # Not the moving kind: it would draw the whole window anew all the time.
        self.bar.setRange(0, 1)
        self.bar.setValue(0)
        self.bar.show()
        self.text.setText("Starting…")

    def show_progress(self, progress: Progress) -> None:
        """Show one report."""
        self._note = progress.note or self._note
        if progress.stage != self._stage:
            self._stage, self._since = progress.stage, time.monotonic()
        if progress.total == 1 and progress.remaining_s is not None:
            spent = time.monotonic() - self._since
            self.bar.setRange(0, FINE)
            whole = spent + progress.remaining_s
            self.bar.setValue(round(FINE * spent / whole) if whole else FINE)
        else:
            self.bar.setRange(0, max(progress.total, 1))
            self.bar.setValue(progress.done)
        self.text.setText(
            "\n".join(filter(None, [_line(progress, self._unit), self._note]))
        )

    def end(self, text: str) -> None:
        """Show how the run ended."""
        self.bar.hide()
        self.text.setText("\n".join(filter(None, [text, self._note])))


class ProgressRow(PlainProgressRow):
    """The same bar in napari's activity dock too, while a run lasts.

    Parameters
    ----------
    parent : QWidget, optional
    unit : str
        As in `PlainProgressRow`.
    """

    def __init__(self, parent: QWidget | None = None, *, unit: str = "tiles") -> None:
        super().__init__(parent, unit=unit)
        self.activity = ActivityBar(self)

    def begin(self, title: str = "") -> None:
        """Show that a run has begun."""
        self.activity.show_progress(Progress(0, 0, title))
        super().begin()

    def show_progress(self, progress: Progress) -> None:
        """Show one report."""
        super().show_progress(progress)
        self.activity.show_progress(progress)

    def end(self, text: str) -> None:
        """Show how the run ended."""
        super().end(text)
        self.activity.end()


def _line(progress: Progress, unit: str) -> str:
    words = [progress.stage.capitalize()]
    if progress.total > 1 and unit:
        words.append(f"{progress.done} of {progress.total} {unit}")
    if progress.remaining_s is not None:
        words.append(f"{_duration(progress.remaining_s)} left")
    return ", ".join(words) if len(words) > 1 else f"{words[0]}…"


def _duration(seconds: float) -> str:
    """Return a time that does not flicker: whole seconds, minutes or hours."""
    if seconds < 60:
        return f"{seconds:.0f} s"
    if seconds < 3600:
        return f"{seconds // 60:.0f} min {seconds % 60:.0f} s"
    return f"{seconds // 3600:.0f} h {seconds % 3600 // 60:.0f} min"
