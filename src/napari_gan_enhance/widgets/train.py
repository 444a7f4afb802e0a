"""The Train dock: pairs of layers in, a generator for your microscope out."""

from __future__ import annotations

import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from napari.utils.notifications import show_error

from napari_gan_enhance.errors import GanEnhanceError, InputError
from napari_gan_enhance.training.events import Losses, Preview, Validated
from napari_gan_enhance.viewer.model_choice import CHECKPOINT_SUFFIX
from napari_gan_enhance.viewer.train_choices import TrainChoices
from napari_gan_enhance.viewer.train_preview import PreviewLayer
from napari_gan_enhance.viewer.train_results import save_checkpoint_as
from napari_gan_enhance.viewer.train_run import (
    DeviceMemory,
    KeptCheckpoint,
    Pause,
    ShareDone,
    TrainRequest,
    train_in_child,
)
from napari_gan_enhance.viewer.trained_on import TrainedOn
from napari_gan_enhance.widgets._dock import Dock
from napari_gan_enhance.widgets._save_dialog import ask_save
from napari_gan_enhance.widgets._settings import (
    load_choices,
    save_choices,
    settings_path,
)
from napari_gan_enhance.widgets._told import told
from napari_gan_enhance.widgets._train_panel import TrainPanel
from napari_gan_enhance.widgets._use_in_enhance import use_in_enhance
from napari_gan_enhance.widgets._worker import JobRunner

if TYPE_CHECKING:
    import napari.viewer

    from napari_gan_enhance.progress import Progress

SHOW_S = 1.0
"""Seconds between two steps of bar and curves: each draws the whole window anew, which
takes 60 ms where the processor draws it. Hence both at once, and no bar in the activity
dock, which draws all over again."""


class TrainDock(Dock):
    """Collect pairs, train, watch, keep the best.

    Parameters
    ----------
    napari_viewer : Viewer
    settings : Path, optional
        Where choices are kept; by default in the user's configuration folder.
    """

    def __init__(
        self, napari_viewer: napari.viewer.Viewer, settings: Path | None = None
    ) -> None:
        super().__init__(napari_viewer)
        self._settings = settings or settings_path("train")
        self._is_stopping = False
        self._pause = Pause()
        self._began, self._shown_at, self._stage = 0.0, 0.0, ""
        self._share = ShareDone(TrainChoices())
        self._trained_on: dict[Path, TrainedOn] = {}
        self.runner = JobRunner(self)
        self.preview = PreviewLayer(self._viewer)
        self.panel = TrainPanel(
            self._viewer, load_choices(self._settings, TrainChoices), self
        )
        self._layers = self._chosen_layers()
        self._connect()
        self._show_state()

    def start(self) -> None:
        """Train on the pairs; does nothing while one training lasts.

        Raises
        ------
        InputError
            If none can begin.
        """
        panel = self.panel
        if self.runner.is_running:
            return
        if reason := panel.reason_text:
            panel.pairs.refresh()  # its files may have gone
            raise InputError(reason)
        choices, pairs = panel.form.choices(), panel.pairs.pairs
        request = TrainRequest(pairs.folders, choices, pairs.new_output(choices.recipe))
        self._pause, self._began = Pause(), time.monotonic()
        self._share = ShareDone(choices)
        panel.begin()
        self._layers = self._chosen_layers()
        self.preview.begin(self._layers.size)
        job = partial(train_in_child, request, self._pause)
        self.runner.start(lambda: pairs.lent_to(job()), title="Training")
        save_choices(self._settings, choices)
        self._show_state()

    def stop(self) -> None:
        """End the training within a step; the best so far stays."""
        self._is_stopping = self.runner.is_running
        self._pause.is_on = False
        self.runner.stop()
        self._show_state()

    def use_in_enhance(self) -> None:
        """Choose the checkpoint under the slider in the Enhance dock."""
        kept = self.panel.strip.checkpoint
        if kept is not None:
            layers = self._begun_with(kept).layers(self._viewer)
            use_in_enhance(self._viewer, kept.path, *layers)
            self.preview.put_away()

    def _begun_with(self, kept: KeptCheckpoint) -> TrainedOn:
        return self._trained_on.get(kept.path, self._chosen_layers())

    def _chosen_layers(self) -> TrainedOn:
        pairs = self.panel.pairs
        return TrainedOn(pairs.source.layer(), pairs.target.layer())

    def _close_down(self) -> None:
        self._pause.is_on = False
        self.runner.abandon()
        self.preview.put_away()
        self.panel.close_down()

    def _on_reported(self, progress: Progress) -> None:
        panel, detail = self.panel, progress.detail
        shown = self._share.of(progress)
        if isinstance(detail, Losses):
            panel.plot.add_losses(detail.step, detail.values)
        elif isinstance(detail, Validated):
            self._on_looked(detail)
        elif isinstance(detail, KeptCheckpoint):
            self._trained_on[detail.path] = self._layers
            panel.strip.add(detail)
        elif isinstance(detail, DeviceMemory):
            panel.show_memory(detail.mib)
        is_due = time.monotonic() - self._shown_at >= SHOW_S
        if is_due or progress.note or progress.stage != self._stage:
            self._shown_at, self._stage = time.monotonic(), progress.stage
            panel.progress.show_progress(shown)
            panel.plot.draw()

    def _on_looked(self, looked: Validated) -> None:
        if looked.score is not None:
            self.panel.plot.add_score(looked.step, looked.score)
        if self.panel.strip.is_at_newest:
            self._refresh(looked.preview, self._layers)

    def _refresh(self, preview: Preview | None, layers: TrainedOn) -> None:
        """Show what is new, unless the user does not want to see it."""
        if preview is not None and not self.preview.is_put_away:
            self.preview.show(preview, layers.size)

    def _on_chosen(self, kept: KeptCheckpoint) -> None:
        if kept.preview is not None:
            self.preview.show(kept.preview, self._begun_with(kept).size)

    def _on_returned(self, result: object) -> None:
        self._ended(f"Done in {time.monotonic() - self._began:.0f} s.")

    def _on_stopped(self) -> None:
        kept = self.panel.strip.newest
        self._ended("Stopped." + (" The best so far is kept." if kept else ""))

    def _on_failed(self, error: GanEnhanceError) -> None:
        self._ended(str(error))
        show_error(str(error))

    def _ended(self, text: str) -> None:
        self.panel.end(text)
        best = self.panel.strip.checkpoint
        if best is not None:
            self._refresh(best.preview, self._begun_with(best))

    def _on_idle(self) -> None:
        self._is_stopping = False
        self._show_state()

    def _on_pause(self) -> None:
        self._pause.is_on = not self._pause.is_on
        self._show_state()

    def _on_save(self) -> None:
        kept = self.panel.strip.checkpoint
        if kept is None:
            return
        kinds = f"Checkpoints (*{CHECKPOINT_SUFFIX})"
        path = ask_save(self, "Save", kept.path.name, kinds)
        if path is not None:
            save_checkpoint_as(kept.path, path)

    def _on_defaults(self) -> None:
        form = self.panel.form
        form.show_choices(TrainChoices(recent_models=form.model.recent))

    def _show_state(self) -> None:
        self.panel.show_state(
            is_running=self.runner.is_running,
            is_paused=self._pause.is_on,
            is_stopping=self._is_stopping,
        )

    def _connect(self) -> None:
        panel, runner = self.panel, self.runner
        panel.changed.connect(self._show_state)
        panel.start.clicked.connect(told(self.start))
        panel.pause.clicked.connect(self._on_pause)
        panel.stop.clicked.connect(self.stop)
        panel.defaults.clicked.connect(self._on_defaults)
        panel.strip.chosen.connect(self._on_chosen)
        panel.strip.use.clicked.connect(told(self.use_in_enhance))
        panel.strip.save.clicked.connect(told(self._on_save))
        runner.reported.connect(self._on_reported)
        runner.returned.connect(self._on_returned)
        runner.stopped.connect(self._on_stopped)
        runner.failed.connect(self._on_failed)
        runner.idle.connect(self._on_idle)
