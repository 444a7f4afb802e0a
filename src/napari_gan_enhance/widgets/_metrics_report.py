"""The dialog for a report: several methods on a folder of test images."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from napari.utils.notifications import show_error
from qtpy.QtCore import QUrl
from qtpy.QtGui import QDesktopServices
from qtpy.QtWidgets import (
    QCheckBox,
    QDialog,
    QFormLayout,
    QGroupBox,
    QHBoxLayout,
    QLineEdit,
    QPushButton,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from napari_gan_enhance.errors import GanEnhanceError
from napari_gan_enhance.viewer.metrics_choices import MetricsChoices, ReportChoices
from napari_gan_enhance.viewer.metrics_report import PAGE, check_report, make_report
from napari_gan_enhance.viewer.optics_values import OpticsValues
from napari_gan_enhance.widgets._folder_field import FolderField
from napari_gan_enhance.widgets._methods_field import MethodsField
from napari_gan_enhance.widgets._optics_form import OpticsForm
from napari_gan_enhance.widgets._progress_row import ProgressRow
from napari_gan_enhance.widgets._settings import (
    load_choices,
    save_choices,
    settings_path,
)
from napari_gan_enhance.widgets._worker import JobRunner

MOST_PICTURES = 20


class ReportDialog(QDialog):
    """Folders, methods, and the run that writes and opens the page.

    Parameters
    ----------
    scoring : callable
        Returns the MetricsChoices of the dock, whose convention and fit are used.
    parent : QWidget
    """

    def __init__(self, scoring: Callable[[], MetricsChoices], parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle("Compare methods on test images")
        self._scoring = scoring
        self._settings = settings_path("report")
        self.runner = JobRunner(self)
        self.source = FolderField("Images to work on, that no method was trained on.")
        self.target = FolderField("Their references, under the same names.")
        self.output = FolderField("New folder for the page and its tables.")
        self.methods = MethodsField(self)
        self.optics = OpticsForm(self)
        self.pattern = QLineEdit(self)
        self.pattern.setPlaceholderText("each file is a field")
        self.pattern.setToolTip(
            "Regular expression: the part of a target's name that is the field of "
            "view. Files of one field count once, as they are no independent evidence."
        )
        self.pictures = QSpinBox(self)
        self.pictures.setRange(0, MOST_PICTURES)
        self.pictures.setToolTip("Fields shown in pictures, evenly spaced.")
        self.replace = QCheckBox("Replace a report that is there", self)
        self.replace.setToolTip("No other folder is ever replaced.")
        self.run = QPushButton("Run", self)
        self.show_page = QPushButton("Open the page", self)
        self.show_page.setToolTip("Open the report in the browser.")
        self.progress = ProgressRow(self, unit="results")
        self._lay_out()
        self._show_choices(load_choices(self._settings, ReportChoices))
        self._connect()
        self._show_state()

    @property
    def page(self) -> Path | None:
        """The page in the report's folder; None where there is none yet."""
        page = Path(self.output.value()) / PAGE if self.output.value() else None
        return page if page is not None and page.is_file() else None

    def choices(self) -> ReportChoices:
        """Return what the controls hold."""
        optics = self.optics.values()
        z, y, x = optics.voxel_size_um
        return ReportChoices(
            source=self.source.value(),
            target=self.target.value(),
            output=self.output.value(),
            methods=self.methods.ticked(),
            others=self.methods.others(),
            iterations=self.methods.iterations(),
            field_pattern=self.pattern.text(),
            shown=self.pictures.value(),
            numerical_aperture=optics.numerical_aperture,
            immersion_index=optics.immersion_index,
            emission_nm=optics.emission_nm,
            voxel_size_um=(z, y, x),
        )

    def start(self) -> None:
        """Begin the report.

        Raises
        ------
        InputError
            If a folder or method is missing.
        """
        choices = self.choices()
        check_report(choices)
        save_choices(self._settings, choices)
        replaces = self.replace.isChecked()
        job = partial(make_report, choices, self._scoring(), overwrite=replaces)
        self.progress.begin("Comparing methods")
        self.runner.start(job, title="Comparing methods")
        self._show_state()

    def close_down(self) -> None:
        """Stop and go away with the dock."""
        self.runner.abandon()
        self.progress.activity.close()
        self.close()

    def _show_choices(self, choices: ReportChoices) -> None:
        self.source.set_value(choices.source)
        self.target.set_value(choices.target)
        self.output.set_value(choices.output)
        self.methods.show_methods(choices.methods, choices.others)
        self.methods.show_iterations(choices.iterations)
        self.pattern.setText(choices.field_pattern)
        self.pictures.setValue(choices.shown)
        values = OpticsValues(
            choices.numerical_aperture,
            choices.immersion_index,
            choices.emission_nm or (None,),
            choices.voxel_size_um,
        )
        self.optics.show_values(values, ("",) * len(values.emission_nm))

    def _on_run(self) -> None:
        if self.runner.is_running:
            self.runner.stop()
            return
        try:
            self.start()
        except GanEnhanceError as error:
            self.progress.end(str(error))

    def _on_target(self) -> None:
        """Propose a folder beside the images."""
        if not self.output.value() and self.target.value():
            beside = Path(self.target.value()).parent / "comparison"
            self.output.set_value(str(beside))

    def _on_returned(self, page: Path) -> None:
        self.progress.end(f"Wrote {page}")
        _open(page)

    def _on_failed(self, error: GanEnhanceError) -> None:
        self.progress.end(str(error))
        show_error(str(error))

    def _on_show(self) -> None:
        page = self.page
        if page is not None:
            _open(page)

    def _show_state(self) -> None:
        is_running = self.runner.is_running
        self.run.setText("Cancel" if is_running else "Run")
        self.run.setToolTip(
            "Stop; nothing is written."
            if is_running
            else "Run every method on every image, then write and open the page."
        )
        self.show_page.setEnabled(self.page is not None and not is_running)

    def _connect(self) -> None:
        self.run.clicked.connect(self._on_run)
        self.show_page.clicked.connect(self._on_show)
        self.target.settled.connect(self._on_target)
        self.output.changed.connect(self._show_state)
        runner = self.runner
        runner.reported.connect(self.progress.show_progress)
        runner.returned.connect(self._on_returned)
        runner.failed.connect(self._on_failed)
        runner.stopped.connect(lambda: self.progress.end("Cancelled: nothing written."))
        runner.idle.connect(self._show_state)

    def _lay_out(self) -> None:
        form = QFormLayout()
        form.addRow("Sources", self.source)
        form.addRow("Targets", self.target)
        form.addRow("Report", self.output)
        form.addRow("", self.replace)
        form.addRow("Field of view", self.pattern)
        form.addRow("Pictures", self.pictures)
        optics = QGroupBox("Optics, where the files do not say them")
        QVBoxLayout(optics).addWidget(self.optics)
        left = QVBoxLayout()
        left.addLayout(form)
        left.addWidget(optics)
        left.addStretch(1)
        columns = QHBoxLayout()
        columns.addLayout(left, 1)
        columns.addWidget(self.methods, 1)
        buttons = QHBoxLayout()
        buttons.addWidget(self.run, 1)
        buttons.addWidget(self.show_page)
        whole = QVBoxLayout(self)
        whole.addLayout(columns)
        whole.addWidget(self.progress)
        whole.addLayout(buttons)
        for button in self.findChildren(QPushButton):
            button.setAutoDefault(False)  # Enter ends a path, it opens no dialog


def _open(page: Path) -> None:
    QDesktopServices.openUrl(QUrl.fromLocalFile(str(page)))
