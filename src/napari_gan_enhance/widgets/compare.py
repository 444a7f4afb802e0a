"""The Compare dock: two layers side by side, under a line, in turn, subtracted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari.utils.notifications import show_error
from qtpy.QtWidgets import QCheckBox, QHBoxLayout, QPushButton, QVBoxLayout

from napari_gan_enhance.errors import GanEnhanceError
from napari_gan_enhance.viewer.contrast_link import ContrastLink
from napari_gan_enhance.viewer.difference import (
    Subtracted,
    add_subtracted,
    difference_job,
)
from napari_gan_enhance.viewer.layer_pair import check_pair
from napari_gan_enhance.widgets._compare_modes import GUIDE, CompareModes
from napari_gan_enhance.widgets._compare_pair import PairField
from napari_gan_enhance.widgets._dock import Dock
from napari_gan_enhance.widgets._fields import text_label
from napari_gan_enhance.widgets._told import told
from napari_gan_enhance.widgets._worker import JobRunner

if TYPE_CHECKING:
    import napari.viewer


class CompareDock(Dock):
    """Compare two layers; everything is put back at the end.

    Parameters
    ----------
    napari_viewer : Viewer
    """

    def __init__(self, napari_viewer: napari.viewer.Viewer) -> None:
        super().__init__(napari_viewer)
        self._link: ContrastLink | None = None
        self.runner = JobRunner(self)
        self.pair = PairField(self._viewer, self)
        self.modes = CompareModes(self._viewer, self.pair.layers, self)
        self.linked = QCheckBox("Link contrast", self)
        self.linked.setToolTip(
            "Show as much of both layers black and white, also while you change the "
            "contrast of one. Both get their own contrast back when you untick this."
        )
        self.difference = QPushButton("Add difference", self)
        self.difference.setToolTip(
            "A new layer: After minus Before where both show the same place. Orange is "
            "more, blue is less, black is the same."
        )
        self.fits = QCheckBox("Fit intensity first", self)
        self.fits.setToolTip(
            "Bring After to the scale of Before, by one gain and one offset, fitted to "
            "the plane on screen: many results have a scale of their own."
        )
        self.fits.setChecked(True)
        self.hint = text_label("What is shown, or what to do next.")
        self._lay_out()
        self._connect()
        self._show_state()

    def _close_down(self) -> None:
        self.runner.abandon()
        self.modes.close_down()
        self._unlink()
        self.pair.close_down()

    def _on_pair(self) -> None:
        self._unlink()
        self._show_state()
        self.modes.follow_pair()
        if self.linked.isEnabled():
            self._on_linked(self.linked.isChecked())
        else:
            self.linked.setChecked(False)

    def _on_linked(self, is_on: bool) -> None:
        self._unlink()
        before, after = self.pair.layers()
        if is_on and before is not None and after is not None:
            try:
                self._link = ContrastLink(self._viewer, before, after)
            except GanEnhanceError as error:
                self.linked.setChecked(False)
                self._on_failed(str(error))

    def _unlink(self) -> None:
        if self._link is not None:
            self._link.end()
            self._link = None

    def _on_difference(self) -> None:
        before, after = self.pair.layers()
        job = difference_job(self._viewer, before, after, fits=self.fits.isChecked())
        self.runner.start(lambda: job)
        self.hint.setText("Subtracting …")
        self._enable()

    def _on_subtracted(self, subtracted: Subtracted) -> None:
        if subtracted.before in self._viewer.layers:
            self.modes.end()  # the difference would lie over both
            add_subtracted(self._viewer, subtracted)
            self.hint.setText(subtracted.said)

    def _on_failed(self, reason: str) -> None:
        self.hint.setText(reason)
        show_error(reason)

    def _show_state(self) -> None:
        self.hint.setText(self._problem() or GUIDE)
        self._enable()

    def _problem(self) -> str:
        """Return what is missing, empty if nothing is."""
        try:
            check_pair(*self.pair.layers())
        except GanEnhanceError as error:
            return str(error)
        return ""

    def _enable(self) -> None:
        """Let nothing be pressed that cannot work."""
        is_possible = not self._problem()
        for widget in (self.modes, self.linked, self.fits):
            widget.setEnabled(is_possible)
        self.difference.setEnabled(is_possible and not self.runner.is_running)

    def _connect(self) -> None:
        self.pair.chosen.connect(self._on_pair)
        self.modes.said.connect(self.hint.setText)
        self.modes.failed.connect(self._on_failed)
        self.linked.toggled.connect(self._on_linked)
        self.difference.clicked.connect(told(self._on_difference, self.hint.setText))
        self.runner.returned.connect(self._on_subtracted)
        self.runner.failed.connect(lambda error: self._on_failed(str(error)))
        self.runner.idle.connect(self._enable)

    def _lay_out(self) -> None:
        row = QHBoxLayout()
        row.addWidget(self.difference)
        row.addWidget(self.fits)
        row.addStretch(1)
        column = QVBoxLayout(self)
        column.addWidget(self.pair)
        column.addWidget(self.modes)
        column.addWidget(self.linked)
        column.addLayout(row)
        column.addWidget(self.hint)
        column.addStretch(1)
