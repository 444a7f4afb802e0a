"""The colors of what may be less or more than zero."""

from __future__ import annotations

from napari.utils import Colormap

LESS_MORE = Colormap(
    [(0.25, 0.65, 1.0, 1.0), (0.0, 0.0, 0.0, 1.0), (1.0, 0.6, 0.1, 1.0)],
    name="less-more",
)
"""Less is blue, more is orange, no difference is black: nothing shows as nothing, and
color-blind people tell the sides apart."""
