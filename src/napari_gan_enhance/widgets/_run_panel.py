"""Start and stop a run, watch it, and compare what came out."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from napari.utils.notifications import show_error, show_warning
from qtpy.QtCore import Signal
from qtpy.QtWidgets import QPushButton, QVBoxLayout, QWidget

from napari_gan_enhance.errors import GanEnhanceError
from napari_gan_enhance.progress import Progress
from napari_gan_enhance.viewer.results import RunLayers
from napari_gan_enhance.viewer.runs import Choices, ResultFinished, RunRequest
from napari_gan_enhance.viewer.viewport import region_in_view, visible_box
from napari_gan_enhance.widgets._compare_button import CompareButton
from napari_gan_enhance.widgets._progress_row import ProgressRow
from napari_gan_enhance.widgets._redraw import Redraw
from napari_gan_enhance.widgets._run_words import RunWords
from napari_gan_enhance.widgets._view_watch import ViewWatch
from napari_gan_enhance.widgets._worker import JobRunner

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Image

    from napari_gan_enhance.micrograph.micrograph import Micrograph
    from napari_gan_enhance.progress import Job


class RunPanel(QWidget):
    """The button, the progress and the comparison of one run after the other.

    Parameters
    ----------
    viewer : ViewerModel
    words : RunWords
    parent : QWidget, optional
    """

    requested = Signal()
    """The user wants a run with the present settings."""
    added = Signal(object)
    """A result layer."""
    busy = Signal(bool)
    """A run has begun (True) or everything is idle again (False)."""

    def __init__(
        self, viewer: ViewerModel, words: RunWords, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._viewer = viewer
        self._words = words
        self._layers: RunLayers | None = None
        self._source: Image | None = None
        self._request: RunRequest[Any] | None = None
        self._can_start = False
        self._is_stopping = False
        self._is_awaited = False
        self._stop_reason = ""
        self._began = 0.0
        self.runner = JobRunner(self)
        self.button = QPushButton(self)
        self.progress = ProgressRow(self)
        self.compare = CompareButton(viewer, self)
        self._watch = ViewWatch(viewer, self)
        self._redraw = Redraw(self)
        self._lay_out()
        self._connect()
        self._show_state()

    def start(
        self,
        layer: Image,
        micrograph: Micrograph,
        choices: Choices,
        job: Callable[[RunRequest[Choices]], Job[None]],
    ) -> None:
        """Begin a run; does nothing while one lasts.

        Parameters
        ----------
        layer : Image
        micrograph : Micrograph
            The layer's pixels and metadata.
        choices : RunChoices
        job : callable
            Makes the run's job; called in the job's own thread.

        Raises
        ------
        InputError
            If the current view is asked for and shows nothing of the layer.
        """
        if self.runner.is_running:
            return
        region = None
        if choices.region == "view":
            region = region_in_view(self._viewer, layer, micrograph.axes)
        self.compare.end()
        self._request = RunRequest(micrograph, choices, region)
        self._layers, self._source = (
            RunLayers(self._viewer, layer, micrograph.axes),
            layer,
        )
        self._stop_reason, self._began = "", time.monotonic()
        self._look()
        title = f"{self._words.doing} {layer.name!r}"
        self.progress.begin(title)
        self.runner.start(partial(job, self._request), title=title)
        self._show_state()
        self.busy.emit(True)

    def stop(self) -> None:
        """Ask the run to stop; unfinished results are taken away."""
        self._is_stopping = self.runner.is_running
        self.runner.stop()
        self._show_state()

    def set_can_start(self, can_start: bool, reason: str = "") -> None:
        """Say whether the settings allow a run, and why not."""
        self._can_start = can_start
        self.button.setProperty("reason", reason)
        self._show_state()

    def close_down(self) -> None:
        """Stop the run, hear no more of the viewer, leave nothing half-done."""
        self.runner.abandon()
        self._discard()
        self.compare.end()
        self.progress.activity.close()
        self._watch.close()
        self._viewer.layers.events.removed.disconnect(self._on_removed)
        self._redraw.cancel()

    def _on_button(self) -> None:
        if self.runner.is_running:
            self.stop()
        else:
            self.requested.emit()

    def _on_reported(self, progress: Progress) -> None:
        self.progress.show_progress(progress)
        if self._layers is None:
            return
        added = self._layers.take(progress.detail)
        if isinstance(progress.detail, ResultFinished):
            for layer in self._layers.layers:  # written in place: napari heard nothing
                layer.events.data(value=layer.data)
        if added is not None:
            self.added.emit(added)
            self._show_state()
        elif self._is_awaited and self._layers.shows(progress.detail):
            self._is_awaited = False
            self._on_redraw()
        elif progress.detail is not None:
            self._redraw.throttle()

    def _on_redraw(self) -> None:
        if self._layers is not None:
            with self._redraw.timed():
                self._layers.refresh()

    def _on_returned(self, result: object) -> None:
        self.progress.end(f"Done in {time.monotonic() - self._began:.1f} s.")

    def _on_stopped(self) -> None:
        self._discard()
        self.progress.end(self._stop_reason or "Cancelled.")
        if self._stop_reason:
            show_warning(self._stop_reason)

    def _on_failed(self, error: GanEnhanceError) -> None:
        self._discard()
        self.progress.end(str(error))
        show_error(str(error))

    def _on_idle(self) -> None:
        self._is_stopping = False
        self._request = None
        self._show_state()
        self.busy.emit(False)

    def _on_removed(self, event: Any) -> None:
        needed = self._layers is not None and self._layers.needs(event.value)
        if needed and self.runner.is_running and not self._stop_reason:
            self._stop_reason = (
                f"Layer {event.value.name!r} was deleted during the run - source and "
                "results must stay until it ends - the run was stopped."
            )
            self.stop()
        if self._layers is not None:
            self._layers.forget(event.value)
        self._show_state()

    def _look(self) -> None:
        """Tell the run what is on screen; the first tile there is drawn at once."""
        source = self._source
        if self._request is None or source is None or source not in self._viewer.layers:
            return
        axes = self._request.micrograph.axes
        if source.ndim != len(axes.replace("S", "")):
            return  # it was given another image meanwhile
        box = visible_box(self._viewer, source, axes)
        self._request.follower.look_at(box)
        self._is_awaited = True

    def _discard(self) -> None:
        if self._layers is not None:
            self._layers.discard_unfinished()

    def _show_state(self) -> None:
        """Derive texts and what can be pressed from the state, on every change."""
        running = self.runner.is_running
        stopping = running and self._is_stopping
        self.button.setText(_STOPPING[stopping] if running else self._words.verb)
        self.button.setEnabled(not stopping and (running or self._can_start))
        reason = "" if running else self.button.property("reason")
        self.button.setToolTip(
            reason or (_STOP_HELP if running else self._words.help_text)
        )
        results = self._layers.layers if self._layers else ()
        self.compare.set_layers([] if running else [self._source, *results])

    def _connect(self) -> None:
        self.button.clicked.connect(self._on_button)
        self.runner.reported.connect(self._on_reported)
        self.runner.returned.connect(self._on_returned)
        self.runner.stopped.connect(self._on_stopped)
        self.runner.failed.connect(self._on_failed)
        self.runner.idle.connect(self._on_idle)
        self._watch.settled.connect(self._look)
        self._redraw.triggered.connect(self._on_redraw)
        self._viewer.layers.events.removed.connect(self._on_removed)

    def _lay_out(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        for widget in (self.button, self.progress, self.compare):
            column.addWidget(widget)


_STOPPING = {False: "Cancel", True: "Cancelling…"}
_STOP_HELP = "Stop the run within one tile and take unfinished results away."
