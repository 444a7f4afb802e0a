"""The generator that is measured: the bundled one, or random weights of its shape."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import torch

from napari_gan_enhance.checkpoints.bundled import bundled_models, resolve_model
from napari_gan_enhance.checkpoints.load import load_generator
from napari_gan_enhance.checkpoints.native import save_checkpoint
from napari_gan_enhance.models.registry import build_network, spec_of
from napari_gan_enhance.models.spec import ModelCard
from napari_gan_enhance.training.recipes import RECIPES

if TYPE_CHECKING:
    from napari_gan_enhance.models.generator import Generator, Precision

BUNDLED = "widefield-denoise"


def measured_generator(precision: Precision = "exact") -> Generator:
    """Return the generator on the CPU."""
    with TemporaryDirectory() as folder:
        path = model_path(Path(folder))
        return load_generator(path, device="cpu", precision=precision)


def model_path(folder: Path) -> Path:
    """Return the bundled checkpoint; write a random one where there is none."""
    if BUNDLED in bundled_models():
        return resolve_model(BUNDLED)
    config = RECIPES["supervised"].config
    torch.manual_seed(0)
    network = build_network("residual-unet", config)
    # A residual network starts as the identity; nothing could be seen to differ.
    torch.nn.init.normal_(network.head.weight, std=0.1)
    return save_checkpoint(
        folder / "random.safetensors",
        network.state_dict(),
        spec_of("residual-unet", config),
        ModelCard(name="random"),
    )
