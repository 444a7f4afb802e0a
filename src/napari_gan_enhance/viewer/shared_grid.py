"""Where one layer lies on the pixel grid of another, turned and scaled or not.

For looking: all that the two share, up to the corners, and NaN where a turned one does
not reach. Scores need a box that is covered wholly, and read it with the weights of
`metrics.overlap`, whose tables grow with the square of a side: `registration.overlap`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from napari_gan_enhance.errors import InputError
from napari_gan_enhance.metrics.overlap import SAME_GRID_PX
from napari_gan_enhance.viewer.layer_pair import check_overlap
from napari_gan_enhance.viewer.layers import layer_axes
from napari_gan_enhance.viewer.placement import world_matrix
from napari_gan_enhance.viewer.viewport import level_shape

if TYPE_CHECKING:
    from collections.abc import Mapping

    from napari.layers import Image
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class Grid:
    """How one layer is read on the grid of another.

    Parameters
    ----------
    region : mapping of "Z", "Y" and "X" to slice
        Of the first layer, in its pixels: where the second lies.
    into : ndarray, shape (3, 3)
        From (Y, X, 1) in pixels of the first to pixels of the second.
    depth : (float, float)
        Plane of the second = depth[0] + depth[1] x plane of the first.
    """

    region: Mapping[str, slice]
    into: NDArray[np.float64]
    depth: tuple[float, float]

    def shift(self) -> tuple[int, int] | None:
        """Return by how many whole pixels the grids are apart; None if not whole."""
        whole = np.eye(3)
        whole[:2, 2] = np.rint(self.into[:2, 2])
        spans = [max(self.region[a].stop, 1) for a in "YX"]
        off = np.abs(self.into - whole)[:2] @ np.array([*spans, 1.0])
        if off.max() > SAME_GRID_PX:
            return None
        return int(whole[0, 2]), int(whole[1, 2])


def check_sizes(before: Image, after: Image) -> None:
    """Refuse layers whose planes do not belong to each other.

    Raises
    ------
    InputError
        If they differ in T, C, or in having Z.
    """
    sizes = [
        dict(zip(layer_axes(x), level_shape(x), strict=True)) for x in (before, after)
    ]
    if layer_axes(before)[-2:] != "YX":
        raise InputError(
            f"Layer {before.name!r} has the axes {layer_axes(before)} - differences "
            "need Y and X last - transpose it."
        )
    deep = [s.get("Z", 1) > 1 for s in sizes]
    if deep[0] != deep[1] or any(
        sizes[0].get(a, 1) != sizes[1].get(a, 1) for a in "TC"
    ):
        said = " and ".join(" x ".join(f"{a} {n}" for a, n in s.items()) for s in sizes)
        raise InputError(
            f"Layers {before.name!r} and {after.name!r} have {said} - both must be "
            "planes or both stacks, with as many times and channels - choose the same "
            "part of both."
        )


def shared_grid(before: Image, after: Image) -> Grid:
    """Find where the second layer lies on the grid of the first.

    Raises
    ------
    InputError
        If they do not overlap.
    """
    check_overlap(before, after)
    into = np.linalg.inv(world_matrix(after, "YX")) @ world_matrix(before, "YX")
    shapes = [
        dict(zip(layer_axes(x), level_shape(x), strict=True)) for x in (before, after)
    ]
    ends = [(-0.5, shapes[1][a] - 0.5) for a in "YX"]
    corners = np.array([(y, x, 1.0) for y in ends[0] for x in ends[1]])
    reached = (corners @ np.linalg.inv(into).T)[:, :2]
    region = {
        a: _inside(low, high, shapes[0][a], before, after)
        for a, low, high in zip(
            "YX", reached.min(axis=0), reached.max(axis=0), strict=True
        )
    }
    depth = (0.0, 1.0)
    if shapes[0].get("Z", 1) > 1:
        z = np.linalg.inv(world_matrix(after, "Z")) @ world_matrix(before, "Z")
        depth = float(z[0, 1]), float(z[0, 0])
        found = sorted((end - depth[0]) / depth[1] for end in (0, shapes[1]["Z"] - 1))
        half = 0.5 / abs(depth[1])
        region["Z"] = _inside(
            found[0] - half, found[1] + half, shapes[0]["Z"], before, after
        )
    return Grid(region, into, depth)


def _inside(low: float, high: float, size: int, before: Image, after: Image) -> slice:
    """Return the pixels whose centers lie between two places on an axis."""
    first = max(0, math.ceil(low - SAME_GRID_PX))
    stop = min(size, math.floor(high + SAME_GRID_PX) + 1)
    if first >= stop:
        raise InputError(
            f"Layers {before.name!r} and {after.name!r} do not overlap by a whole "
            "pixel or plane - they must show a common place - check scale, units and "
            "position, or align them."
        )
    return slice(first, stop)
