"""A color for each curve: the layer's own, where that tells it from the others."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari.layers import Image
    from numpy.typing import NDArray

PALETTE = (
    "#e69f00", "#56b4e9", "#009e73", "#f0e442", "#d55e00", "#cc79a7", "#0072b2",
)  # fmt: skip
"""Okabe and Ito's colors, which color-blind people can tell apart."""

LEAST_SATURATION = 0.3
"""Below it a color map is gray: many layers are, and their curves must differ."""

LEAST_APART = 0.35
"""Distance of two curves' colors in red, green and blue from 0 to 1."""


def curve_colors(layers: Sequence[Image]) -> list[str]:
    """Return a color "#rrggbb" for each layer.

    The bright end of its color map, unless that is gray, too dark for a plot, or too
    near to the color of a layer before it; then one of a palette.
    """
    used: list[NDArray[np.float64]] = []
    for layer in layers:
        own = _own_color(layer)
        candidates = [] if own is None else [own]
        candidates += [_rgb(color) for color in PALETTE]
        free = [c for c in candidates if all(_apart(c, u) for u in used)]
        used.append(free[0] if free else candidates[len(used) % len(candidates)])
    return ["#" + "".join(f"{round(255 * v):02x}" for v in color) for color in used]


def _own_color(layer: Image) -> NDArray[np.float64] | None:
    if layer.rgb:
        return None
    color = np.asarray(layer.colormap.colors[-1][:3], np.float64)
    if color.max() < 0.5 or np.ptp(color) < LEAST_SATURATION * color.max():
        return None
    # Pure blue is hardly seen on black.
    return np.maximum(color, 0.25)


def _apart(one: NDArray[np.float64], other: NDArray[np.float64]) -> bool:
    return bool(np.linalg.norm(one - other) >= LEAST_APART)


def _rgb(color: str) -> NDArray[np.float64]:
    return np.array([int(color[i : i + 2], 16) for i in (1, 3, 5)]) / 255
