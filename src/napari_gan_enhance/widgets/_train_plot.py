"""The curves of a training: losses, held-out PSNR and SSIM over steps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pyqtgraph as pg
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QApplication, QWidget

from napari_gan_enhance.training.events import HeldOutScore

COLORS = {
    "total": "#888888",
    "pixel": "#56b4e9",
    "dissimilarity": "#e69f00",
    "adversarial": "#cc79a7",
    "discriminator": "#009e73",
}
"""Losses worth a curve (`training.events.Losses`), in the colors of Okabe and Ito,
and gray, which is seen on a light and on a dark window."""

TEXTS = {"dissimilarity": "1-SSIM"}
"""Shorter words for losses."""

WAITING = "Waiting for the first step"
NO_PEN = pg.mkPen(None)
SOURCE_PEN = pg.mkPen("#999999", style=Qt.PenStyle.DotLine)
ROWS = {"loss": "Loss", "psnr": "PSNR (dB)", "ssim": "SSIM"}
HEIGHT = 300
AXIS_WIDTH = 56
SYMBOL = 5
LOSS_SHARE = 2
"""Of the height: so many times what the others get."""

MOST_POINTS = 2000
"""Of a curve; beyond, every second one is dropped: a screen shows no more."""


class TrainPlot(pg.GraphicsLayoutWidget):
    """Three plots over one axis of steps, drawn when told to.

    Drawing takes longer than adding: whoever adds also knows when all that changed in
    the window is to be drawn, which is best done at once.

    Parameters
    ----------
    parent : QWidget, optional
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        before = set(QApplication.topLevelWidgets())
        super().__init__(parent)
        self.setBackground(None)
        self.setMinimumHeight(HEIGHT)
        self.setToolTip(
            "Losses of the last steps, and how near the held-out images come to their "
            "targets: higher PSNR and SSIM are better. The dotted lines are the "
            "untreated source. Drag to move, wheel to zoom."
        )
        self._points: dict[str, list[tuple[int, float]]] = {}
        self._changed: set[str] = set()
        self._curves: dict[str, Any] = {}
        self._sources: dict[str, Any] = {}
        self._plots: dict[str, Any] = {}
        self._add_plots()
        # pyqtgraph gives its menus no parent: they would outlive every closed dock.
        for menu in set(QApplication.topLevelWidgets()) - before - {self}:
            menu.setParent(self, menu.windowFlags())

    @property
    def is_empty(self) -> bool:
        """Whether nothing was added since the curves were cleared."""
        return not self._points

    def clear_curves(self) -> None:
        """Forget the last training."""
        self._points = {}
        self._changed = set()
        for curve in self._curves.values():
            curve.setData([], [])
        for source in self._sources.values():
            source.hide()
        self._show_texts()

    def add_losses(self, step: int, values: Mapping[str, float]) -> None:
        """Add what the last steps lost."""
        for name in COLORS:
            if name in values:
                self._add(name, step, values[name])

    def add_score(self, step: int, score: HeldOutScore) -> None:
        """Add a look at the held-out images."""
        gains = {"psnr": score.psnr_gain, "ssim": score.ssim_gain}
        for name, gain in gains.items():
            value = getattr(score, name)
            self._add(name, step, value)
            self._sources[name].setValue(value - gain)
            self._sources[name].show()

    def draw(self) -> None:
        """Draw the curves that have new points."""
        for name in self._changed:
            steps, values = zip(*self._points[name], strict=True)
            # Of a single point there is no line to be seen.
            is_dotted = len(steps) == 1 or name in self._sources
            symbol = "o" if is_dotted else None
            self._curves[name].setData(list(steps), list(values), symbol=symbol)
        self._changed = set()
        self._show_texts()

    def points(self, name: str) -> list[tuple[int, float]]:
        """Return the points of a curve, (step, value)."""
        return self._points.get(name, [])

    def _add(self, name: str, step: int, value: float) -> None:
        points = self._points.setdefault(name, [])
        points.append((step, value))
        if len(points) > MOST_POINTS:
            del points[:-1:2]
        self._changed.add(name)

    def _add_plots(self) -> None:
        for row, (name, text) in enumerate(ROWS.items()):
            plot = self.addPlot(row=row, col=0)
            plot.setLabel("left", text)
            plot.getAxis("left").setWidth(AXIS_WIDTH)
            for side in ("left", "bottom"):
                plot.getAxis(side).enableAutoSIPrefix(False)
            plot.setMenuEnabled(False)
            plot.hideButtons()
            self._plots[name] = plot
        for name in ("psnr", "ssim"):
            self._plots[name].setXLink(self._plots["loss"])
            self._add_curve(name, name, COLORS["pixel"], width=2)
            self._sources[name] = pg.InfiniteLine(angle=0, pen=SOURCE_PEN)
            self._plots[name].addItem(self._sources[name])
        self._plots["ssim"].setLabel("bottom", "Step")
        for name, color in COLORS.items():
            self._add_curve(name, "loss", color, width=1)
        # The axis reaches to step 0, which is scored but has no loss.
        self._plots["loss"].addItem(pg.InfiniteLine(0, angle=90, pen=NO_PEN))
        self.ci.layout.setRowStretchFactor(0, LOSS_SHARE)

    def _add_curve(self, name: str, row: str, color: str, width: int) -> None:
        self._curves[name] = self._plots[row].plot(
            pen=pg.mkPen(color, width=width),
            symbolSize=SYMBOL,
            symbolBrush=color,
            symbolPen=None,
        )

    def _show_texts(self) -> None:
        """Name the losses that have points, and number axes along which points lie."""
        names = [
            f'<span style="color:{color}">{TEXTS.get(name, name)}</span>'
            for name, color in COLORS.items()
            if name in self._points
        ]
        self._plots["loss"].setTitle(" ".join(names) or WAITING, size="8pt")
        for row, plot in self._plots.items():
            is_numbered = bool(names) if row == "loss" else row in self._points
            plot.getAxis("left").setStyle(showValues=is_numbered)
            plot.getAxis("bottom").setStyle(showValues=bool(names))
