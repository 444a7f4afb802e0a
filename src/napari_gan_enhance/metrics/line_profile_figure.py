"""Line profiles as a figure: crops with the line, beside them the curves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_gan_enhance.metrics.drawing import new_figure

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from napari_gan_enhance.metrics.line_profile_curve import Curve

PLOT_SIZE = (5.2, 3.4)
CROP_WIDTH = 2.1
"""Inches."""

MOST_ROWS = 3
"""Crops below each other; more begin a new column."""

BAND = 0.25
"""Opacity of the standard error."""

SCALE_BAR_SHARE = 0.25
"""Of a crop's width, at most."""

LINE_COLOR = "#ffd400"


@dataclass(frozen=True, slots=True)
class Crop:
    """Part of a layer around a line.

    Parameters
    ----------
    name, color : str
        As of the layer's curve.
    pixels : ndarray, shape (Y, X, 3), float, 0 to 1
        As the viewer shows them.
    size : (float, float)
        Height and width of the crop in `unit`.
    vertices : ndarray, shape (k, 2), float64
        Of the line, (Y, X) in `unit` from the crop's upper left corner.
    width : float
        That was averaged over, in `unit`.
    unit : str
    """

    name: str
    color: str
    pixels: NDArray[Any]
    size: tuple[float, float]
    vertices: NDArray[np.float64]
    width: float
    unit: str


def profile_figure(
    curves: Sequence[Curve], crops: Sequence[Crop] = (), *, intensity: str = "Intensity"
) -> Figure:
    """Draw curves, with the crops they were measured on at their left.

    Parameters
    ----------
    curves : sequence of Curve
    crops : sequence of Crop
    intensity : str
        What the vertical axis shows.

    Returns
    -------
    matplotlib.figure.Figure
        To be saved in any format that matplotlib knows.

    Raises
    ------
    MissingExtraError
        If matplotlib is not installed.
    """
    rows = min(len(crops), MOST_ROWS)
    columns = -(-len(crops) // MOST_ROWS)
    aspect = crops[0].size[0] / crops[0].size[1] if crops else 1.0
    height = max(PLOT_SIZE[1], rows * (CROP_WIDTH * aspect + 0.3))
    figure = new_figure(PLOT_SIZE[0] + columns * CROP_WIDTH, height)
    widths = [CROP_WIDTH] * columns + [PLOT_SIZE[0]]
    grid = figure.add_gridspec(max(rows, 1), columns + 1, width_ratios=widths)
    for number, crop in enumerate(crops):
        column, row = divmod(number, MOST_ROWS)
        _draw_crop(figure.add_subplot(grid[row, column]), crop)
    _draw_curves(figure.add_subplot(grid[:, columns]), curves, intensity)
    return figure


def _draw_curves(axes: Any, curves: Sequence[Curve], intensity: str) -> None:
    for curve in curves:
        color = _on_paper(curve.color)
        axes.plot(
            curve.distance, curve.values, color=color, label=curve.name, linewidth=1.3
        )
        if np.isfinite(curve.standard_error).any():
            low, high = (
                curve.values - curve.standard_error,
                curve.values + curve.standard_error,
            )
            axes.fill_between(
                curve.distance, low, high, color=color, alpha=BAND, linewidth=0
            )
    unit = curves[0].unit if curves else "µm"
    axes.set_xlabel(f"Distance ({unit})")
    axes.set_ylabel(intensity)
    axes.spines[["top", "right"]].set_visible(False)
    axes.margins(x=0)
    if curves:
        axes.legend(
            frameon=False, fontsize="small", loc="lower left", bbox_to_anchor=(0, 1)
        )


def _draw_crop(axes: Any, crop: Crop) -> None:
    height, width = crop.size
    axes.imshow(crop.pixels, extent=(0, width, height, 0), interpolation="nearest")
    y, x = crop.vertices.T
    axes.plot(x, y, color=LINE_COLOR, linewidth=1)
    axes.plot(x[:1], y[:1], "o", color=LINE_COLOR, markersize=3)  # where it starts
    for side in (-0.5, 0.5):
        if crop.width > 0:
            edge = _moved(crop.vertices, side * crop.width).T
            axes.plot(edge[1], edge[0], ":", color=LINE_COLOR, linewidth=0.7)
    _draw_scale_bar(axes, crop)
    axes.set(xlim=(0, width), ylim=(height, 0), xticks=[], yticks=[])
    axes.set_title(crop.name, fontsize="small", wrap=True)
    for spine in axes.spines.values():
        spine.set(color=_on_paper(crop.color), linewidth=2)


def _draw_scale_bar(axes: Any, crop: Crop) -> None:
    height, width = crop.size
    length = _round_length(width * SCALE_BAR_SHARE)
    right, y = 0.95 * width, 0.93 * height
    axes.plot([right - length, right], [y, y], color="white", linewidth=2.5)
    axes.text(
        right - length / 2,
        y - 0.02 * height,
        f"{length:g} {crop.unit}",
        color="white",
        ha="center",
        va="bottom",
        fontsize="x-small",
    )


def _round_length(most: float) -> float:
    """Return the largest of 1, 2 and 5 times a power of ten that is not above."""
    power = 10.0 ** np.floor(np.log10(most))
    return float(power * max(f for f in (1, 2, 5) if f * power <= most * (1 + 1e-9)))


def _moved(vertices: NDArray[np.float64], offset: float) -> NDArray[np.float64]:
    """Return a polyline moved across itself, each vertex by its mean normal."""
    steps = np.diff(vertices, axis=0)
    steps /= np.maximum(np.hypot(*steps.T), 1e-300)[:, np.newaxis]
    mean = np.vstack([steps[:1], steps[:-1] + steps[1:], steps[-1:]])
    mean /= np.maximum(np.hypot(*mean.T), 1e-300)[:, np.newaxis]
    moved: NDArray[np.float64] = vertices + offset * np.stack(
        [mean[:, 1], -mean[:, 0]], axis=1
    )
    return moved


def _on_paper(color: str) -> str:
    """Return a color dark enough for a white page, of the same hue."""
    rgb = np.array([int(color[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    luminance = float(rgb @ (0.2126, 0.7152, 0.0722))
    rgb = rgb * min(1.0, 0.55 / max(luminance, 1e-6))
    return "#" + "".join(f"{round(255 * value):02x}" for value in rgb)
