"""Save the lines as a table, a plot or a figure, without holding up the window."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from napari.utils.notifications import show_error, show_info
from qtpy.QtWidgets import QHBoxLayout, QPushButton, QWidget

from napari_gan_enhance.errors import GanEnhanceError
from napari_gan_enhance.viewer.profile_files import SaveRequest, save_profile
from napari_gan_enhance.widgets._save_dialog import ask_save
from napari_gan_enhance.widgets._told import told
from napari_gan_enhance.widgets._worker import JobRunner

TABLE_AND_PLOT = "Table (*.csv);;Plot (*.png);;Plot (*.svg)"
FIGURE = "Figure (*.png);;Figure (*.svg);;Figure (*.pdf)"


class SaveButtons(QWidget):
    """Two buttons that ask for a name and write.

    Parameters
    ----------
    gather : callable
        From a path and whether crops are wanted to a SaveRequest.
    parent : QWidget, optional
    """

    def __init__(
        self,
        gather: Callable[[Path, bool], SaveRequest],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._gather = gather
        self.save = QPushButton("Save…", self)
        self.save.setToolTip(
            "All lines as a CSV table with what is needed to repeat the measurement, "
            "or the plot of the chosen line as PNG or SVG."
        )
        self.figure = QPushButton("Figure…", self)
        self.figure.setToolTip(
            "The chosen line as a figure: each layer cropped around it, with line and "
            "scale bar, beside the profiles; PNG, SVG or PDF."
        )
        self.runner = JobRunner(self)
        self.set_wanted(False)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        for button in (self.save, self.figure):
            row.addWidget(button)
        self._connect()

    def set_wanted(self, is_wanted: bool) -> None:
        """Say whether there is anything to save."""
        self._is_wanted = is_wanted
        for button in (self.save, self.figure):
            button.setEnabled(is_wanted and not self.runner.is_running)

    def _ask(self, title: str, name: str, kinds: str, has_crops: bool) -> None:
        path = ask_save(self, title, name, kinds)
        if path is None:
            return
        request = self._gather(path, has_crops)
        self.runner.start(lambda: save_profile(request), title=f"Saving {path.name}")
        self.set_wanted(self._is_wanted)

    def _on_save(self) -> None:
        self._ask("Save line profile", "line-profile.csv", TABLE_AND_PLOT, False)

    def _on_figure(self) -> None:
        self._ask("Save figure", "line-profile.png", FIGURE, True)

    def _on_returned(self, path: Path) -> None:
        show_info(f"Saved {path}")

    def _on_failed(self, error: GanEnhanceError) -> None:
        show_error(str(error))

    def _connect(self) -> None:
        self.save.clicked.connect(told(self._on_save))
        self.figure.clicked.connect(told(self._on_figure))
        self.runner.returned.connect(self._on_returned)
        self.runner.failed.connect(self._on_failed)
        self.runner.idle.connect(lambda: self.set_wanted(self._is_wanted))
