"""Arrange the results of the demo in a viewer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_gan_enhance.metrics.picture import SHOWN_PERCENTILES
from napari_gan_enhance.viewer.compare import put_side_by_side
from napari_gan_enhance.viewer.profile_lines import LINE_LAYER

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from napari.components import ViewerModel

Point = tuple[float, float]


def show_results(
    viewer: ViewerModel, files: Mapping[str, Path], line: tuple[Point, Point]
) -> None:
    """Open the results side by side, with a line across them.

    Parameters
    ----------
    viewer : ViewerModel
    files : mapping of layer name to Path
        Images of one shape, opened by the plugin's own reader.
    line : (start, end), each (Y, X) in pixels
    """
    paths = [str(path) for path in files.values()]
    layers = viewer.open(paths, plugin="napari-gan-enhance", stack=False)
    for name, layer in zip(files, layers, strict=True):
        layer.name = name
        layer.contrast_limits = np.percentile(layer.data, SHOWN_PERCENTILES)
    scale, units = layers[0].scale[-2:], layers[0].units[-2:]
    # Hidden: in the grid it would take a cell of its own.
    viewer.add_shapes(
        [np.asarray(line)],
        shape_type="line",
        scale=scale,
        units=units,
        edge_width=1,
        name=LINE_LAYER,
        visible=False,
    )
    viewer.layers.selection.active = layers[0]
    put_side_by_side(viewer, layers)
    viewer.reset_view()
