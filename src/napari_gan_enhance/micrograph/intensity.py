"""Bring intensities to the scale a model was trained on, and back.

The scaling is fitted once on the whole image, never per tile: tiles scaled each for
itself would show as steps in brightness.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_gan_enhance.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

BLOCK = 512
"""Side of the blocks, each of one plane, in which a whole image is read; pixels."""

MOST_SAMPLES = 2**24
"""Above so many pixels, randomly chosen blocks stand for the whole, so that a terabyte
is not read twice."""

SAMPLE = 256
"""Side of these: many small ones, spread over all planes. Cells on 1 % of the image are
missed by 256 blocks in 1 of 13 layouts, by 64 of twice the side in every other; smaller
ones still would cost much time, as a file decodes whole tiles or strips."""


@dataclass(frozen=True, slots=True)
class IntensityScaling:
    """A linear map of intensities: `low` becomes 0 and `high` becomes 1.

    Parameters
    ----------
    low, high : float, low <= high
        In the image's own units; equal for a blank image, which becomes 0, and any
        result of which becomes blank again.
    """

    low: float
    high: float

    @property
    def is_blank(self) -> bool:
        """Whether there is nothing to scale."""
        return self.low == self.high

    def forward(self, image: NDArray[Any]) -> NDArray[np.float32]:
        """Return the image on the model's scale; float32, any shape."""
        # float64 first: large integers would lose their low bits in float32.
        offset = np.asarray(image, dtype=np.float64) - self.low
        return (offset / ((self.high - self.low) or 1)).astype(np.float32)

    def inverse(self, image: NDArray[Any]) -> NDArray[np.float32]:
        """Return an image on the model's scale in the image's own units; float32."""
        return np.asarray(
            image * np.float64(self.high - self.low) + self.low, dtype=np.float32
        )


def fit_intensity_scaling(
    source: Any,
    low_percentile: float,
    high_percentile: float,
    *,
    allow_blank: bool = False,
    name: str = "The image",
) -> IntensityScaling:
    """Fit the scaling to percentiles of a whole image.

    Parameters
    ----------
    source : array, shape (..., Y, X), read by slices
        Numpy array or anything that is sliced like one; blocks are read one at a time.
    low_percentile, high_percentile : float, 0 to 100, low < high
        Which percentiles become 0 and 1.
    allow_blank : bool
        Return the scaling of a blank image instead of refusing it.
    name : str
        Of the image, for the beginning of an error.

    Returns
    -------
    IntensityScaling

    Raises
    ------
    InputError
        If the image is empty, holds NaN or infinite pixels, or is constant.
    """
    blocks = _blocks(source, name, MOST_SAMPLES)
    low, high = np.percentile(
        np.concatenate([block.ravel() for block in blocks]),
        [low_percentile, high_percentile],
        overwrite_input=True,
    )
    if not low < high:  # nearly empty image: a few bright pixels on one value
        low, high = extremes(source, name)
    if not low < high and not allow_blank:
        raise InputError(
            f"All pixels have the value {float(low):g} - {name[0].lower()}{name[1:]} "
            "needs structure to be worked on - choose another image or channel."
        )
    return IntensityScaling(float(low), float(high))


def extremes(source: Any, name: str = "The image") -> tuple[float, float]:
    """Return the least and the largest value of an image, of which all is read.

    Parameters
    ----------
    source : array, shape (..., Y, X), read by slices
    name : str
        Of the image, for the beginning of an error.

    Raises
    ------
    InputError
        If the image is empty or holds NaN or infinite pixels.
    """
    ends = [(block.min(), block.max()) for block in _blocks(source, name)]
    return float(min(low for low, _ in ends)), float(max(high for _, high in ends))


def check_finite(block: NDArray[Any], name: str = "The image") -> None:
    """Refuse NaN and infinity, which would spread to every pixel they touch.

    Parameters
    ----------
    block : ndarray, any shape and dtype
    name : str
        Of the image, for the beginning of the error.

    Raises
    ------
    InputError
        If a pixel is NaN or infinite, or would be in float32, as results are.
    """
    if block.dtype.kind != "f":
        return
    with np.errstate(over="ignore"):
        finite = np.isfinite(block.astype(np.float32, copy=False))
    if not finite.all():
        count = int(np.count_nonzero(~finite))
        raise InputError(
            f"{name} holds NaN or infinite pixels ({count} in one region) - all "
            "pixels must be finite in float32 - replace them, for instance by the "
            "background."
        )


def _blocks(
    source: Any, name: str, most_pixels: int | None = None
) -> Iterator[NDArray[Any]]:
    """Yield blocks that cover the image, or share out so many pixels over it."""
    shape = source.shape
    if 0 in shape:
        raise InputError(
            f"{name} has shape {tuple(shape)} and holds no pixels - every axis "
            "needs at least one - choose another image."
        )
    is_whole = most_pixels is None or math.prod(shape) <= most_pixels
    side = BLOCK if is_whole else SAMPLE
    sides = [1] * (len(shape) - 2) + [side, side][-len(shape) :]
    grid = [range(0, n, side) for n, side in zip(shape, sides, strict=True)]
    for place in _shared_out(tuple(map(len, grid)), shape, most_pixels):
        window = tuple(
            slice(starts[i], min(starts[i] + side, n))
            for starts, i, side, n in zip(grid, place, sides, shape, strict=True)
        )
        block = np.asarray(source[window])
        check_finite(block, name)
        # Percentiles are not defined between False and True.
        yield block.view(np.uint8) if block.dtype.kind == "b" else block


def _shared_out(
    blocks: tuple[int, ...], shape: tuple[int, ...], most_pixels: int | None
) -> Iterator[tuple[int, ...]]:
    """Yield places of blocks: all of them, or a random one of each of equal runs."""
    count = math.prod(blocks)
    most = count
    if most_pixels is not None:
        most = max(1, min(count, count * most_pixels // math.prod(shape)))
    # A fixed seed: the same image gets the same scaling each time.
    within = np.random.default_rng(0).random(most)
    for run, share in enumerate(within):
        first, end = run * count // most, (run + 1) * count // most
        number = first + int(share * (end - first))
        yield tuple(int(i) for i in np.unravel_index(number, blocks))
