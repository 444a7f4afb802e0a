"""Score a generator on held-out pairs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_gan_enhance.models.generator import Generator, Precision
from napari_gan_enhance.progress import drain
from napari_gan_enhance.tiling.engine import Part, run_tiles
from napari_gan_enhance.tiling.memory import fitting_tile

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import nn

    from napari_gan_enhance.models.spec import ModelSpec
    from napari_gan_enhance.training.images import Image, ImagePair


def predict(
    network: nn.Module,
    spec: ModelSpec,
    image: ImagePair,
    precision: Precision = "exact",
) -> Image:
    """Run a network over the source of a pair, (C, Y, X) -> (C', Y, X) float32."""
    source = image.source
    generator = Generator(network, spec, precision=precision).for_psf_width(
        image.psf_width_px
    )
    result = np.empty((spec.out_channels, *source.shape[1:]), np.float32)
    tile = fitting_tile(generator, source.shape[1:])
    drain(run_tiles([Part(source, result, generator)], tile=tile, stage="scoring"))
    return result


def psnr_gain(result: Image, source: Image, target: Image) -> float:
    """Return by how many dB a result is closer to the target than its source.

    Both are fitted to the target by gain and offset first. What such a fit leaves is
    the target's variance times 1 - r**2, with r the correlation, so that the target's
    variance and the data range cancel.
    """
    return 10 * float(
        np.log10(_unexplained(source, target) / _unexplained(result, target))
    )


def mean_gain(
    network: nn.Module, spec: ModelSpec, images: Sequence[ImagePair]
) -> float:
    """Return the mean PSNR gain in dB, every data set counting alike."""
    gains: dict[str, list[float]] = {}
    for image in images:
        result = predict(network, spec, image, "fast")
        gain = psnr_gain(result, image.source, image.target)
        gains.setdefault(image.pair.data_set, []).append(gain)
    return float(np.mean([np.mean(values) for values in gains.values()]))


def _unexplained(image: Image, target: Image) -> float:
    if image.min() == image.max():
        return 1.0  # gain and offset make nothing of a constant
    r = np.corrcoef(image.ravel().astype(np.float64), target.ravel())[0, 1]
    return max(1 - float(r) ** 2, np.finfo(np.float64).tiny)
