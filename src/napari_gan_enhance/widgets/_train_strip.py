"""Step through the checkpoints of a training, and hand one on."""

from __future__ import annotations

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import (
    QGroupBox,
    QHBoxLayout,
    QPushButton,
    QSlider,
    QVBoxLayout,
    QWidget,
)
from superqt.utils import signals_blocked

from napari_gan_enhance.viewer.train_results import checkpoint_text
from napari_gan_enhance.viewer.train_run import KeptCheckpoint
from napari_gan_enhance.widgets._fields import text_label


class CheckpointStrip(QGroupBox):
    """A slider over checkpoints, each better than the one before.

    Parameters
    ----------
    parent : QWidget, optional
    """

    chosen = Signal(object)
    """A KeptCheckpoint that the user has moved to."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("Checkpoints", parent)
        self._kept: list[KeptCheckpoint] = []
        self.slider = QSlider(Qt.Orientation.Horizontal, self)
        self.slider.setPageStep(1)
        self.slider.setTickPosition(QSlider.TickPosition.TicksBelow)
        self.slider.setToolTip(
            "Every checkpoint that was the best so far, from the start to the best: "
            "step through them and watch the held-out region."
        )
        self.text = text_label("Held-out scores; in brackets the gain over the source.")
        self.use = QPushButton("Use in Enhance", self)
        self.use.setToolTip(
            "Keep this checkpoint among your models and choose it in the Enhance dock."
        )
        self.save = QPushButton("Save as…", self)
        self.save.setToolTip("Save this checkpoint to a file.")
        self.slider.valueChanged.connect(self._on_moved)
        self._lay_out()
        self.clear()

    @property
    def checkpoint(self) -> KeptCheckpoint | None:
        """The one under the slider."""
        return self._kept[self.slider.value()] if self._kept else None

    @property
    def is_at_newest(self) -> bool:
        """Whether the user looks at the present, not at an earlier step."""
        return bool(self.slider.value() == self.slider.maximum())

    def clear(self) -> None:
        """Forget the last training."""
        self._kept = []
        self.slider.setRange(0, 0)
        self._show_text()
        self.hide()

    def add(self, kept: KeptCheckpoint) -> None:
        """Add a checkpoint; the slider follows if it was at the newest."""
        follows = self.is_at_newest
        self._kept.append(kept)
        with signals_blocked(self.slider):
            self.slider.setRange(0, len(self._kept) - 1)
        self.slider.setEnabled(len(self._kept) > 1)
        if follows:
            self.go_to_best()
        self.show()

    def go_to_best(self) -> None:
        """Show the best, which is the last one kept."""
        with signals_blocked(self.slider):
            self.slider.setValue(self.slider.maximum())
        self._show_text()

    def _on_moved(self) -> None:
        self._show_text()
        if self.checkpoint is not None:
            self.chosen.emit(self.checkpoint)

    def _show_text(self) -> None:
        kept = self.checkpoint
        self.text.setText("" if kept is None else checkpoint_text(kept))

    def _lay_out(self) -> None:
        row = QHBoxLayout()
        row.addWidget(self.use)
        row.addWidget(self.save)
        column = QVBoxLayout(self)
        column.addWidget(self.slider)
        column.addWidget(self.text)
        column.addLayout(row)
