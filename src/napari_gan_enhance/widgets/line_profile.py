"""The Line profile dock: all visible images along one line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyqtgraph as pg
from qtpy.QtCore import QEvent
from qtpy.QtWidgets import (
    QApplication,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QVBoxLayout,
    QWidget,
)
from superqt.utils import QSignalDebouncer

from napari_gan_enhance.viewer.profile import LINE_LAYER, add_line, curves, line_layer

if TYPE_CHECKING:
    import napari.viewer
    from napari.layers import Layer

SETTLED_MS = 50
"""The curves are drawn anew when nothing has moved for so long."""

COLORS = (
    "#e69f00", "#56b4e9", "#009e73", "#f0e442", "#d55e00", "#cc79a7", "#0072b2",
)  # fmt: skip
"""Okabe and Ito's colors, which color-blind people can tell apart."""


class LineProfileDock(QWidget):
    """Plot every visible image along the line in the layer "Line profile".

    Parameters
    ----------
    napari_viewer : Viewer
    """

    def __init__(self, napari_viewer: napari.viewer.Viewer) -> None:
        super().__init__()
        # napari hands plugins a proxy, whose layers are other proxies each time.
        self._viewer = getattr(napari_viewer, "__wrapped__", napari_viewer)
        self._is_open = True
        self.draw = QPushButton("Draw a line", self)
        self.draw.setToolTip(f"Add a line in a layer named {LINE_LAYER!r}.")
        self.hint = QLabel("Drag the ends of the line to move it.", self)
        self.hint.setToolTip("The curves follow the line, the sliders and the layers.")
        self.plot = _new_plot(self)
        self.plot.setToolTip("Intensity along the line; drag to move, wheel to zoom.")
        self.legend = self.plot.addLegend(offset=(-10, 10))
        self._settled = QSignalDebouncer(parent=self)
        self._settled.setTimeout(SETTLED_MS)
        self._settled.triggered.connect(self.show_curves)
        self.draw.clicked.connect(self._on_draw)
        self._lay_out()
        self._connect()
        self._on_layers()

    def show_curves(self) -> None:
        """Sample and plot, each layer in its own color."""
        self.plot.clear()
        found = curves(self._viewer)
        for i, curve in enumerate(found):
            pen = pg.mkPen(COLORS[i % len(COLORS)], width=2)
            self.plot.plot(curve.distance, curve.values, pen=pen, name=curve.name)
        unit = found[0].unit if found else "µm"
        self.plot.setLabel("bottom", f"Distance ({unit})")
        self.plot.setLabel("left", "Intensity")

    def event(self, event: QEvent | None) -> bool:
        """Hear no more of the viewer when napari takes the widget out of its dock."""
        is_moved = event is not None and event.type() == QEvent.Type.ParentChange
        if is_moved and self.parent() is None and self._is_open:
            self._is_open = False
            self._settled.cancel()
            for emitter in self._emitters():
                emitter.disconnect(self._on_layers)
            for layer in self._viewer.layers:
                self._ignore(layer)
            self._viewer.dims.events.current_step.disconnect(self._on_change)
            self.deleteLater()  # napari opens a new one the next time
        return bool(super().event(event))

    def _on_draw(self) -> None:
        if line_layer(self._viewer) is None and len(self._viewer.layers):
            add_line(self._viewer)

    def _on_layers(self, event: object = None) -> None:
        for layer in self._viewer.layers:
            self._ignore(layer)
            layer.events.visible.connect(self._on_change)
            layer.events.set_data.connect(self._on_change)
        self.draw.setEnabled(line_layer(self._viewer) is None)
        self._on_change()

    def _on_change(self, event: object = None) -> None:
        self._settled.throttle()

    def _ignore(self, layer: Layer) -> None:
        layer.events.visible.disconnect(self._on_change)
        layer.events.set_data.disconnect(self._on_change)

    def _emitters(self) -> list[Any]:
        layers = self._viewer.layers.events
        return [layers.inserted, layers.removed, layers.reordered]

    def _connect(self) -> None:
        for emitter in self._emitters():
            emitter.connect(self._on_layers)
        self._viewer.dims.events.current_step.connect(self._on_change)

    def _lay_out(self) -> None:
        row = QHBoxLayout()
        row.addWidget(self.draw)
        row.addWidget(self.hint, 1)
        column = QVBoxLayout(self)
        column.addLayout(row)
        column.addWidget(self.plot, 1)
        self.plot.setMinimumHeight(180)
        # Under napari's style sheet pyqtgraph leaves too little room for the labels.
        self.plot.getAxis("left").setWidth(64)
        self.plot.getAxis("bottom").setHeight(44)


def _new_plot(parent: QWidget) -> pg.PlotWidget:
    """Return a plot that is freed with its parent, its menus included.

    pyqtgraph gives its menus no parent, so they would outlive every closed dock.
    """
    before = set(QApplication.topLevelWidgets())
    plot = pg.PlotWidget(parent)
    for menu in set(QApplication.topLevelWidgets()) - before:
        menu.setParent(plot, menu.windowFlags())
    return plot
