"""The plot of the Line profile dock: curves, error bands and peaks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import pyqtgraph as pg
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QApplication, QWidget

if TYPE_CHECKING:
    from napari_gan_enhance.metrics.line_profile_curve import Analysis, Curve

BAND_OPACITY = 60
"""Of 255."""

HEIGHT = 180
DOTS = Qt.PenStyle.DotLine


class ProfilePlot(pg.PlotWidget):
    """Curves along a line; items are kept and moved, which is faster than new ones.

    Parameters
    ----------
    parent : QWidget, optional
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._curves: list[_CurveItems] = []
        self._labels: tuple[str, ...] = ()
        self._peaks = pg.ScatterPlotItem(symbol="t", size=9, pen=None)
        self._peaks.setZValue(1)
        self.addItem(self._peaks)
        self.setMinimumHeight(HEIGHT)
        self.setToolTip(
            "Intensity along the line, with the standard error of the mean where a "
            "width is averaged. Drag to move, wheel to zoom, right-click for more, "
            "'A' in the corner to see all."
        )
        # Under napari's style sheet pyqtgraph leaves too little room for the labels.
        self.getAxis("left").setWidth(64)
        self.getAxis("bottom").setHeight(44)

    def show_curves(
        self, curves: Sequence[Curve], intensity: str, *, has_bands: bool
    ) -> None:
        """Draw curves; peaks of what was drawn before are taken away.

        Bands of the standard error cost as much as the curves: not while they move.
        """
        while len(self._curves) < len(curves):
            self._curves.append(_CurveItems(self))
        for items in self._curves[len(curves) :]:
            items.hide()
        for items, curve in zip(self._curves, curves, strict=False):
            items.show(curve, has_band=has_bands)
        if len(self._peaks.data):
            self._peaks.setData([], [])
        unit = curves[0].unit if curves else "µm"
        self._show_labels(f"Distance ({unit})", intensity)

    def show_peaks(self, analyses: Sequence[Analysis]) -> None:
        """Mark peaks, and their widths at half maximum."""
        spots = []
        for items, analysis in zip(self._curves, analyses, strict=False):
            items.show_widths(analysis)
            spots += [
                {"pos": (p.position, p.baseline + p.height), "brush": items.color}
                for p in analysis.peaks
            ]
        self._peaks.setData(spots)

    def _show_labels(self, *labels: str) -> None:
        if labels != self._labels:  # laying text out takes a millisecond
            self._labels = labels
            for axis, label in zip(("bottom", "left"), labels, strict=True):
                self.setLabel(axis, label)

    def curves(self) -> list[Any]:
        """Return the items that are drawn now, the lowest layer first."""
        return [items.line for items in self._curves if items.line.isVisible()]


class _CurveItems:
    """A curve and the band of its standard error."""

    def __init__(self, plot: pg.PlotWidget) -> None:
        self.line = pg.PlotDataItem(connect="finite")
        self.edges = [pg.PlotCurveItem(pen=None) for _ in range(2)]
        self.band = pg.FillBetweenItem(*self.edges)
        self.widths = pg.PlotDataItem(connect="pairs")
        self.color = ""
        self._has_widths = False
        for item in (self.band, *self.edges, self.line, self.widths):
            plot.addItem(item)

    def show(self, curve: Curve, *, has_band: bool) -> None:
        """Draw another curve, without widths."""
        if curve.color != self.color:
            self.color = curve.color
            self.widths.setPen(pg.mkPen(curve.color, width=1, style=DOTS))
            # A wider pen takes five times as long to draw.
            self.line.setPen(pg.mkPen(curve.color, width=1))
            fill = pg.mkColor(curve.color)
            fill.setAlpha(BAND_OPACITY)
            self.band.setBrush(fill)
        self.line.setData(curve.distance, curve.values)
        self.line.setVisible(True)
        self._hide_widths()
        band = curve.band() if has_band else None
        self.band.setVisible(band is not None)
        if band is not None:
            distance, low, high = band
            self.edges[0].setData(distance, low)
            self.edges[1].setData(distance, high)

    def show_widths(self, analysis: Analysis) -> None:
        """Draw the width of each peak, at half its height."""
        x, y = [], []
        for peak in analysis.peaks:
            x += [peak.position - peak.fwhm / 2, peak.position + peak.fwhm / 2]
            y += [peak.baseline + peak.height / 2] * 2
        self.widths.setData(x, y)
        self._has_widths = bool(x)

    def hide(self) -> None:
        """Draw nothing."""
        self._hide_widths()
        self.line.setVisible(False)
        self.band.setVisible(False)

    def _hide_widths(self) -> None:
        if self._has_widths:
            self._has_widths = False
            self.widths.setData([], [])


def new_plot(parent: QWidget) -> ProfilePlot:
    """Return a plot that is freed with its parent, its menus included.

    pyqtgraph gives its menus no parent, so they would outlive every closed dock.
    """
    before = set(QApplication.topLevelWidgets())
    plot = ProfilePlot(parent)
    for menu in set(QApplication.topLevelWidgets()) - before:
        menu.setParent(plot, menu.windowFlags())
    return plot
