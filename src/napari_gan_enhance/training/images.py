"""Load pairs as arrays on one intensity scale."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from napari_gan_enhance.errors import TrainingError
from napari_gan_enhance.io.read import read_micrograph
from napari_gan_enhance.micrograph.intensity import (
    IntensityScaling,
    fit_intensity_scaling,
)
from napari_gan_enhance.micrograph.view import AxesView
from napari_gan_enhance.models.told_optics import UNKNOWN, ToldOptics, told_optics
from napari_gan_enhance.registration.pair_set import source_range

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from napari_gan_enhance.micrograph.micrograph import Micrograph
    from napari_gan_enhance.training.pairs import Pair

Image = NDArray[np.float32]

SAME_SIZE = 0.01
"""Share by which two pixel sizes may differ: less than a pixel across a patch."""


@dataclass(frozen=True, slots=True)
class ImagePair:
    """The pixels of a pair, both on the source's normalized scale.

    Parameters
    ----------
    source, target : ndarray, shape (C, Y, X), float32
    pair : Pair
    optics : ToldOptics
        What the source's file tells.
    """

    source: Image
    target: Image
    pair: Pair
    optics: ToldOptics = UNKNOWN


def load_pair(pair: Pair, percentiles: tuple[float, float]) -> ImagePair:
    """Load a pair and bring both images onto the source's scale.

    The source is scaled by its percentiles, as it will be when the generator is used;
    a rectangle of a data set by those of the whole image it was cut from.
    The target is fitted to the source (least squares, gain and offset), so that the
    generator keeps the intensities it is given. The noise of the source does not
    bias this fit: the target is the regressor.

    Raises
    ------
    TrainingError
        If the shapes or known pixel sizes differ, an image is not a plane, is constant,
        or holds NaN or infinity.
    """
    micrographs = read_micrograph(pair.source), read_micrograph(pair.target)
    source = _plane("Source", pair.source, micrographs[0])
    target = _plane("Target", pair.target, micrographs[1])
    if source.shape != target.shape:
        raise TrainingError(
            f"Source {pair.source.name!r} has shape {source.shape}, its target "
            f"{target.shape} - both must lie on one grid - align or crop them first."
        )
    _check_pixel_size(pair, *(m.voxel_size_um.x for m in micrographs))
    scalings = _scalings(pair.source, source, percentiles)
    scaled = [
        _scaled(s, t, scaling)
        for s, t, scaling in zip(source, target, scalings, strict=True)
    ]
    return ImagePair(
        np.stack([s for s, _ in scaled]),
        np.stack([t for _, t in scaled]),
        pair,
        told_optics(micrographs[0]),
    )


def load_pairs(
    pairs: Sequence[Pair], percentiles: tuple[float, float]
) -> list[ImagePair]:
    """Load all pairs into memory."""
    return [load_pair(pair, percentiles) for pair in pairs]


def _plane(side: str, path: Path, micrograph: Micrograph) -> NDArray[np.float64]:
    """Return the pixels as (C, Y, X)."""
    if micrograph.size("T") > 1 or micrograph.size("Z") > 1:
        raise TrainingError(
            f"{path.name!r} has axes {micrograph.axes} of shape {micrograph.shape} - "
            "training takes single planes - save each plane as a file of its own."
        )
    order = f"{micrograph.sample_axis}YX"
    view = AxesView(micrograph.pixels, micrograph.axes, order)
    pixels = view[(slice(None),) * 3].astype(np.float64)
    for channel in pixels:
        _check(side, path, channel)
    return pixels


def _check(side: str, path: Path, channel: NDArray[np.float64]) -> None:
    if not np.isfinite(channel.astype(np.float32)).all():
        raise TrainingError(
            f"{side} {path.name!r} holds NaN or infinite pixels - all pixels must be "
            "finite - repair the image or take the pair away."
        )
    if channel.min() == channel.max():
        raise TrainingError(
            f"{side} {path.name!r} is constant - both images need structure - take "
            "the pair away."
        )


def _check_pixel_size(pair: Pair, ours: float | None, theirs: float | None) -> None:
    """Refuse images of as many pixels that show fields of two sizes."""
    if ours and theirs and abs(ours / theirs - 1) > SAME_SIZE:
        raise TrainingError(
            f"Source {pair.source.name!r} has pixels of {ours:.4g} µm, its target "
            f"{pair.target.name!r} of {theirs:.4g} µm - both must lie on one grid - "
            "align them first."
        )


def _scalings(
    path: Path, source: NDArray[np.float64], percentiles: tuple[float, float]
) -> list[IntensityScaling]:
    """Return the scaling of each channel."""
    ranges = source_range(path, percentiles) or []
    if len(ranges) >= len(source) and all(low < high for low, high in ranges):
        return [IntensityScaling(*r) for r in ranges[: len(source)]]
    return [fit_intensity_scaling(channel, *percentiles) for channel in source]


def _scaled(
    source: NDArray[np.float64],
    target: NDArray[np.float64],
    scaling: IntensityScaling,
) -> tuple[Image, Image]:
    centered = target - target.mean()
    variance = float((centered**2).mean())
    gain = float((centered * (source - source.mean())).mean()) / variance
    return scaling.forward(source), scaling.forward(centered * gain + source.mean())
