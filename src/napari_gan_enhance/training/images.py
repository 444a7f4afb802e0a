"""Load pairs as arrays on one intensity scale."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from napari_gan_enhance.errors import TrainingError
from napari_gan_enhance.io.read import read_single_image
from napari_gan_enhance.micrograph.intensity import (
    IntensityScaling,
    fit_intensity_scaling,
)
from napari_gan_enhance.micrograph.view import AxesView
from napari_gan_enhance.models.told_optics import UNKNOWN, ToldOptics, told_optics
from napari_gan_enhance.registration.pair_set import piece_of, source_range

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from napari_gan_enhance.micrograph.micrograph import Micrograph
    from napari_gan_enhance.registration.pair_set import Piece
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
    piece : Piece or None
        What a data set of pieces tells it was cut from.
    """

    source: Image
    target: Image
    pair: Pair
    optics: ToldOptics = UNKNOWN
    piece: Piece | None = None

    @property
    def weight(self) -> float:
        """How much it counts: a piece as much as it is of its plane."""
        return 1.0 if self.piece is None else self.piece.share

    @property
    def whole(self) -> tuple[object, ...]:
        """What it is, or is a piece of: one channel of one field, all its planes."""
        source, piece = self.pair.source, self.piece
        return (source.parent, piece.field, piece.channel) if piece else (source,)


@dataclass(frozen=True, slots=True)
class _LoadedPair:
    """A pair whose target has its own scale still.

    Parameters
    ----------
    pair : ImagePair
        Of the target, what it is above its mean.
    scalings : list of IntensityScaling
        Of the source, for each channel.
    moments : ndarray, shape (C, 6)
        See `_moments`.
    """

    pair: ImagePair
    scalings: list[IntensityScaling]
    moments: NDArray[np.float64]


def load_pairs(
    pairs: Sequence[Pair], percentiles: tuple[float, float]
) -> list[ImagePair]:
    """Load pairs into memory and bring both images of each onto the source's scale.

    The source is scaled by its percentiles, as it will be when the generator is used;
    a rectangle of a data set by those of the whole image it was cut from.
    The target is fitted to the source (least squares, gain and offset), so that the
    generator keeps the intensities it is given; all pieces and planes of an image
    together, as each has haze of its own. The noise of the source does not
    bias this fit: the target is the regressor.

    Raises
    ------
    TrainingError
        If the shapes or known pixel sizes differ, an image is not a plane, is constant,
        holds NaN or infinity, or is the opposite of the other.
    """
    loaded = [_load(pair, percentiles) for pair in pairs]
    parts: dict[tuple[object, ...], list[NDArray[np.float64]]] = {}
    for part in loaded:
        parts.setdefault(part.pair.whole, []).append(part.moments)
    wholes = {whole: _together(moments) for whole, moments in parts.items()}
    return [_fitted(part, wholes[part.pair.whole]) for part in loaded]


def _load(pair: Pair, percentiles: tuple[float, float]) -> _LoadedPair:
    micrographs = read_single_image(pair.source), read_single_image(pair.target)
    source = _plane("Source", pair.source, micrographs[0])
    target = _plane("Target", pair.target, micrographs[1])
    if source.shape != target.shape:
        raise TrainingError(
            f"Source {pair.source.name!r} has shape {source.shape}, its target "
            f"{target.shape} - both must lie on one grid - align or crop them first."
        )
    ours, theirs = (m.voxel_size_um for m in micrographs)
    _check_pixel_size(pair, ours.y, theirs.y)
    _check_pixel_size(pair, ours.x, theirs.x)
    scalings = _scalings(pair.source, source, percentiles)
    scaled = [c.forward(s) for s, c in zip(source, scalings, strict=True)]
    image = ImagePair(
        np.stack(scaled),
        # Above the mean: large values would lose their low bits in float32.
        (target - target.mean(axis=(1, 2), keepdims=True)).astype(np.float32),
        pair,
        told_optics(micrographs[0]),
        piece_of(pair.source),
    )
    return _LoadedPair(image, scalings, _moments(source, target))


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
    # Channels that follow in the image that the piece was cut from say nothing here.
    ranges = (source_range(path, percentiles) or [])[: len(source)]
    if len(ranges) == len(source) and all(low < high for low, high in ranges):
        return [IntensityScaling(*r) for r in ranges]
    return [fit_intensity_scaling(channel, *percentiles) for channel in source]


def _moments(
    source: NDArray[np.float64], target: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return what a fit of each channel needs.

    Number of pixels; means of source and target; their variances and covariance.
    """
    s, t = (side.reshape(len(side), -1) for side in (source, target))
    means = s.mean(axis=1), t.mean(axis=1)
    s, t = s - means[0][:, None], t - means[1][:, None]
    spreads = [np.mean(x * y, axis=1) for x, y in ((s, s), (t, t), (s, t))]
    return np.stack([np.full(len(s), float(s.shape[1])), *means, *spreads], axis=1)


def _together(moments: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
    """Return the moments of several images as one."""
    stack = np.stack(moments)  # (images, C, 6)
    count = stack[..., 0].sum(axis=0)
    share = (stack[..., 0] / count)[..., None]
    means = (share * stack[..., 1:3]).sum(axis=0)
    s, t = np.moveaxis(stack[..., 1:3] - means, -1, 0)
    between = np.stack([s * s, t * t, s * t], axis=-1)
    spreads = (share * (stack[..., 3:] + between)).sum(axis=0)
    return np.concatenate([count[:, None], means, spreads], axis=1)


def _fitted(part: _LoadedPair, moments: NDArray[np.float64]) -> ImagePair:
    """Return the pair with its target on the scale of its source."""
    targets = []
    for target, scaling, own, whole in zip(
        part.pair.target, part.scalings, part.moments, moments, strict=True
    ):
        source_mean, mean, source_variance, variance, covariance = whole[1:]
        if covariance <= 0:  # the fit would learn the target's negative
            correlation = covariance / np.sqrt(variance * source_variance)
            raise TrainingError(
                f"Source {part.pair.pair.source.name!r} is dark where its target is "
                f"bright (correlation {correlation:.2f}) - a generator keeps bright "
                "what is bright - align the two, invert one or take the pair away."
            )
        centered = target.astype(np.float64) + (own[2] - mean)
        fitted = centered * (covariance / variance) + source_mean
        targets.append(scaling.forward(fitted))
    return replace(part.pair, target=np.stack(targets))
