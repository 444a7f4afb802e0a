"""Run a generator over the source of a pair."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_gan_enhance.models.generator import Generator, Precision
from napari_gan_enhance.tiling.engine import Part, run_tiles
from napari_gan_enhance.tiling.memory import fitting_tile

if TYPE_CHECKING:
    import torch
    from torch import nn

    from napari_gan_enhance.models.spec import ModelSpec
    from napari_gan_enhance.progress import Job
    from napari_gan_enhance.training.images import Image, ImagePair


def predict(
    network: nn.Module,
    spec: ModelSpec,
    image: ImagePair,
    *,
    device: torch.device | None = None,
    precision: Precision = "exact",
) -> Job[Image]:
    """Run a network over the source of a pair, (C, Y, X) -> (C', Y, X) float32.

    Parameters
    ----------
    network : Module
        Moved to the device.
    spec : ModelSpec
    image : ImagePair
    device : torch.device, optional
    precision : "exact" or "fast"
    """
    source = image.source
    generator = Generator(network, spec, device=device, precision=precision).for_optics(
        image.optics
    )
    result = np.empty((spec.out_channels, *source.shape[1:]), np.float32)
    tile = fitting_tile(generator, source.shape[1:])
    yield from run_tiles([Part(source, result, generator)], tile=tile, stage="scoring")
    return result
