"""Everything that is seen of the Train dock, and what can be pressed when."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import Signal
from qtpy.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from napari_gan_enhance.viewer.train_choices import TrainChoices
from napari_gan_enhance.widgets._fields import align_labels, text_label
from napari_gan_enhance.widgets._form_scroll import FormScroll
from napari_gan_enhance.widgets._progress_row import PlainProgressRow
from napari_gan_enhance.widgets._train_form import TrainForm
from napari_gan_enhance.widgets._train_pairs import PairsBox
from napari_gan_enhance.widgets._train_plot import TrainPlot
from napari_gan_enhance.widgets._train_strip import CheckpointStrip

if TYPE_CHECKING:
    from napari.components import ViewerModel

START_HELP = "Train on the pairs of the list. The best step is kept, never a worse one."


class TrainPanel(QWidget):
    """Pairs and settings, which scroll; the buttons; curves; checkpoints.

    Parameters
    ----------
    viewer : ViewerModel
    choices : TrainChoices
        What to begin with.
    parent : QWidget
        Is laid out around the panel.
    """

    changed = Signal()
    """Pairs or settings changed."""

    def __init__(
        self, viewer: ViewerModel, choices: TrainChoices, parent: QWidget
    ) -> None:
        super().__init__(parent)
        self.pairs = PairsBox(viewer, self)
        self.form = TrainForm(choices, self)
        self.reason = text_label("What keeps a training from starting.")
        self.start = QPushButton("Start", self)
        self.pause = QPushButton("Pause", self)
        self.pause.setToolTip("Rest between two steps; nothing is lost.")
        self.stop = QPushButton("Stop", self)
        self.stop.setToolTip("End within one step and keep the best so far.")
        self.progress = PlainProgressRow(self, unit="")
        self.memory = QLabel(self)
        self.memory.setToolTip("What the training holds of the device's own memory.")
        self.plot = TrainPlot(self)
        self.strip = CheckpointStrip(self)
        self.defaults = QPushButton("Restore defaults", self)
        self.defaults.setToolTip("Set every control as it was after installation.")
        self._lay_out(parent)
        self.pairs.changed.connect(self.changed)
        self.form.changed.connect(self.changed)

    @property
    def reason_text(self) -> str:
        """Return what keeps a training from starting; empty if nothing does."""
        if self.pairs.runner.is_running:
            return "Pairs are being cut or saved."
        if not self.pairs.pairs.rows():
            return "No pairs yet: choose two aligned layers and add a pair."
        return self.form.reason or self._channels_reason

    @property
    def _channels_reason(self) -> str:
        """Say that a start model does not take what was cut here, if that is so."""
        model = self.form.model.choice
        if self.form.is_from_scratch or model is None or model.spec is None:
            return ""
        spec = model.spec
        is_of_one = spec.in_channels == spec.out_channels == 1
        if is_of_one or not self.pairs.pairs.has_unsaved:
            return ""
        return (
            f"Model {model.name!r} takes {spec.in_channels} channels and gives "
            f"{spec.out_channels} - each channel of a layer is a pair of its own - "
            "choose a model of one channel."
        )

    def begin(self) -> None:
        """Show that a training has begun."""
        self.plot.clear_curves()
        self.strip.begin()
        self.memory.hide()
        self.plot.show()
        self.progress.begin()

    def end(self, text: str) -> None:
        """Show how a training ended, and the best of it."""
        self.progress.end(text)
        self.plot.draw()
        self.plot.setVisible(not self.plot.is_empty)
        self.strip.go_to_best()

    def show_memory(self, mib: int) -> None:
        """Show what the training holds of a device."""
        self.memory.setText(f"GPU memory: {mib} MiB")
        self.memory.show()

    def show_state(
        self, *, is_running: bool, is_paused: bool, is_stopping: bool
    ) -> None:
        """Derive what can be pressed from the state, on every change."""
        reason = self.reason_text
        self.start.setEnabled(not is_running and not reason)
        self.start.setToolTip(reason or START_HELP)
        self.reason.setText("" if is_running else reason)
        self.reason.setVisible(bool(reason) and not is_running)
        self.pause.setEnabled(is_running and not is_stopping)
        self.pause.setText("Go on" if is_running and is_paused else "Pause")
        self.stop.setEnabled(is_running and not is_stopping)
        self.stop.setText("Stopping…" if is_stopping else "Stop")
        for widget in (self.pairs, self.form, self.defaults):
            widget.setDisabled(is_running)

    def close_down(self) -> None:
        """Hear no more of the viewer, and delete what was not saved."""
        self.pairs.close_down()

    def _lay_out(self, parent: QWidget) -> None:
        form = QWidget()
        inner = QVBoxLayout(form)
        inner.setContentsMargins(0, 0, 0, 0)
        for widget in (self.pairs, self.form):
            inner.addWidget(widget)
        inner.addStretch(1)
        align_labels(form)
        row = QHBoxLayout()
        for button in (self.start, self.pause, self.stop):
            row.addWidget(button)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(FormScroll(form, self), 1)
        column.addWidget(self.reason)
        column.addLayout(row)
        for widget in (self.progress, self.memory, self.plot, self.strip):
            column.addWidget(widget)
        column.addWidget(self.defaults)
        self.memory.hide()
        self.plot.hide()
        outer = QVBoxLayout(parent)
        outer.addWidget(self)
        # Else napari fills the dock up with nothing, and the form has to scroll.
        policy = QSizePolicy.Policy
        parent.setSizePolicy(policy.Preferred, policy.Expanding)
