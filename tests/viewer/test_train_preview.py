"""A held-out region beside its result and its target, each to be seen."""

from __future__ import annotations

import numpy as np
import pytest
from napari.components import ViewerModel

from napari_gan_enhance.training.events import Preview
from napari_gan_enhance.viewer.train_preview import NAME, PixelSize, PreviewLayer

SIDE = 100
GAP = 5


def shown(source, result, target):
    """Return what is on the screen of each side: 0 is black, 1 is white."""
    viewer = ViewerModel()
    sides = [np.float32(side)[None] for side in (source, result, target)]
    PreviewLayer(viewer).show(Preview("a.tif", *sides, 1.0))
    layer = viewer.layers[NAME]
    black, white = layer.contrast_limits
    starts = [n * (SIDE + GAP) for n in range(3)]
    shares = (layer.data - black) / (white - black)
    return [shares[:, start : start + SIDE] for start in starts]


@pytest.fixture
def dim(rng):
    """A strip with haze and noise in the source, and next to nothing in the target."""
    target = np.abs(rng.normal(0, 0.02, (SIDE, SIDE)))
    source = 0.5 + rng.normal(0, 0.2, (SIDE, SIDE))
    return source, target


def test_source_of_a_dim_strip_is_not_black_and_white(dim):
    source, target = dim
    seen, _, _ = shown(source, target, target)
    assert np.mean((seen <= 0) | (seen >= 1)) < 0.01
    # Noise around its mean is gray, for the most part.
    assert 0.25 < np.median(seen) < 0.75
    assert seen.std() > 0.1


def test_result_and_target_share_their_limits(dim):
    source, target = dim
    _, result, same = shown(source, target / 2, target)
    black, white = np.percentile(np.float32(target), (0.5, 99.8))
    assert same == pytest.approx((target - black) / (white - black), abs=1e-4)
    assert result == pytest.approx((target / 2 - black) / (white - black), abs=1e-4)


@pytest.mark.parametrize("flat", ["source", "target"])
def test_a_flat_side_is_shown_too(dim, flat):
    sides = dict(zip(("source", "target"), dim, strict=True))
    sides[flat] = np.full((SIDE, SIDE), 0.3)
    seen = shown(sides["source"], sides["target"], sides["target"])
    assert all(np.isfinite(side).all() for side in seen)


@pytest.mark.parametrize("other", ["um", "nm"])
def test_a_region_lies_right_of_its_image_whatever_the_world_is_counted_in(dim, other):
    viewer = ViewerModel()
    like = viewer.add_image(np.zeros((SIDE, SIDE)), scale=(0.1, 0.1), units="um")
    viewer.add_image(np.zeros((2, 2)), units=other)
    source, target = (np.float32(side)[None] for side in dim)
    preview = PreviewLayer(viewer)
    preview.begin(PixelSize.of(like))
    preview.show(Preview("a.tif", source, target, target, 1.0))
    # The last pixel at 9.9 µm, then the gap of 5 pixels
    assert viewer.layers[NAME].translate == pytest.approx((0, 9.9 + 0.5))


def test_a_region_is_shown_beside_a_stack(dim):
    viewer = ViewerModel()
    viewer.add_image(np.zeros((5, SIDE, SIDE)))
    source, target = (np.float32(side)[None] for side in dim)
    PreviewLayer(viewer).show(Preview("a.tif", source, target, target, 1.0))
    assert NAME in viewer.layers


def test_a_second_training_takes_over_the_layer(dim):
    viewer = ViewerModel()
    like = viewer.add_image(np.zeros((SIDE, SIDE)), scale=(0.1, 0.1), units="um")
    source, target = (np.float32(side)[None] for side in dim)
    preview = PreviewLayer(viewer)
    preview.begin(PixelSize.of(like))
    preview.show(Preview("a.tif", source, target, target, 1.0))
    layer = viewer.layers[NAME]
    wider = viewer.add_image(np.zeros((SIDE, 150)), scale=(0.2, 0.2), units="um")
    preview.begin(PixelSize.of(wider))
    sides = np.split(layer.data, [SIDE, SIDE + GAP, 2 * SIDE + GAP], axis=1)
    assert np.ptp(sides[0]) > 0
    assert np.ptp(sides[2]) == 0  # what was learned then is no result of this one
    assert np.array_equal(sides[3][:, GAP:], target[0])

    half, bright = source[..., :50], 3 * target[..., :50]
    preview.show(Preview("b.tif", half, bright, bright, 1.0))
    assert viewer.layers[NAME] is layer
    assert layer.data.shape == (SIDE, 3 * 50 + 2 * 2)  # gaps of 5 %, rounded
    assert layer.scale == pytest.approx((0.2, 0.2))
    # Right of the wider image, whose last pixel lies at 29.8 µm
    assert layer.translate == pytest.approx((0, 29.8 + 2 * 0.2))
    limits = np.percentile(bright, (0.5, 99.8))
    assert layer.contrast_limits == pytest.approx(limits, rel=1e-5)


def test_a_layer_that_was_removed_comes_back_with_the_next_training(dim):
    viewer = ViewerModel()
    source, target = (np.float32(side)[None] for side in dim)
    region = Preview("a.tif", source, target, target, 1.0)
    preview = PreviewLayer(viewer)
    preview.begin(PixelSize())
    preview.show(region)
    viewer.layers.clear()
    preview.begin(PixelSize())
    assert not preview.is_put_away
    preview.show(region)
    assert NAME in viewer.layers
