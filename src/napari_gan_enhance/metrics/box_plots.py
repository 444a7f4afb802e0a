"""Box plots of scores, one panel for each metric and one box for each method."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from napari_gan_enhance.metrics.drawing import new_figure

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.figure import Figure


def box_plot_figure(
    scores: Mapping[str, Mapping[str, Sequence[float]]],
    titles: Mapping[str, str],
) -> Figure:
    """Draw a box for each method, with every field as a point.

    Boxes reach from the lower to the upper quartile, whiskers to the farthest point
    within 1.5 times their length.

    Parameters
    ----------
    scores : mapping of metric to mapping of method to scores
        Infinite scores (the PSNR of equal images) are left out.
    titles : mapping of metric to title

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    MissingExtraError
        If matplotlib is not installed.
    """
    figure = new_figure(3.2 * len(scores), 3.6)
    panels = figure.subplots(1, len(scores), squeeze=False)[0]
    for panel, (metric, methods) in zip(panels, scores.items(), strict=True):
        finite = [
            [v for v in values if math.isfinite(v)] for values in methods.values()
        ]
        panel.boxplot(finite, widths=0.6, showfliers=False, medianprops={"color": "C1"})
        for place, values in enumerate(finite, start=1):
            # Side by side in a fixed order, so that the picture can be made again.
            steps = [place + 0.12 * (i % 5 - 2) for i in range(len(values))]
            panel.plot(steps, values, ".", color="C0", markersize=4, alpha=0.6)
        panel.set_title(titles[metric], fontsize=10)
        ticks = range(1, len(methods) + 1)
        panel.set_xticks(ticks, list(methods), rotation=30, ha="right", fontsize=8)
    return figure
