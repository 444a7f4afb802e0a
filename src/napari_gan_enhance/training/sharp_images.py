"""Sharp images as objects of simulated fields."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from napari_gan_enhance.errors import InputError
from napari_gan_enhance.io.read import read_single_image
from napari_gan_enhance.micrograph.intensity import check_finite
from napari_gan_enhance.micrograph.view import AxesView

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

BACKGROUND, BRIGHTEST = 1.0, 99.9
"""Percentiles that become 0 and 1."""


@dataclass(frozen=True, slots=True, eq=False)
class SharpImage:
    """Light on a black background.

    Parameters
    ----------
    path : Path
    pixels : ndarray, shape (Y, X), float32, 0 to 2
        Nearly all of it up to 1; not constant.
    """

    path: Path
    pixels: NDArray[np.float32]

    def crop(self, side: int, rng: np.random.Generator) -> NDArray[np.float32]:
        """Cut a square that shows something.

        A smaller image is continued by its reflection.
        """
        missing = [max(0, side - n) for n in self.pixels.shape]
        edges = [(n // 2, n - n // 2) for n in missing]
        image = np.pad(self.pixels, edges, "symmetric")
        last = np.array(image.shape) - side
        corner = np.array([rng.integers(n + 1) for n in last])
        crop = _cut(image, corner, side)
        while crop.min() == crop.max():  # go where it is not as it is here
            elsewhere = np.argwhere(image != crop[0, 0])
            center = elsewhere[rng.integers(len(elsewhere))]
            crop = _cut(image, np.clip(center - side // 2, 0, last), side)
        return crop


def load_sharp(path: Path) -> SharpImage:
    """Load an image.

    Raises
    ------
    FileFormatError
        If it cannot be read.
    InputError
        If it is no single plane of one channel, or shows next to nothing.
    """
    micrograph = read_single_image(path)
    others = {a: micrograph.size(a) for a in "TZCS" if micrograph.size(a) > 1}
    if others:
        raise InputError(
            f"Sharp image {path.name!r} has axes {micrograph.axes} of shape "
            f"{micrograph.shape} - a single plane of one channel is needed - save the "
            "plane that is in focus as a file of its own."
        )
    view = AxesView(micrograph.pixels, micrograph.axes, "YX")
    pixels = view[slice(None), slice(None)].astype(np.float32)
    check_finite(pixels, f"Sharp image {path.name!r}")
    low, high = np.percentile(pixels, [BACKGROUND, BRIGHTEST])
    if low == high:
        raise InputError(
            f"Sharp image {path.name!r} is {low:g} in nearly all of its pixels - "
            "objects must fill more than a thousandth of it - take it away."
        )
    return SharpImage(path, np.clip((pixels - low) / (high - low), 0, 2))


def _cut(
    image: NDArray[np.float32], corner: NDArray[np.int64], side: int
) -> NDArray[np.float32]:
    y, x = corner
    return image[y : y + side, x : x + side]
