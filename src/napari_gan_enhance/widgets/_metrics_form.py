"""All controls of the Metrics dock, and its table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import (
    QFormLayout,
    QHBoxLayout,
    QPushButton,
    QSplitter,
    QTabWidget,
    QVBoxLayout,
    QWidget,
)

from napari_gan_enhance.viewer.metrics_choices import MetricsChoices
from napari_gan_enhance.widgets._fields import choice_box, push_button, select
from napari_gan_enhance.widgets._layers_field import LayersField
from napari_gan_enhance.widgets._metrics_against import AgainstForm
from napari_gan_enhance.widgets._metrics_alone import AloneForm
from napari_gan_enhance.widgets._metrics_table import MetricsTable
from napari_gan_enhance.widgets._progress_row import ProgressRow

if TYPE_CHECKING:
    from napari.components import ViewerModel

PLANES = {"all": "All planes", "shown": "On screen"}
TABS = ("reference", "alone")


class MetricsForm(QWidget):
    """Layers at the left, how to judge them in the middle, the table at the right.

    Parameters
    ----------
    viewer : ViewerModel
    choices : MetricsChoices
        What to begin with.
    parent : QWidget
    """

    changed = Signal()

    def __init__(
        self, viewer: ViewerModel, choices: MetricsChoices, parent: QWidget
    ) -> None:
        super().__init__(parent)
        self.layers = LayersField(viewer, "The layers that are judged.", self)
        self.planes = choice_box(
            PLANES, "All planes, times and channels, or only what is on screen."
        )
        self.against = AgainstForm(viewer, self)
        self.alone = AloneForm(viewer, self)
        self.tabs = QTabWidget(self)
        self.tabs.addTab(self.against, "Against a reference")
        self.tabs.addTab(self.alone, "Without one")
        self.measure = QPushButton("Measure", self)
        self.maps = push_button(
            "With maps",
            "Measure, and add two layers for each: SSIM (yellow is alike, blue is not) "
            "and error (orange is too bright, blue too dark, black right).",
        )
        self.progress = ProgressRow(self, unit="planes")
        self.table = MetricsTable(self)
        self.report = push_button(
            "Report…",
            "Compare methods on a folder of test images: box plots, tests, pictures.",
        )
        self.defaults = push_button(
            "Restore defaults", "Set every control as it was after installation."
        )
        self._lay_out(parent)
        self.show_choices(choices)
        self._connect()

    def choices(self) -> MetricsChoices:
        """Return what the controls hold."""
        return MetricsChoices(
            judged=TABS[self.tabs.currentIndex()],
            planes=self.planes.currentData(),
            **self.against.choices(),
            **self.alone.choices(),
        )

    def show_choices(self, choices: MetricsChoices) -> None:
        """Set the controls; layers stay chosen."""
        self.tabs.setCurrentIndex(TABS.index(choices.judged))
        select(self.planes, choices.planes)
        self.against.show_choices(choices)
        self.alone.show_choices(choices)

    def show_state(self, *, is_running: bool) -> None:
        """Derive what can be pressed from the state."""
        problem = self.against.problem if self.tabs.currentIndex() == 0 else ""
        self.measure.setText("Cancel" if is_running else "Measure")
        self.measure.setToolTip(
            "Stop; what is shown stays."
            if is_running
            else problem or "Measure the ticked layers."
        )
        self.measure.setEnabled(is_running or not problem)
        can_map = not is_running and not problem and self.tabs.currentIndex() == 0
        self.maps.setEnabled(can_map)
        for widget in (self.layers, self.planes, self.tabs, self.defaults):
            widget.setDisabled(is_running)

    def close_down(self) -> None:
        """Hear no more of the viewer."""
        self.progress.activity.close()
        self.layers.disconnect_viewer()
        self.against.reference.disconnect_viewer()
        self.alone.repeat.disconnect_viewer()

    def _connect(self) -> None:
        self.tabs.currentChanged.connect(self.changed)
        self.planes.currentIndexChanged.connect(self.changed)
        self.against.changed.connect(self.changed)
        self.alone.changed.connect(self.changed)
        self.defaults.clicked.connect(lambda: self.show_choices(MetricsChoices()))

    def _lay_out(self, parent: QWidget) -> None:
        left, middle = QWidget(self), QWidget(self)
        column = QVBoxLayout(left)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.layers, 1)
        form = QFormLayout()
        form.addRow("Planes", self.planes)
        column.addLayout(form)
        column = QVBoxLayout(middle)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.tabs, 1)
        row = QHBoxLayout()
        row.addWidget(self.measure, 1)
        row.addWidget(self.maps)
        column.addLayout(row)
        column.addWidget(self.progress)
        self.table.row.addStretch(1)
        self.table.row.addWidget(self.report)
        self.table.row.addWidget(self.defaults)
        splitter = QSplitter(Qt.Orientation.Horizontal, self)
        for part, stretch in ((left, 0), (middle, 0), (self.table, 1)):
            splitter.addWidget(part)
            splitter.setStretchFactor(splitter.count() - 1, stretch)
        QVBoxLayout(self).addWidget(splitter)
        QVBoxLayout(parent).addWidget(self)
