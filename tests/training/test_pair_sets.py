"""Pairs cut from layers, as `train` takes them: whole fields, and patches that fit."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from napari_gan_enhance.micrograph.micrograph import Micrograph, VoxelSize
from napari_gan_enhance.progress import drain
from napari_gan_enhance.registration.canvas import PlacedImage
from napari_gan_enhance.registration.pair_set import add_to_pair_set
from napari_gan_enhance.registration.pairing import cut_pair
from napari_gan_enhance.training.events import Validated
from napari_gan_enhance.training.pairs import find_pairs
from napari_gan_enhance.training.recipes import RECIPES, recipe_named
from napari_gan_enhance.training.run import run_training

PLANES = 3


@pytest.fixture
def folders(tmp_path, rng):
    """Two fields of three planes, of 64 x 128 pixels each, in one data set."""
    folder = tmp_path / "cut"
    for name in ("a", "b"):
        stack = gaussian_filter(rng.standard_normal((PLANES, 64, 128)), (0, 2, 2))
        stack = 500 + 100 * stack / stack.std()
        placed = PlacedImage(stack, np.eye(4))
        like = Micrograph(stack, "ZYX", VoxelSize(0.3, 0.16, 0.16))
        cut = drain(cut_pair([placed], [placed]))
        drain(add_to_pair_set(folder, name, cut, like=like, provenance={}))
    return folder / "source", folder / "target"


def test_planes_of_a_field_are_one_field(folders):
    pairs = find_pairs(*folders)
    assert len(pairs) == 2 * PLANES
    assert {pair.field for pair in pairs} == {"a", "b"}


@pytest.mark.parametrize("name", RECIPES)
def test_no_recipe_overrides_what_a_set_says_of_its_fields(folders, name):
    pairs = find_pairs(*folders, recipe_named(name).field_pattern)
    assert {pair.field for pair in pairs} == {"a", "b"}


def test_patches_fit_what_was_cut(make_job):
    """128 pixels were asked for, and the rectangles are 64 high."""
    job = make_job(recipe={"patch": 128, "steps": 1, "test_share": 0.0})
    looks = [r.detail for r in run_training(job) if isinstance(r.detail, Validated)]
    assert [look.step for look in looks] == [0, 1]
