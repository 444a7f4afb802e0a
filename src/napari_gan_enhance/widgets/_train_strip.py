"""Step through the checkpoints of a training, and hand one on."""

from __future__ import annotations

from bisect import bisect_right

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
    """A slider over checkpoints, each better than the one before in its training.

    Those of earlier trainings stay left of those of the last one.

    Parameters
    ----------
    parent : QWidget, optional
    """

    chosen = Signal(object)
    """A KeptCheckpoint that the user has moved to."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("Checkpoints", parent)
        self._kept: list[KeptCheckpoint] = []
        self._firsts: list[int] = []
        self.slider = QSlider(Qt.Orientation.Horizontal, self)
        self.slider.setPageStep(1)
        self.slider.setTickPosition(QSlider.TickPosition.TicksBelow)
        self.slider.setToolTip(
            "Every checkpoint that was the best so far, from the start to the best: "
            "step through them and watch the held-out region. They are gone when the "
            "dock is closed, unless saved or used."
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
        self.slider.setRange(0, 0)
        self.hide()

    @property
    def checkpoint(self) -> KeptCheckpoint | None:
        """The one under the slider."""
        return self._kept[self.slider.value()] if self._kept else None

    @property
    def is_at_newest(self) -> bool:
        """Whether the user looks at the present, not at an earlier step."""
        return bool(self.slider.value() == self.slider.maximum())

    @property
    def newest(self) -> KeptCheckpoint | None:
        """The best so far of the last training."""
        is_there = bool(self._firsts) and self._firsts[-1] < len(self._kept)
        return self._kept[-1] if is_there else None

    def begin(self) -> None:
        """Add a training; nothing of it is kept yet."""
        if not self._firsts or self.newest is not None:
            self._firsts.append(len(self._kept))
        self.go_to_best()

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
        self.text.setText("" if kept is None else self._which() + checkpoint_text(kept))

    def _which(self) -> str:
        """Return of which training the checkpoint is, where there are several."""
        if len(self._firsts) < 2:
            return ""
        return f"Training {bisect_right(self._firsts, self.slider.value())}, "

    def _lay_out(self) -> None:
        row = QHBoxLayout()
        row.addWidget(self.use)
        row.addWidget(self.save)
        column = QVBoxLayout(self)
        column.addWidget(self.slider)
        column.addWidget(self.text)
        column.addLayout(row)
