"""The Line profile dock: all visible images along one line."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QHBoxLayout, QLabel, QSplitter, QVBoxLayout, QWidget
from superqt.utils import QSignalDebouncer, QSignalThrottler

from napari_gan_enhance.errors import GanEnhanceError
from napari_gan_enhance.metrics.line_profile_curve import Curve, analyze
from napari_gan_enhance.viewer import profile_lines
from napari_gan_enhance.viewer.dock_place import suggest_place
from napari_gan_enhance.viewer.profile import CurvePlan, measured_space, plans
from napari_gan_enhance.viewer.profile_choices import ProfileChoices
from napari_gan_enhance.viewer.profile_files import (
    INTENSITY,
    SaveRequest,
    save_request,
)
from napari_gan_enhance.viewer.profile_pixels import (
    PixelStore,
    load_missing,
    missing_count,
)
from napari_gan_enhance.viewer.profile_problems import curve_problem, viewer_problem
from napari_gan_enhance.widgets._dock import Dock
from napari_gan_enhance.widgets._line_profile_lines import LineList
from napari_gan_enhance.widgets._line_profile_options import ProfileOptions
from napari_gan_enhance.widgets._line_profile_plot import new_plot
from napari_gan_enhance.widgets._line_profile_saving import SaveButtons
from napari_gan_enhance.widgets._line_profile_table import PeakTable
from napari_gan_enhance.widgets._line_profile_watch import ProfileWatch
from napari_gan_enhance.widgets._settings import (
    load_choices,
    save_choices,
    settings_path,
)
from napari_gan_enhance.widgets._worker import JobRunner

if TYPE_CHECKING:
    import napari.viewer

REDRAW_MS = 16
"""One frame: a line that is dragged is not followed more often."""

SETTLED_MS = 120
"""Full resolution, peaks and undo follow when nothing has moved for so long."""

MOVING_POINTS = 600
"""Samples of each layer while the line moves: every second pixel of the plot."""

GUIDE = "Drag the ends of the line. Curves follow it, the sliders and the layers."


class LineProfileDock(Dock):
    """Plot every visible image along the lines in the layer "Line profile".

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
        suggest_place("Line profile", "bottom")  # it is wide and low
        self._settings = settings or settings_path("line-profile")
        self._store = PixelStore()
        self._plans: list[CurvePlan] | None = None  # while only the line moves
        self.lines = LineList(self._viewer, self)
        choices = load_choices(self._settings, ProfileChoices)
        self.options = ProfileOptions(choices, self)
        self.plot = new_plot(self)
        self.table = PeakTable(self)
        self.saving = SaveButtons(self._request, self)
        self.hint = QLabel(GUIDE, self)
        self.hint.setToolTip("What is shown, or what to do next.")
        self.reader = JobRunner(self)
        self._throttler = QSignalThrottler(parent=self)
        self._throttler.setTimeout(REDRAW_MS)
        self._settled = QSignalDebouncer(parent=self)
        self._settled.setTimeout(SETTLED_MS)
        self._watch = ProfileWatch(self._viewer, self)
        self._lay_out()
        self._connect()
        self._on_change()

    def show_moving(self) -> None:
        """Draw the curves alone, coarsely where the line is long."""
        found = self._sample(MOVING_POINTS)
        if found is not None:
            self._read_missing([plan for plan, _ in found])

    def show_settled(self) -> None:
        """Draw the curves at full resolution, and measure their peaks."""
        if not self._is_open:
            return
        self.lines.refresh()
        self._plans = None
        found = self._sample(None)
        is_measured = found is not None and not self._read_missing(
            [plan for plan, _ in found]
        )
        curves = [curve for _, curve in found or [] if is_measured]
        fits = self.options.choices().widths == "fit"
        analyses = [analyze(curve, fits=fits) for curve in curves]
        self.table.show_analyses(analyses)
        self.plot.show_peaks(analyses)
        self.saving.set_wanted(bool(analyses))

    def _sample(self, most_points: int | None) -> list[tuple[CurvePlan, Curve]] | None:
        """Sample and plot; None where there is nothing to sample."""
        if not self._is_open:
            return None
        line, choices = self.lines.current(), self.options.choices()
        problem = viewer_problem(self._viewer, line)
        if problem or line is None:
            self.plot.show_curves([], INTENSITY[choices.intensity], has_bands=False)
            self.hint.setText(problem)
            return None
        if self._plans is None:
            self._plans = plans(self._viewer, line, choices.width, self._store)
        planned = [plan.along(line, choices.width) for plan in self._plans]
        curves = [plan.curve(most_points) for plan in planned]
        if choices.intensity == "normalized":
            curves = [curve.normalized() for curve in curves]
        # A layer that the line misses, or that is not read yet, has no curve.
        found = [
            (plan, curve)
            for plan, curve in zip(planned, curves, strict=True)
            if curve.is_somewhere or missing_count([plan.source])
        ]
        self.plot.show_curves(
            [curve for _, curve in found],
            INTENSITY[choices.intensity],
            has_bands=most_points is None,
        )
        self.hint.setText(curve_problem(line, found) or GUIDE)
        if most_points is None:
            self._show_band(planned, choices.width)
        return found or None

    def _read_missing(self, planned: list[CurvePlan]) -> bool:
        """Read in a thread what is not there; return whether anything is missing."""
        sources = [plan.source for plan in planned]
        if not missing_count(sources):
            return False
        self.hint.setText("Reading the pixels under the line…")
        self.reader.start(
            lambda: load_missing(sources, self._store), title="Reading a line profile"
        )
        return True

    def _show_band(self, planned: list[CurvePlan], width: float) -> None:
        """Draw the lines on the image as wide as what is averaged over."""
        space = measured_space(self._viewer)
        pixel = min((plan.pixel_size() for plan in planned), default=1.0)
        self.options.show_unit(space.unit, pixel)
        profile_lines.show_width(self._viewer, width / float(space.size[1]))

    def _request(self, path: Path, has_crops: bool) -> SaveRequest:
        choices, store = self.options.choices(), self._store
        wanted = self.lines.all_lines()
        return save_request(
            self._viewer, path, wanted, choices, store, has_crops=has_crops
        )

    def _on_change(self) -> None:
        self._plans = None
        self._on_moved()

    def _on_moved(self) -> None:
        self._throttler.throttle()
        self._settled.throttle()

    def _on_pixels(self) -> None:
        self._store.forget()
        self._on_change()

    def _on_options(self) -> None:
        save_choices(self._settings, self.options.choices())
        self._on_change()

    def _on_read_failed(self, error: GanEnhanceError) -> None:
        self.hint.setText(str(error))

    def _close_down(self) -> None:
        self._throttler.cancel()
        self._settled.cancel()
        self._watch.close()
        for runner in (self.reader, self.saving.runner):
            runner.abandon()

    def _connect(self) -> None:
        self._watch.changed.connect(self._on_change)
        self._watch.moved.connect(self._on_moved)
        self._watch.replaced.connect(self._on_pixels)
        self._watch.selected.connect(self.lines.follow_selection)
        self._throttler.triggered.connect(self.show_moving)
        self._settled.triggered.connect(self.show_settled)
        self.lines.chosen.connect(self._on_change)
        self.options.changed.connect(self._on_options)
        self.reader.returned.connect(self._on_change)
        self.reader.failed.connect(self._on_read_failed)

    def _lay_out(self) -> None:
        row = QHBoxLayout()
        row.addWidget(self.options)
        row.addStretch(1)
        row.addWidget(self.saving)
        middle = QWidget(self)
        column = QVBoxLayout(middle)
        column.setContentsMargins(0, 0, 0, 0)
        column.addLayout(row)
        column.addWidget(self.plot, 1)
        column.addWidget(self.hint)
        splitter = QSplitter(Qt.Orientation.Horizontal, self)
        for part, stretch in ((self.lines, 0), (middle, 1), (self.table, 0)):
            splitter.addWidget(part)
            splitter.setStretchFactor(splitter.count() - 1, stretch)
        QVBoxLayout(self).addWidget(splitter)
