"""Bring intensities to the scale a model was trained on, and back.

The scaling is fitted once on the whole image, never per tile: tiles scaled each for
itself would show as steps in brightness.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_gan_enhance.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

BLOCK = 512
"""Side of the blocks in which an image is sampled, in pixels."""

MOST_SAMPLES = 2**24
"""Above so many pixels, randomly chosen blocks stand for the whole: 64 blocks fix a
percentile well enough, and a terabyte is not read twice."""


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
    source : array, any number of axes, read by slices
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
    sample = np.concatenate([block.ravel() for block in _blocks(source, name)])
    low, high = np.percentile(
        sample, [low_percentile, high_percentile], overwrite_input=True
    )
    if not low < high:  # nearly empty image: a few bright pixels on one value
        low, high = sample.min(), sample.max()
    if not low < high and not allow_blank:
        raise InputError(
            f"All pixels have the value {float(low):g} - {name[0].lower()}{name[1:]} "
            "needs structure to be worked on - choose another image or channel."
        )
    return IntensityScaling(float(low), float(high))


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


def _blocks(source: Any, name: str) -> Iterator[NDArray[Any]]:
    """Yield blocks that cover the image, or a random share of it if it is large."""
    shape = source.shape
    if 0 in shape:
        raise InputError(
            f"{name} has shape {tuple(shape)} and holds no pixels - every axis "
            "needs at least one - choose another image."
        )
    starts = list(itertools.product(*(range(0, n, BLOCK) for n in shape)))
    pixels = int(np.prod(shape, dtype=np.int64))
    most = max(1, min(len(starts), len(starts) * MOST_SAMPLES // pixels))
    # A fixed seed: the same image gets the same scaling each time.
    chosen = np.random.default_rng(0).choice(len(starts), most, replace=False)
    for start in (starts[i] for i in sorted(chosen)):
        window = tuple(
            slice(a, min(a + BLOCK, n)) for a, n in zip(start, shape, strict=True)
        )
        block = np.asarray(source[window])
        check_finite(block, name)
        # Percentiles are not defined between False and True.
        yield block.view(np.uint8) if block.dtype.kind == "b" else block
