"""A picture that compares images: each with the line, beside them the profiles."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from napari_gan_enhance.metrics.line_profile import line_profile
from napari_gan_enhance.metrics.line_profile_curve import Curve
from napari_gan_enhance.metrics.line_profile_figure import Crop, profile_figure
from napari_gan_enhance.micrograph.view import AxesView

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from napari_gan_enhance.micrograph.micrograph import Micrograph

Point = tuple[float, float]

COLORS = ("#666666", "#e69f00", "#56b4e9", "#009e73", "#cc79a7", "#0072b2", "#d55e00")
"""Gray for the first, then Okabe and Ito's, which color-blind people can tell apart;
without yellow, which is not seen on paper."""

SHOWN_PERCENTILES = (0.5, 99.8)
"""Black and white of each image: deconvolution gathers light, so that on the scale of
its source it would only look overexposed."""


def comparison_figure(
    images: Mapping[str, Micrograph], line: tuple[Point, Point]
) -> Figure:
    """Draw the images and their profiles along a line.

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
    curves, crops = [], []
    size = next(iter(images.values())).voxel_size_um.x
    unit = "µm" if size else "px"
    pixel = size or 1.0
    for number, (name, micrograph) in enumerate(images.items()):
        plane = middle_plane(micrograph)
        color = COLORS[number % len(COLORS)]
        distance, values = line_profile(plane, *line)
        nothing = np.full(len(values), np.nan)
        curves.append(Curve(name, distance * pixel, values, nothing, unit, color))
        height, width = (n * pixel for n in plane.shape)
        # The first pixel's center lies half a pixel from the corner.
        ends = (np.asarray(line, np.float64) + 0.5) * pixel
        gray = _shown(plane)[..., np.newaxis].repeat(3, axis=2)
        crops.append(Crop(name, color, gray, (height, width), ends, 0.0, unit))
    return profile_figure(curves, crops)


def _shown(plane: NDArray[Any]) -> NDArray[np.float64]:
    """Return a plane as it is shown, from 0 to 1."""
    low, high = np.percentile(plane, SHOWN_PERCENTILES)
    values = (np.asarray(plane, np.float64) - low) / ((high - low) or 1)
    return np.asarray(values.clip(0, 1), np.float64)


def middle_plane(micrograph: Micrograph) -> NDArray[Any]:
    """Return the plane (Y, X) in the middle of Z."""
    middle = {"Z": micrograph.size("Z") // 2}
    view = AxesView(micrograph.pixels, micrograph.axes, "YX", middle)
    return view[(slice(None), slice(None))]
