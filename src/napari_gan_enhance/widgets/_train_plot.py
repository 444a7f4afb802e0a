"""The curves of a training: losses, held-out PSNR and SSIM over steps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pyqtgraph as pg
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QApplication, QWidget

from napari_gan_enhance.training.events import HeldOutScore

COLORS = {
    "total": "#f0f0f0",
    "pixel": "#56b4e9",
    "dissimilarity": "#e69f00",
    "adversarial": "#cc79a7",
    "discriminator": "#009e73",
}
"""Losses worth a curve (`training.events.Losses`), in the colors of Okabe and Ito."""

TEXTS = {"dissimilarity": "1-SSIM"}
"""Shorter words for losses."""

DOTS = Qt.PenStyle.DotLine
ROWS = {"loss": "Loss", "psnr": "PSNR (dB)", "ssim": "SSIM"}
HEIGHT = 300
AXIS_WIDTH = 56
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
        self._plots: dict[str, Any] = {}
        self._add_plots()
        # pyqtgraph gives its menus no parent: they would outlive every closed dock.
        for menu in set(QApplication.topLevelWidgets()) - before - {self}:
            menu.setParent(self, menu.windowFlags())

    def clear_curves(self) -> None:
        """Forget the last training."""
        self._points = {}
        self._changed = set()
        for curve in self._curves.values():
            curve.setData([], [])

    def add_losses(self, step: int, values: Mapping[str, float]) -> None:
        """Add what the last steps lost."""
        for name in COLORS:
            if name in values:
                self._add(name, step, values[name])

    def add_score(self, step: int, score: HeldOutScore) -> None:
        """Add a look at the held-out images."""
        self._add("psnr", step, score.psnr)
        self._add("psnr of source", step, score.psnr - score.psnr_gain)
        self._add("ssim", step, score.ssim)
        self._add("ssim of source", step, score.ssim - score.ssim_gain)

    def draw(self) -> None:
        """Draw the curves that have new points."""
        for name in self._changed:
            steps, values = zip(*self._points[name], strict=True)
            self._curves[name].setData(list(steps), list(values))
        self._changed = set()

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
            plot.getAxis("left").enableAutoSIPrefix(False)
            plot.setMenuEnabled(False)
            plot.hideButtons()
            self._plots[name] = plot
        for name in ("psnr", "ssim"):
            self._plots[name].setXLink(self._plots["loss"])
            self._curves[name] = self._plots[name].plot(
                pen=pg.mkPen(COLORS["pixel"], width=2), symbol="o", symbolSize=4
            )
            source = self._plots[name].plot(pen=pg.mkPen("#999999", style=DOTS))
            self._curves[f"{name} of source"] = source
        self._plots["ssim"].setLabel("bottom", "Step")
        losses = self._plots["loss"]
        losses.setTitle(
            " ".join(
                f'<span style="color:{color}">{TEXTS.get(name, name)}</span>'
                for name, color in COLORS.items()
            ),
            size="8pt",
        )
        for name, color in COLORS.items():
            self._curves[name] = losses.plot(pen=pg.mkPen(color, width=1))
        self.ci.layout.setRowStretchFactor(0, LOSS_SHARE)
