"""What the dock asks of a training, beside what the command line does."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import tifffile

from napari_gan_enhance.progress import drain
from napari_gan_enhance.training.pairs import find_pairs
from napari_gan_enhance.training.simulation import SimulationSettings, simulate
from napari_gan_enhance.viewer.train_choices import RECIPES, TrainChoices
from napari_gan_enhance.viewer.train_run import recipe_of

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("name", RECIPES)
def test_crops_of_one_sharp_image_are_one_field(
    tmp_path: Path, rng: np.random.Generator, name: str
) -> None:
    sharp = tmp_path / "nice.tif"
    tifffile.imwrite(sharp, rng.integers(0, 255, (80, 80), dtype=np.uint8))
    settings = SimulationSettings(fields=2, size=64, sharp_share=1.0)
    data = drain(simulate(tmp_path / "data", settings, [sharp]))
    recipe = recipe_of(TrainChoices(recipe=name))
    pairs = find_pairs(data / "source", data / "target", recipe.field_pattern)
    assert [pair.field for pair in pairs] == ["nice", "nice"]
