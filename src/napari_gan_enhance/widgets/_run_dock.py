"""What all docks that run over a layer have in common."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qtpy.QtWidgets import QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from napari_gan_enhance.progress import Job
from napari_gan_enhance.viewer.choices import RunChoices
from napari_gan_enhance.viewer.runs import RunRequest
from napari_gan_enhance.widgets._dock import Dock
from napari_gan_enhance.widgets._form_scroll import FormScroll
from napari_gan_enhance.widgets._run_controls import RunControls
from napari_gan_enhance.widgets._run_panel import RunPanel
from napari_gan_enhance.widgets._run_words import RunWords
from napari_gan_enhance.widgets._settings import save_choices
from napari_gan_enhance.widgets._told import told

if TYPE_CHECKING:
    import napari.viewer


class RunDock(Dock):
    """A form that scrolls, and under it the run it starts.

    Parameters
    ----------
    napari_viewer : Viewer
    settings : Path
        Where the choices are kept.
    words : RunWords
    """

    def __init__(
        self, napari_viewer: napari.viewer.Viewer, settings: Path, words: RunWords
    ) -> None:
        super().__init__(napari_viewer)
        self._settings = settings
        self.controls: Any = self._new_controls()
        self.panel = RunPanel(self._viewer, words, self)
        self.defaults = QPushButton("Restore defaults", self)
        self.defaults.setToolTip("Set every control as it was after installation.")

    def start(self) -> None:
        """Run over the chosen layer; does nothing while settings are not valid."""
        if not self.controls.blocking:
            choices = self.controls.choices()
            self._begin(choices)
            save_choices(self._settings, choices)
            self.controls.remember(choices)

    def _begin(self, choices: RunChoices) -> None:
        """Run over the chosen layer, whether or not the choices are remembered."""
        layer, micrograph = self.controls.layer.layer(), self.controls.micrograph()
        if layer is not None and micrograph is not None:
            self.panel.start(layer, micrograph, choices, self._job())

    def _new_controls(self) -> RunControls:
        """Return the form, with the remembered choices."""
        raise NotImplementedError

    def _job(self) -> Callable[[RunRequest[Any]], Job[None]]:
        """Return what makes the job of a run."""
        raise NotImplementedError

    def _show_defaults(self) -> None:
        """Set every control as it was after installation."""
        raise NotImplementedError

    def _close_down(self) -> None:
        self.panel.close_down()
        self.controls.disconnect_viewer()

    def _on_busy(self, is_busy: bool) -> None:
        self.controls.setDisabled(is_busy)
        self.defaults.setDisabled(is_busy)

    def _on_requested(self) -> None:
        told(self.start)()

    def _on_changed(self) -> None:
        reasons = [finding.reason for finding in self.controls.blocking]
        self.panel.set_can_start(not reasons, "\n".join(reasons))

    def _connect(self) -> None:
        self.controls.changed.connect(self._on_changed)
        self.panel.requested.connect(self._on_requested)
        self.panel.added.connect(self.controls.layer.ignore)
        self.panel.busy.connect(self._on_busy)
        self.defaults.clicked.connect(self._show_defaults)

    def _lay_out(self, *tools: QWidget) -> QVBoxLayout:
        """Lay out form, run and buttons; return the column they stand in."""
        row = QHBoxLayout()
        for tool in (self.defaults, *tools):
            row.addWidget(tool)
        column = QVBoxLayout(self)
        column.addWidget(FormScroll(self.controls, self), 1)
        column.addWidget(self.controls.reason)
        column.addWidget(self.panel)
        column.addLayout(row)
        return column
