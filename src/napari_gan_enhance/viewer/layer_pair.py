"""Two layers that are compared: which, and whether they show a common place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from napari_gan_enhance.errors import InputError
from napari_gan_enhance.viewer.layers import layer_axes
from napari_gan_enhance.viewer.placement import world_matrix
from napari_gan_enhance.viewer.viewport import level_shape

if TYPE_CHECKING:
    from napari.layers import Image
    from numpy.typing import NDArray


def check_pair(before: Image | None, after: Image | None) -> None:
    """Refuse what is not two images.

    Raises
    ------
    InputError
        If one of them is missing, or both are the same.
    """
    if before is None or after is None:
        raise InputError(
            "There is no image layer - two are needed to compare - open them."
        )
    if before is after:
        raise InputError(
            f"Layer {before.name!r} is chosen twice - two different images are needed "
            "to compare - open or choose another one."
        )


def check_overlap(before: Image, after: Image) -> None:
    """Refuse two images that lie beside each other.

    Raises
    ------
    InputError
        If their extents along Y and X do not overlap, or their axes have no meaning.
    """
    if not do_overlap(before, after):
        boxes = [plane_box(layer) for layer in (before, after)]
        said = " and ".join(_range(*box) for box in boxes)
        raise InputError(
            f"Layers {before.name!r} and {after.name!r} do not overlap: they lie at "
            f"(y, x) {said} - they must show a common place - check scale, units and "
            "position, or align them."
        )


def do_overlap(before: Image, after: Image) -> bool:
    """Return whether two images lie over each other along Y and X.

    Raises
    ------
    InputError
        If their axes have no meaning.
    """
    lows, highs = zip(*(plane_box(layer) for layer in (before, after)), strict=True)
    return bool((np.maximum(*lows) < np.minimum(*highs)).all())


def plane_box(layer: Any) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the lowest and highest (Y, X) of a layer in the world.

    Returns
    -------
    (ndarray, ndarray), each of shape (2,), µm
        Of the smallest upright box around its pixels; in the layer's own unit where
        that is no length.
    """
    axes = layer_axes(layer)
    shape = level_shape(layer)
    ends = [(-0.5, shape[axes.index(a)] - 0.5) for a in "YX"]
    corners = np.array([(y, x, 1.0) for y in ends[0] for x in ends[1]])
    world = (corners @ world_matrix(layer, "YX").T)[:, :2]
    return world.min(axis=0), world.max(axis=0)


def _range(low: NDArray[np.float64], high: NDArray[np.float64]) -> str:
    return f"({low[0]:.4g}, {low[1]:.4g}) to ({high[0]:.4g}, {high[1]:.4g})"
