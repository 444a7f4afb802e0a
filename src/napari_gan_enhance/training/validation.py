"""Score the generator on the fields that are held out to choose by."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING

import numpy as np

from napari_gan_enhance.metrics.fidelity import evaluate
from napari_gan_enhance.training.events import HeldOutScore, Preview
from napari_gan_enhance.training.prediction import predict

if TYPE_CHECKING:
    from collections.abc import Sequence

    import torch
    from torch import nn

    from napari_gan_enhance.models.spec import ModelSpec
    from napari_gan_enhance.progress import Job
    from napari_gan_enhance.training.images import Image, ImagePair

PREVIEW = 256
"""Pixels on each side of the region that is shown while training."""

LOOK_PIXELS = 4 * 2**20
"""Held-out pixels that are looked at each time: some ten seconds on two cores. Of a
stack of forty planes a few are enough to choose by, and somebody waits."""

BEST_SSIM = 1 - 1e-6
"""An SSIM above this counts as this, so that its logarithm stays finite."""

BEST_PSNR = 120.0
"""dB; what equal images get instead of infinity."""


@dataclass(frozen=True, slots=True)
class Fidelity:
    """How near an image comes to its target: both finite, means over the channels."""

    psnr: float
    ssim: float


@dataclass(frozen=True, slots=True)
class _Gain:
    """One image before and after; a piece of a plane weighs less."""

    data_set: str
    weight: float
    before: Fidelity
    after: Fidelity


class Validator:
    """Held-out images, each with the score of its source.

    Parameters
    ----------
    images : sequence of ImagePair
        May be empty. Of many a share of each data set is drawn, the same each time.
    spec : ModelSpec
    device : torch.device
    """

    def __init__(
        self, images: Sequence[ImagePair], spec: ModelSpec, device: torch.device
    ) -> None:
        self.images = _looked_at(images)
        self._spec = spec
        self._device = device
        self._sources: dict[int, Fidelity] = {}

    def score(self, network: nn.Module) -> Job[tuple[HeldOutScore, Preview]]:
        """Run a network over all images, in fast precision.

        Yields
        ------
        Progress
            As the tile engine does.

        Returns
        -------
        HeldOutScore, Preview
            The preview is the middle of the first image.
        """
        gains, preview = [], None
        for number, image in enumerate(self.images):
            result = yield from predict(
                network, self._spec, image, device=self._device, precision="fast"
            )
            gain = _Gain(
                image.pair.data_set,
                image.weight,
                self._source(number),
                mean_scores(result, image.target),
            )
            gains.append(gain)
            if preview is None:
                preview = _preview(image, result, gain)
        if preview is None:
            raise ValueError("there are no held-out images to score")
        return _score(gains), preview

    def _source(self, number: int) -> Fidelity:
        if number not in self._sources:
            image = self.images[number]
            channels = image.source[: len(image.target)]
            self._sources[number] = mean_scores(channels, image.target)
        return self._sources[number]


def _looked_at(images: Sequence[ImagePair]) -> tuple[ImagePair, ...]:
    """Draw one image in n of each data set: as few as can be looked at often.

    Every n-th could be the dim exposure of each field, or one of two channels.
    """
    pixels = sum(image.target[0].size for image in images)
    each = max(1, math.ceil(pixels / LOOK_PIXELS))
    sets: dict[str, list[ImagePair]] = {}
    for image in images:
        sets.setdefault(image.pair.data_set, []).append(image)
    return tuple(chain.from_iterable(_drawn(own, each) for own in sets.values()))


def _drawn(images: list[ImagePair], each: int) -> list[ImagePair]:
    order = np.random.default_rng(0).permutation(len(images))
    return [images[i] for i in sorted(order[: math.ceil(len(images) / each)])]


def mean_scores(result: Image, target: Image) -> Fidelity:
    """Return the scores of an image after a fit of gain and offset.

    Parameters
    ----------
    result, target : ndarray, shape (C, Y, X), float32
    """
    scores = [evaluate(r, t, fit="affine") for r, t in zip(result, target, strict=True)]
    return Fidelity(
        float(np.mean([min(s.psnr, BEST_PSNR) for s in scores])),
        float(np.mean([min(s.ssim, BEST_SSIM) for s in scores])),
    )


def _score(gains: Sequence[_Gain]) -> HeldOutScore:
    """Return means in which every data set counts alike."""
    rows: dict[str, list[tuple[float, ...]]] = {}
    weights: dict[str, list[float]] = {}
    for gain in gains:
        before, after = gain.before, gain.after
        row = (
            after.psnr,
            after.psnr - before.psnr,
            after.ssim,
            after.ssim - before.ssim,
            10 * float(np.log10((1 - before.ssim) / (1 - after.ssim))),
        )
        rows.setdefault(gain.data_set, []).append(row)
        weights.setdefault(gain.data_set, []).append(gain.weight)
    each = [np.average(rows[name], axis=0, weights=weights[name]) for name in rows]
    means = np.mean(each, axis=0)
    return HeldOutScore(*map(float, means))


def _preview(image: ImagePair, result: Image, gain: _Gain) -> Preview:
    box = tuple(
        slice((n - m) // 2, (n - m) // 2 + m)
        for n in result.shape[1:]
        for m in (min(n, PREVIEW),)
    )
    source, shown, target = (
        side[(slice(None), *box)] for side in (image.source, result, image.target)
    )
    gain_db = gain.after.psnr - gain.before.psnr
    return Preview(image.pair.source.name, source, shown, target, gain_db)
