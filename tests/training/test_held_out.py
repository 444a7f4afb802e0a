"""What is learned from is never what is scored."""

from __future__ import annotations

import json

import numpy as np
import pytest
import tifffile

from napari_gan_enhance.errors import TrainingError
from napari_gan_enhance.models.registry import spec_of
from napari_gan_enhance.registration.pair_description import FIELD_PATTERN
from napari_gan_enhance.training import single_field
from napari_gan_enhance.training.held_out import keep_apart
from napari_gan_enhance.training.pairs import find_pairs
from napari_gan_enhance.training.recipe import Recipe

SIZE = (96, 400)


@pytest.fixture
def write_fields(tmp_path, rng):
    """Return a function that writes fields in which every pixel has its own value."""

    def write(count, exposures=1):
        for side in ("source", "target"):
            (tmp_path / side).mkdir(exist_ok=True)
        for field in range(count):
            pixels = np.arange(np.prod(SIZE), dtype=np.float32).reshape(SIZE)
            pixels += field * pixels.size
            tifffile.imwrite(tmp_path / "target" / f"{field}.tif", pixels)
            for exposure in range(exposures):
                path = tmp_path / "source" / f"{field}_{exposure}.tif"
                tifffile.imwrite(path, pixels)
        return find_pairs(tmp_path / "source", tmp_path / "target")

    return write


@pytest.fixture
def apart(recipe_of):
    def split(pairs, **changes):
        recipe = recipe_of(**changes)
        return keep_apart(pairs, recipe, spec_for(recipe, 0.0, 100.0))

    return split


def spec_for(recipe, low, high):
    return spec_of(
        *(recipe.architecture, recipe.config), low_percentile=low, high_percentile=high
    )


@pytest.fixture
def recipe_of():
    def make(**changes):
        config = {"in_channels": 1, "out_channels": 1, "width": 2, "depth": 2}
        # Percentiles 0 and 100 make the value of a pixel tell where it was.
        return Recipe(
            name="r",
            config=config,
            low_percentile=0.0,
            high_percentile=100.0,
            **{"patch": 32, "validation_share": 0.2, "test_share": 0.0, **changes},
        )

    return make


def test_images_are_scaled_as_the_model_does_it(write_fields, recipe_of):
    recipe = recipe_of()  # of another scaling, as a start model has one of its own
    apart = keep_apart(write_fields(5), recipe, spec_for(recipe, 25.0, 75.0))
    ends = np.percentile(apart.train[0].source, [25, 75])
    np.testing.assert_allclose(ends, [0, 1], atol=1e-5)  # float32


def places(images):
    """Return the places of all pixels: (field, row, column)."""
    pixels = int(np.prod(SIZE))
    return {
        (image.pair.field, round(float(value) * (pixels - 1)))
        for image in images
        for value in image.source.ravel()
    }


@pytest.mark.parametrize("test_share", [0.0, 0.2])
def test_no_pixel_of_one_field_is_on_both_sides(write_fields, apart, test_share):
    held = apart(write_fields(1, exposures=2), test_share=test_share)
    sides = [places(side) for side in (held.train, held.validation, held.test)]
    assert all(sides[: 2 + (test_share > 0)])
    assert sum(map(len, sides)) == len(set.union(*sides))
    assert len(held.train) == len(held.validation) == 2


def test_reach_of_the_network_lies_between_regions(write_fields, apart, recipe_of):
    held = apart(write_fields(1))
    recipe = recipe_of()
    halo = spec_of(recipe.architecture, recipe.config).halo
    columns = [
        {place % SIZE[1] for _, place in places(side)}
        for side in (held.train, held.validation)
    ]
    assert min(columns[1]) - max(columns[0]) > halo
    assert f"{halo} pixels between" in held.how


def test_few_fields_hold_out_one(write_fields, apart):
    held = apart(write_fields(2), validation_share=0.1)
    assert [len(held.train), len(held.validation), len(held.test)] == [1, 1, 0]
    assert held.train[0].pair.field != held.validation[0].pair.field
    assert held.how == "by field of view"


def test_nothing_is_held_out_unasked(write_fields, apart):
    held = apart(write_fields(2), validation_share=0.0)
    assert [len(held.train), len(held.validation)] == [2, 0]


def test_field_too_small_to_split_is_refused(write_fields, apart, monkeypatch):
    monkeypatch.setattr(single_field, "SMALLEST_REGION", max(SIZE))
    with pytest.raises(TrainingError, match="cannot be split"):
        apart(write_fields(1))


def test_a_large_share_leaves_a_patch_to_learn_from(write_fields, apart, recipe_of):
    held = apart(write_fields(1), validation_share=0.49, test_share=0.49)
    columns = {place % SIZE[1] for _, place in places(held.train)}
    assert len(columns) == recipe_of().patch


def test_blank_part_of_a_target_is_not_scored(write_fields, apart):
    """Of the second plane of a field only a corner shows something."""
    (pair,) = write_fields(1)
    corner = np.zeros(SIZE, np.float32)
    corner[:40, :40] = np.arange(1600).reshape(40, 40)
    for path in (pair.source.with_name("0b_0.tif"), pair.target.with_name("0b.tif")):
        tifffile.imwrite(path, corner)
    folders = pair.source.parent, pair.target.parent
    held = apart(find_pairs(*folders, r"^0"))
    assert [image.pair.target.stem for image in held.validation] == ["0"]
    assert len(held.train) == 2


def test_patch_that_does_not_fit_is_refused(write_fields, apart):
    with pytest.raises(TrainingError, match="multiple of 4 - use 32 or 36"):
        apart(write_fields(2), patch=33)


def test_rectangles_of_one_field_are_kept_apart_by_where_they_lie(
    write_fields, apart, tmp_path
):
    write_fields(1)
    whole = tifffile.imread(tmp_path / "target" / "0.tif")
    for side in ("source", "target"):
        for path in (tmp_path / side).iterdir():
            path.unlink()
    # Two rectangles one above the other: without their origins, the left half of one
    # and the right half of the other would stand on different sides.
    boxes = {"0-z000-00": (0, 0, 64, 256), "0-z000-01": (32, 256, 64, 144)}
    files = []
    for name, (y, x, height, width) in boxes.items():
        for side in ("source", "target"):
            tifffile.imwrite(
                tmp_path / side / f"{name}.tif", whole[y : y + height, x : x + width]
            )
        file = {"name": f"{name}.tif", "origin_px": [y, x], "shape_px": [height, width]}
        files.append(file)
    described = {
        "format": "napari-gan-enhance pairs",
        "version": 1,
        "pairs": [{"field": "0", "files": files}],
    }
    (tmp_path / "pairs.json").write_text(json.dumps(described))
    pairs = find_pairs(tmp_path / "source", tmp_path / "target", FIELD_PATTERN)
    held = apart(pairs)
    # Halo 24, 400 columns: 376 are left, 75 to look at, 301 to learn from.
    assert "training 0-96 x 0-301, validation 0-96 x 325-400" in held.how
    shapes = [
        [i.source.shape[1:] for i in side] for side in (held.train, held.validation)
    ]
    assert shapes == [[(64, 256), (64, 45)], [(64, 75)]]
