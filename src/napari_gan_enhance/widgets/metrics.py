"""The Metrics dock: how good layers are, against a reference and without one."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari.utils.notifications import show_error

from napari_gan_enhance.comparison.niqe_file import SharpModel
from napari_gan_enhance.errors import GanEnhanceError
from napari_gan_enhance.viewer.dock_place import suggest_place
from napari_gan_enhance.viewer.metrics_against import (
    ScoredAgainst,
    against_request,
    score_layers,
)
from napari_gan_enhance.viewer.metrics_alone import (
    MeasuredAlone,
    alone_request,
    fit_to_layers,
    measure_layers,
)
from napari_gan_enhance.viewer.metrics_choices import MetricsChoices
from napari_gan_enhance.viewer.metrics_layers import placed_layer
from napari_gan_enhance.viewer.metrics_maps import add_maps
from napari_gan_enhance.viewer.metrics_table import table_against, table_alone
from napari_gan_enhance.widgets._dock import Dock
from napari_gan_enhance.widgets._metrics_form import MetricsForm
from napari_gan_enhance.widgets._metrics_report import ReportDialog
from napari_gan_enhance.widgets._settings import (
    load_choices,
    save_choices,
    settings_path,
)
from napari_gan_enhance.widgets._told import told
from napari_gan_enhance.widgets._worker import JobRunner

if TYPE_CHECKING:
    import napari.viewer
    from napari.layers import Image


class MetricsDock(Dock):
    """Measure ticked layers, show the table, and maps of where they go wrong.

    Parameters
    ----------
    napari_viewer : Viewer
    settings : Path, optional
        Where the choices are kept; by default in the user's configuration.
    """

    def __init__(
        self, napari_viewer: napari.viewer.Viewer, settings: Path | None = None
    ) -> None:
        super().__init__(napari_viewer)
        suggest_place("Metrics", "bottom")  # its table is wide and low
        self._settings = settings or settings_path("metrics")
        self._reference: Image | None = None
        self.runner = JobRunner(self)
        choices = load_choices(self._settings, MetricsChoices)
        self.form = MetricsForm(self._viewer, choices, self)
        self.report: ReportDialog | None = None
        self._connect()
        self._show_state()

    def measure(self, *, has_maps: bool = False) -> None:
        """Begin to measure the ticked layers.

        Raises
        ------
        InputError
            If there is nothing to measure, or by nothing.
        """
        choices, form = self.form.choices(), self.form
        layers = form.layers.layers()
        if choices.judged == "reference":
            self._reference = form.against.reference.layer()
            against = against_request(
                self._viewer, layers, self._reference, choices, has_maps=has_maps
            )
            job: Callable[[], Any] = partial(score_layers, against)
        else:
            repeat, model = form.alone.repeat.layer(), form.alone.model
            alone = alone_request(self._viewer, layers, repeat, model, choices)
            job = partial(measure_layers, alone)
        self._start(job, f"Measuring {len(layers)} layers")

    def fit_niqe(self) -> None:
        """Begin to fit the NIQE model to the ticked layers."""
        layers = self.form.layers.layers()
        placed = [placed_layer(self._viewer, layer) for layer in layers]
        self._start(partial(fit_to_layers, placed), "Fitting a NIQE model")

    def _close_down(self) -> None:
        self.runner.abandon()
        if self.report is not None:
            self.report.close_down()
        self.form.close_down()

    def _start(self, job: Callable[[], Any], title: str) -> None:
        self.form.progress.begin(title)
        self.runner.start(job, title=title)
        self._show_state()

    def _on_returned(self, found: object) -> None:
        self.form.progress.end("")
        if isinstance(found, SharpModel):
            self.form.alone.show_model(found)
            self.form.table.say("The model is used from now on; save it to keep it.")
        elif isinstance(found, ScoredAgainst):
            self._show_scores(found)
        elif isinstance(found, MeasuredAlone):
            self.form.table.show_table(table_alone(found))

    def _show_scores(self, found: ScoredAgainst) -> None:
        self.form.table.show_table(table_against(found))
        reference = self._reference
        if reference is not None and reference in self._viewer.layers:
            add_maps(self._viewer, reference, found.scored)
        problems = [one.problem for one in found.scored]
        if all(problems):
            show_error(problems[0])

    def _on_failed(self, error: GanEnhanceError) -> None:
        self.form.progress.end("")
        self.form.table.say(str(error))
        show_error(str(error))

    def _on_measure(self) -> None:
        if self.runner.is_running:
            self.runner.stop()
        else:
            self.measure()

    def _on_report(self) -> None:
        if self.report is None:
            self.report = ReportDialog(self.form.choices, self)
        self.report.show()
        self.report.raise_()

    def _on_changed(self) -> None:
        save_choices(self._settings, self.form.choices())
        self._show_state()

    def _show_state(self) -> None:
        self.form.show_state(is_running=self.runner.is_running)

    def _connect(self) -> None:
        form, runner, say = self.form, self.runner, self.form.table.say
        form.changed.connect(self._on_changed)
        form.measure.clicked.connect(told(self._on_measure, say))
        form.maps.clicked.connect(told(partial(self.measure, has_maps=True), say))
        form.report.clicked.connect(self._on_report)
        form.alone.fit_wanted.connect(told(self.fit_niqe, say))
        form.alone.load.clicked.connect(told(form.alone.ask_load, say))
        form.alone.save.clicked.connect(told(form.alone.ask_save, say))
        form.table.export.clicked.connect(told(form.table.ask_export, say))
        runner.reported.connect(form.progress.show_progress)
        runner.returned.connect(self._on_returned)
        runner.failed.connect(self._on_failed)
        runner.stopped.connect(lambda: form.progress.end("Cancelled."))
        runner.idle.connect(self._show_state)
