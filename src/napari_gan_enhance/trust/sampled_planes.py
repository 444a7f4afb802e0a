"""Look at a few parts of an image instead of all of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_gan_enhance.metrics.image_features import (
    FEATURES,
    LEAST_SIDE,
    image_features,
)
from napari_gan_enhance.micrograph.intensity import (
    IntensityScaling,
    fit_intensity_scaling,
)
from napari_gan_enhance.micrograph.view import AxesView
from napari_gan_enhance.models.told_optics import told_optics

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_gan_enhance.micrograph.micrograph import Micrograph

BLOCK = 256
"""Side of a part: as large as usual training images."""

OCTAVES = 8
"""Of the width that count as 1: where all training images have one width, a quarter of
an octave beside it is then no more than the smallest deviation of any feature."""

BLOCKS = 4
"""Parts of a plane that are looked at: those with most structure."""

SHARE = 2**20
"""Pixels of a plane that are looked at where all of them count."""

PLANE_FEATURES = (*FEATURES, "width of the PSF")
"""Names of the numbers of a plane. Detail that does not go with the width of the PSF
tells of a wrong pixel size, which neither of the two does alone."""


@dataclass(frozen=True, slots=True, eq=False)
class SampledPlane:
    """One channel of an image, in one plane, on the scale of the camera.

    Parameters
    ----------
    channel : int
        Index along C, or S of RGB.
    pixels : ndarray, (Y, X)
    width_px : float or None, pixels
        Of the PSF; None where not known.
    """

    channel: int
    pixels: NDArray[Any]
    width_px: float | None = None

    def thinned(self) -> NDArray[Any]:
        """Return evenly spread pixels, as many as are worth looking at."""
        stride = max(1, int(np.sqrt(self.pixels.size / SHARE)))
        return self.pixels[::stride, ::stride]

    def scaling(self, low: float, high: float) -> IntensityScaling:
        """Return the scaling to two percentiles, as a generator would use it."""
        return fit_intensity_scaling(self.thinned(), low, high, allow_blank=True)

    def features(self, low: float, high: float) -> NDArray[np.float64] | None:
        """Return what the plane looks like; None where it is too small or blank.

        Parameters
        ----------
        low, high : float
            Percentiles that the generator scales by.

        Returns
        -------
        ndarray or None
            In the order of `PLANE_FEATURES`; the last, log2 of the width, in eight
            octaves, NaN where that is not known.
        """
        scaling = self.scaling(low, high)
        if min(self.pixels.shape) < LEAST_SIDE or scaling.is_blank:
            return None
        rows = [image_features(block, scaling) for block in _blocks(self.pixels)]
        width = np.nan
        if self.width_px is not None:
            width = np.log2(self.width_px) / OCTAVES
        return np.append(np.median(rows, axis=0), width)


def sampled_planes(micrograph: Micrograph) -> list[SampledPlane]:
    """Return the middle plane at the first time of every channel.

    Parameters
    ----------
    micrograph : Micrograph

    Returns
    -------
    list of SampledPlane
        Float pixels that are NaN or infinite are 0: a run says what is wrong.
    """
    axis, middle = micrograph.sample_axis, micrograph.size("Z") // 2
    planes = []
    for channel in range(micrograph.size(axis)):
        at = {axis: channel, "Z": middle, "T": 0, "C": 0} | {axis: channel}
        fixed = {letter: i for letter, i in at.items() if letter in micrograph.axes}
        view = AxesView(micrograph.pixels, micrograph.axes, "YX", fixed)
        pixels = view[(slice(None), slice(None))]
        if pixels.dtype.kind == "f":
            pixels = np.nan_to_num(pixels, posinf=0, neginf=0)
        width = told_optics(micrograph, channel).psf_width_px
        planes.append(SampledPlane(channel, pixels, width))
    return planes


def _blocks(pixels: NDArray[Any]) -> list[NDArray[Any]]:
    """Return the parts of a plane that hold most structure."""
    rows, columns = (max(1, n // BLOCK) for n in pixels.shape)
    whole = [
        pixels[i * BLOCK : (i + 1) * BLOCK, k * BLOCK : (k + 1) * BLOCK]
        for i in range(rows)
        for k in range(columns)
    ]
    # Coarsely binned, so that it is structure that counts and not noise.
    order = sorted(whole, key=lambda block: -float(_binned(block).std()))
    return order[:BLOCKS]


def _binned(block: NDArray[Any], by: int = 8) -> NDArray[np.float64]:
    rows, columns = (n // by * by for n in block.shape)
    parts = block[:rows, :columns].reshape(rows // by, by, columns // by, by)
    return np.asarray(parts.mean((1, 3), dtype=np.float64))
