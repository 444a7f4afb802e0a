"""A picture that compares images: crops side by side and a line profile."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from napari_gan_enhance.metrics.drawing import new_figure
from napari_gan_enhance.metrics.line_profile import line_profile
from napari_gan_enhance.micrograph.view import AxesView

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from napari_gan_enhance.micrograph.micrograph import Micrograph

Point = tuple[float, float]

SHOWN_PERCENTILES = (0.5, 99.8)
"""Black and white of each image: deconvolution gathers light, so that on the scale of
its source it would only look overexposed."""


def comparison_figure(
    images: Mapping[str, Micrograph], line: tuple[Point, Point]
) -> Figure:
    """Draw the images side by side and a profile along a line.

    Parameters
    ----------
    images : mapping of name to Micrograph
        Of one shape, (Y, X) or (Z, Y, X), of which the middle plane is shown; the
        first gives the pixel size.
    line : (start, end), each (Y, X) in pixels

    Returns
    -------
    matplotlib.figure.Figure
        To be saved in any format that matplotlib knows.

    Raises
    ------
    MissingExtraError
        If matplotlib is not installed.
    """
    figure = new_figure(4 * len(images), 6.4)
    panels = figure.add_gridspec(2, len(images), height_ratios=[4, 2])
    profile = figure.add_subplot(panels[1, :])
    size = next(iter(images.values())).voxel_size_um.x
    for column, (name, micrograph) in enumerate(images.items()):
        plane = middle_plane(micrograph)
        low, high = np.percentile(plane, SHOWN_PERCENTILES)
        axes = figure.add_subplot(panels[0, column])
        axes.imshow(plane, cmap="gray", vmin=low, vmax=high)
        axes.plot(*zip(*(p[::-1] for p in line), strict=True), "C1", linewidth=1)
        axes.set_title(name)
        axes.set_axis_off()
        distance, values = line_profile(plane, *line)
        profile.plot(distance * (size or 1.0), values, label=name, linewidth=1.2)
    profile.set_xlabel("distance (µm)" if size else "distance (pixels)")
    profile.set_ylabel("intensity")
    profile.legend(frameon=False)
    return figure


def middle_plane(micrograph: Micrograph) -> NDArray[Any]:
    """Return the plane (Y, X) in the middle of Z."""
    middle = {"Z": micrograph.size("Z") // 2}
    view = AxesView(micrograph.pixels, micrograph.axes, "YX", middle)
    return view[(slice(None), slice(None))]
