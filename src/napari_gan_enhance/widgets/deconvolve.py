"""The Deconvolve dock: see the PSF, start a job, look at its iterations."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_gan_enhance.errors import GanEnhanceError
from napari_gan_enhance.progress import Job
from napari_gan_enhance.viewer.choices import DeconvolveChoices
from napari_gan_enhance.viewer.deconvolution import run_deconvolution
from napari_gan_enhance.viewer.psf_preview import PsfQuestion
from napari_gan_enhance.viewer.runs import RunRequest
from napari_gan_enhance.widgets._bead_section import BeadSection
from napari_gan_enhance.widgets._deconvolve_controls import DeconvolveControls
from napari_gan_enhance.widgets._iteration_row import IterationRow
from napari_gan_enhance.widgets._psf_box import PsfBox
from napari_gan_enhance.widgets._run_dock import RunDock
from napari_gan_enhance.widgets._run_words import RunWords
from napari_gan_enhance.widgets._settings import load_choices, settings_path

if TYPE_CHECKING:
    import napari.viewer

WORDS = RunWords(
    "Deconvolve",
    "Deconvolving",
    "Deconvolve the layer; the part on screen first. The source is not changed.",
)


class DeconvolveDock(RunDock):
    """Deconvolve a layer and choose among the iterations.

    Parameters
    ----------
    napari_viewer : Viewer
    settings : Path, optional
        Where the choices are kept; by default in the user's configuration folder.
    """

    controls: DeconvolveControls

    def __init__(
        self, napari_viewer: napari.viewer.Viewer, settings: Path | None = None
    ) -> None:
        super().__init__(napari_viewer, settings or settings_path("deconvolve"), WORDS)
        self.preview = PsfBox(self)
        self.iterations = IterationRow(self._viewer, self)
        self.beads = BeadSection(self._viewer, self.controls.optics.values, self)
        self.controls.add_psf_parts(self.preview, self.beads)
        column = self._lay_out()
        column.insertWidget(column.count() - 1, self.iterations)
        self._connect()
        self._on_changed()

    def _new_controls(self) -> DeconvolveControls:
        choices = load_choices(self._settings, DeconvolveChoices)
        return DeconvolveControls(self._viewer, choices, self)

    def _job(self) -> Callable[[RunRequest[Any]], Job[None]]:
        return partial(run_deconvolution, psf=self.controls.psf_micrograph())

    def _show_defaults(self) -> None:
        self.controls.show_choices(DeconvolveChoices())

    def _close_down(self) -> None:
        super()._close_down()
        self.preview.close_down()
        self.beads.close_down()
        self.iterations.close_down()

    def _question(self) -> PsfQuestion | None:
        """Return which PSF a run would use; None while that is not known."""
        try:
            micrograph = self.controls.micrograph()
        except GanEnhanceError:  # the form says why
            return None
        if micrograph is None or self.controls.blocking:
            return None
        psf = self.controls.psf_micrograph()
        return PsfQuestion.of(micrograph, self.controls.choices(), psf)

    def _on_changed(self) -> None:
        super()._on_changed()
        self.preview.ask(self._question())

    def _connect(self) -> None:
        super()._connect()
        self.beads.adding.connect(self.controls.layer.ignore)
        self.beads.distilled.connect(self.controls.psf.choose_layer)
        self.panel.added.connect(self.iterations.show_layer)
        self.panel.runner.reported.connect(self.iterations.refresh)
