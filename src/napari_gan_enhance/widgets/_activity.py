"""The bar of a run in napari's activity dock."""

from __future__ import annotations

from typing import Any

from napari.utils import progress as ActivityProgress
from qtpy.QtCore import QObject
from superqt.utils import QSignalThrottler

from napari_gan_enhance.progress import Progress

REDRAW_MS = 200


class ActivityBar(QObject):
    """Keep a bar in the activity dock up to date.

    napari's bars process all waiting events whenever they are changed, so that any of
    our own code could run in the middle of any other. Therefore what to show is only
    noted here, and shown by a timer, when nothing of ours is under way.

    Parameters
    ----------
    parent : QObject, optional
    """

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._wanted: Progress | None = None
        self._bar: Any = None
        self._is_syncing = False
        self._soon = QSignalThrottler(
            QSignalThrottler.EmissionPolicy.Trailing, parent=self
        )
        self._soon.setTimeout(REDRAW_MS)
        self._soon.triggered.connect(self._sync)

    def show_progress(self, progress: Progress) -> None:
        """Show a report, with a new bar if there is none."""
        self._wanted = progress
        self._soon.throttle()

    def end(self) -> None:
        """Take the bar away."""
        self._wanted = None
        self._soon.throttle()

    def close(self) -> None:
        """Take the bar away at once: the window is going away."""
        self._soon.cancel()
        self._wanted = None
        self._close_bar()

    def _sync(self) -> None:
        if self._is_syncing:
            self._soon.throttle()
            return
        self._is_syncing = True
        try:
            self._show()
        finally:
            self._is_syncing = False

    def _show(self) -> None:
        wanted = self._wanted
        if wanted is None:
            self._close_bar()
            return
        bar = self._bar or ActivityProgress(total=wanted.total, desc=wanted.stage)
        self._bar = bar
        bar.total = wanted.total
        bar.set_description(wanted.stage)
        if self._bar is bar:  # not closed by the events just processed
            bar.update(wanted.done - bar.n)

    def _close_bar(self) -> None:
        bar, self._bar = self._bar, None
        if bar is not None:
            bar.close()
