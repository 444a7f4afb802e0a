"""The part of an image that stands for the whole where all of it would be too much."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from napari_gan_enhance.micrograph.view import AxesView


def most_contrast(view: AxesView, sides: Sequence[int]) -> tuple[slice, ...]:
    """Return the box that holds the plane with the most contrast.

    Parameters
    ----------
    view : AxesView
        Read box by box. The boxes cover it: what stands between some of them would be
        missed.
    sides : sequence of int, > 0
        Of a box, for each axis; less where the view is smaller.

    Returns
    -------
    tuple of slice
        The first box of several alike; any of an image without contrast.
    """
    axes = [_placed(n, side) for n, side in zip(view.shape, sides, strict=True)]
    return max(itertools.product(*axes), key=lambda box: _contrast(view[box]))


def _placed(size: int, side: int) -> list[slice]:
    """Return as few slices of equal length as cover an axis, evenly placed."""
    steps = -(-size // side) - 1
    starts = [i * (size - side) // steps for i in range(steps + 1)] if steps else [0]
    return [slice(start, min(start + side, size)) for start in starts]


def _contrast(block: NDArray[np.generic]) -> float:
    # Plane by plane: the deviations of a whole stack would take four times its memory.
    planes = block.reshape(-1, *block.shape[-2:])
    return max(float(np.std(plane, dtype=np.float64)) for plane in planes)
