"""The Enhance dock: collect settings, start a job, show the result."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari.utils.notifications import show_info
from qtpy.QtGui import QDragEnterEvent, QDropEvent
from qtpy.QtWidgets import QApplication, QCheckBox, QPushButton

from napari_gan_enhance.io.boundary import check_readable
from napari_gan_enhance.progress import Job
from napari_gan_enhance.viewer.choices import EnhanceChoices
from napari_gan_enhance.viewer.diagnostics import diagnostics
from napari_gan_enhance.viewer.jobs import run
from napari_gan_enhance.viewer.model_choice import CHECKPOINT_SUFFIX
from napari_gan_enhance.viewer.reader_preference import (
    PLUGIN,
    is_preferred,
    set_preferred,
)
from napari_gan_enhance.viewer.runs import RunRequest
from napari_gan_enhance.widgets._controls import EnhanceControls
from napari_gan_enhance.widgets._model_field import dropped
from napari_gan_enhance.widgets._run_dock import RunDock
from napari_gan_enhance.widgets._run_words import RunWords
from napari_gan_enhance.widgets._settings import (
    load_choices,
    save_choices,
    settings_path,
)
from napari_gan_enhance.widgets._told import told
from napari_gan_enhance.widgets._trust_row import TrustRow

if TYPE_CHECKING:
    import napari.viewer
    from napari.layers import Image

TIFF_SUFFIXES = (".tif", ".tiff", ".btf", ".tf8", ".stk", ".lsm")

WORDS = RunWords(
    "Enhance",
    "Enhancing",
    "Enhance the layer; the part on screen first. The source is not changed.",
)


class EnhanceDock(RunDock):
    """Enhance a layer, with Richardson-Lucy beside it, without holding up the window.

    Parameters
    ----------
    napari_viewer : Viewer
    settings : Path, optional
        Where the choices are kept; by default in the user's configuration folder.
    """

    controls: EnhanceControls

    def __init__(
        self, napari_viewer: napari.viewer.Viewer, settings: Path | None = None
    ) -> None:
        super().__init__(napari_viewer, settings or settings_path("enhance"), WORDS)
        self.setAcceptDrops(True)
        self.diagnostics = QPushButton("Copy diagnostics", self)
        self.diagnostics.setToolTip("Copy versions and settings for a fault report.")
        self.opens_tiff = QCheckBox("Open TIFF files with this plugin", self)
        self.opens_tiff.setToolTip(
            "TIFF files dropped on the viewer keep their pixel size, channels and "
            "metadata. Without it napari asks which reader to use."
        )
        self.opens_tiff.setChecked(is_preferred())
        self._waiting: list[Image] = []
        self.trust = TrustRow(self._viewer, self.controls, self)
        column = self._lay_out(self.diagnostics)
        column.insertWidget(column.count() - 1, self.trust)
        column.insertWidget(column.count() - 1, self.opens_tiff)
        self._connect()
        self._on_changed()

    def open_and_enhance(self, path: Path) -> None:
        """Open an image with the plugin's reader and enhance all its channels at once.

        Where the file does not say what Richardson-Lucy needs, that is left out this
        once; the choice for other files stays.
        """
        if self.panel.runner.is_running or self.trust.runner.is_running:
            show_info(f"{path.name} waits: drop it again when the run has ended.")
            return
        check_readable(path)
        layers = self._viewer.open(str(path), plugin=PLUGIN)
        self._waiting = list(layers)  # one for each channel
        self._enhance_next(path.name)

    def dragEnterEvent(self, event: QDragEnterEvent | None) -> None:
        """Take images and checkpoints."""
        if event is not None and dropped(event, *TIFF_SUFFIXES, CHECKPOINT_SUFFIX):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent | None) -> None:
        """Choose a dropped checkpoint; open and enhance a dropped image."""
        if event is None:
            return
        event.acceptProposedAction()
        for path in dropped(event, CHECKPOINT_SUFFIX):
            self.controls.model.choose(str(path))
        images = dropped(event, *TIFF_SUFFIXES)
        for path in images[:1]:
            told(self.open_and_enhance)(path)
        if len(images) > 1:
            show_info(f"Of {len(images)} files {images[0].name} is taken: drop one.")

    def _new_controls(self) -> EnhanceControls:
        choices = load_choices(self._settings, EnhanceChoices)
        return EnhanceControls(self._viewer, choices, self)

    def _job(self) -> Callable[[RunRequest[Any]], Job[None]]:
        return run

    def _show_defaults(self) -> None:
        recent = self.controls.model.recent
        self.controls.show_choices(EnhanceChoices(recent_models=recent))

    def _close_down(self) -> None:
        self._waiting.clear()
        self.trust.close_down()
        super()._close_down()

    def _enhance_next(self, name: str) -> None:
        layer, *rest = self._waiting
        self._waiting = []
        self.controls.layer.choose(layer)
        if self.controls.is_only_optics_missing:
            show_info(
                f"{name} does not say what Richardson-Lucy needs: only enhancing."
            )
            self._begin(
                self.controls.choices().model_copy(update={"deconvolve": False})
            )
        else:
            self.start()
        if self.panel.runner.is_running:  # else the others could not begin either
            self._waiting = rest

    def _on_busy(self, is_busy: bool) -> None:
        super()._on_busy(is_busy)
        self.trust.set_can_start(not is_busy)
        self._waiting = [x for x in self._waiting if x in self._viewer.layers]
        if not is_busy and self._waiting:
            told(self._enhance_next)(self._waiting[0].name)

    def _on_changed(self) -> None:
        super()._on_changed()
        if self.trust.runner.is_running:
            self.panel.set_can_start(False, "Trust maps are being made.")

    def _on_trust(self, is_busy: bool) -> None:
        if is_busy:
            save_choices(self._settings, self.controls.choices())
        super()._on_busy(is_busy)
        self._on_changed()

    def _on_given_up(self) -> None:
        self._waiting.clear()

    def _on_diagnostics(self) -> None:
        controls = self.controls
        text = diagnostics(controls.choices(), controls.model.choice)
        clipboard = QApplication.clipboard()
        if clipboard is not None:
            clipboard.setText(text)
            show_info("Diagnostics are in the clipboard.")

    def _connect(self) -> None:
        super()._connect()
        self.panel.runner.stopped.connect(self._on_given_up)
        self.panel.runner.failed.connect(self._on_given_up)
        self.opens_tiff.toggled.connect(set_preferred)
        self.diagnostics.clicked.connect(self._on_diagnostics)
        self.trust.busy.connect(self._on_trust)
        self.trust.adding.connect(self.controls.layer.ignore)
