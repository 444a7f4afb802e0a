"""A small data set and a small recipe."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile
from scipy.ndimage import gaussian_filter

from napari_gan_enhance.training.recipe import Recipe
from napari_gan_enhance.training.run import TrainingJob

TINY_NETWORK = {
    "in_channels": 1,
    "out_channels": 1,
    "width": 4,
    "depth": 2,
    "head": "linear",
    "residual": True,
    "initialization": "kaiming",
}

TINY = Recipe(
    name="tiny",
    config=TINY_NETWORK,
    steps=40,
    patch=32,
    batch=4,
    learning_rate=5e-3,
    precision="32-true",  # or a processor with fast bfloat16 would go another way
    validate_every=20,
    validation_share=0.2,
    test_share=0.2,
)


@pytest.fixture
def folders(tmp_path, rng):
    """Five fields of two exposures: smooth structure, and the same with noise."""
    source, target = tmp_path / "set" / "source", tmp_path / "set" / "target"
    source.mkdir(parents=True)
    target.mkdir()
    for field in range(5):
        clean = gaussian_filter(rng.random((64, 64)), 3)
        clean = 1000 * (clean - clean.min()) / np.ptp(clean)
        tifffile.imwrite(target / f"{field}.tif", clean.astype(np.uint16))
        for exposure in "ab":
            noisy = (clean + rng.normal(0, 300, clean.shape)).clip(0)
            tifffile.imwrite(
                source / f"{field}_{exposure}.tif", noisy.astype(np.uint16)
            )
    return source, target


@pytest.fixture
def make_job(folders, tmp_path):
    """Return a function that makes a job; `recipe` changes the tiny recipe."""

    def make(output="m.safetensors", *, recipe=None, **changes):
        settings = Recipe.model_validate({**TINY.model_dump(), **(recipe or {})})
        return TrainingJob(
            [folders], settings, tmp_path / output, device="cpu", **changes
        )

    return make
