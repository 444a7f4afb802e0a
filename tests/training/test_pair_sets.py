"""Pairs cut from layers, as `train` takes them: whole fields, and patches that fit."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile
import torch
from scipy.ndimage import gaussian_filter

from napari_gan_enhance.errors import TrainingError
from napari_gan_enhance.micrograph.micrograph import Micrograph, VoxelSize
from napari_gan_enhance.models.registry import build_network, spec_of
from napari_gan_enhance.progress import drain
from napari_gan_enhance.registration.canvas import PlacedImage
from napari_gan_enhance.registration.pair_set import add_to_pair_set
from napari_gan_enhance.registration.pairing import cut_channels
from napari_gan_enhance.training.events import Validated
from napari_gan_enhance.training.held_out import HeldOut, keep_apart
from napari_gan_enhance.training.images import load_pairs
from napari_gan_enhance.training.pairs import Pair, Split, find_pairs
from napari_gan_enhance.training.patches import PatchSampler
from napari_gan_enhance.training.recipes import RECIPES, recipe_named
from napari_gan_enhance.training.report import held_out_scores
from napari_gan_enhance.training.run import run_training
from napari_gan_enhance.training.validation import Validator

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
        cut = drain(cut_channels([placed], [placed]))
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


def test_pattern_meant_for_other_folders_splits_no_field(folders):
    pairs = find_pairs(*folders, r"^cell\d+")
    assert {pair.field for pair in pairs} == {"a", "b"}


def test_blank_channel_changes_no_scale_of_another(tmp_path, rng):
    """A bright half makes the scale of the whole another than that of a piece."""
    sharp = gaussian_filter(rng.standard_normal((128, 256)), 2)
    sharp[:, 128:] *= 10
    blank = np.full_like(sharp, 100)
    channels = [PlacedImage(image, np.eye(3)) for image in (sharp, blank)]
    drowned = sharp.copy()  # so that only the dim half is cut
    drowned[:, 128:] = gaussian_filter(rng.standard_normal((128, 128)), 2)
    targets = [PlacedImage(image, np.eye(3)) for image in (drowned, blank)]
    like = Micrograph(np.stack([sharp, blank]), "CYX", VoxelSize(None, 0.16, 0.16))
    cut = drain(cut_channels(channels, targets))
    drain(add_to_pair_set(tmp_path, "a", cut, like=like, provenance={}))
    low, high = np.percentile(sharp, [3.0, 99.8])
    pieces = load_pairs(
        find_pairs(tmp_path / "source", tmp_path / "target"), (3.0, 99.8)
    )
    assert pieces
    for piece in pieces:
        own = tifffile.imread(piece.pair.source)
        # float32 in the file and in training
        np.testing.assert_allclose(
            piece.source[0], (own - low) / (high - low), atol=1e-5
        )


@pytest.fixture
def in_pieces(tmp_path, rng):
    """A field with haze over its right half, of which two patches do not correlate."""
    sharp = gaussian_filter(rng.standard_normal((192, 192)), 2)
    sharp = 100 * sharp / sharp.std()
    haze = np.linspace(0, 400, 192)
    source = 500 + gaussian_filter(sharp, 1.5) + haze
    target = 50 + 0.1 * (sharp + haze / 10)
    for row, column in ((64, 64), (128, 128)):
        other = rng.standard_normal((64, 64))
        target[row : row + 64, column : column + 64] = gaussian_filter(other, 2)
    placed = [PlacedImage(image, np.eye(3)) for image in (source, target)]
    like = Micrograph(source, "YX", VoxelSize(None, 0.16, 0.16))
    cut = drain(cut_channels(placed[:1], placed[1:]))
    folder = tmp_path / "pieces"
    drain(add_to_pair_set(folder, "a", cut, like=like, provenance={}))
    return folder / "source", folder / "target"


def test_pieces_of_a_field_have_one_scale(in_pieces):
    pieces = load_pairs(find_pairs(*in_pieces), (3.0, 99.8))
    assert len(pieces) > 2
    scales = []
    for piece in pieces:
        own = tifffile.imread(piece.pair.target).ravel()
        gain, offset = np.polyfit(own, piece.target.ravel(), 1)
        np.testing.assert_allclose(gain * own + offset, piece.target.ravel(), atol=1e-4)
        scales.append((gain, offset))
    np.testing.assert_allclose(scales, [scales[0]] * len(scales), atol=1e-4)  # float32
    assert sum(piece.weight for piece in pieces) == pytest.approx(7 / 9)


def test_pieces_are_drawn_by_their_size(in_pieces):
    pieces = load_pairs(find_pairs(*in_pieces), (3.0, 99.8))
    sampler = PatchSampler(pieces, patch=64, batch=1, seed=0)
    drawn = [sampler._image() for _ in range(3500)]
    for piece in pieces:
        # 3500 draws at 1 in 7 vary by 4 %, at 4 in 7 by 1.5 %; four times as much.
        expected = piece.weight * 9 / 7
        share = sum(image is piece for image in drawn) / 3500
        assert share == pytest.approx(expected, rel=0.16)


def test_pieces_count_by_their_size_when_scored(in_pieces):
    pieces = load_pairs(find_pairs(*in_pieces), (3.0, 99.8))
    large, small = max(pieces, key=by_share), min(pieces, key=by_share)
    assert large.weight == pytest.approx(3 * small.weight)
    recipe = recipe_named("finetune")
    spec = spec_of("residual-unet", recipe.config)
    network = build_network("residual-unet", recipe.config)
    both, one, other = (
        drain(Validator(images, spec, torch.device("cpu")).score(network))[0].psnr
        for images in ([large, small], [large], [small])
    )
    assert abs(one - other) > 0.1  # dB; or nothing would be shown
    assert both == pytest.approx(0.75 * one + 0.25 * other)


def test_pieces_are_one_image_in_the_card(in_pieces):
    pieces = load_pairs(find_pairs(*in_pieces), (3.0, 99.8))
    large, small = max(pieces, key=by_share), min(pieces, key=by_share)
    recipe = recipe_named("finetune")
    spec = spec_of("residual-unet", recipe.config)
    network = build_network("residual-unet", recipe.config)
    values, counts = [], []
    for images in ([large, small], [large], [small]):
        held = HeldOut((), (), tuple(images), Split((), (), ()), "", patch=64)
        scores = drain(held_out_scores(network, spec, held, torch.device("cpu")))
        score = next(s for s in scores if s.metric.startswith("PSNR,"))
        values.append(score.value)
        counts.append(score.n)
    assert counts == [1, 1, 1]
    assert abs(values[1] - values[2]) > 0.1  # dB; or nothing would be shown
    # Scores have four decimals.
    assert values[0] == pytest.approx(0.75 * values[1] + 0.25 * values[2], abs=1e-4)


def by_share(piece):
    return piece.weight


@pytest.mark.parametrize(
    ("rejected", "patch", "sizes"),
    [
        # 4 x 3 patches of 64 and 1 x 3: the latter cannot hold 128 pixels.
        ([(0, 0)], 128, {(256, 192)}),
        # A cross is left: no piece of it is 128 pixels wide.
        ([(0, 0), (0, 2), (2, 0), (2, 2)], 64, {(192, 64), (64, 64)}),
    ],
    ids=["corner", "cross"],
)
def test_small_pieces_give_way_to_large_patches(tmp_path, rng, rejected, patch, sizes):
    side = 256 if patch == 128 else 192
    for name in "abc":
        sharp = 100 * gaussian_filter(rng.standard_normal((side, side)), 2)
        target = sharp.copy()
        for row, column in rejected:
            other = 100 * gaussian_filter(rng.standard_normal((64, 64)), 2)
            box = slice(64 * row, 64 * row + 64), slice(64 * column, 64 * column + 64)
            target[box] = other
        placed = [PlacedImage(image, np.eye(3)) for image in (sharp, target)]
        like = Micrograph(sharp, "YX", VoxelSize(None, 0.16, 0.16))
        cut = drain(cut_channels(placed[:1], placed[1:]))
        assert cut.rejected == len(rejected)
        drain(add_to_pair_set(tmp_path, name, cut, like=like, provenance={}))
    pairs = find_pairs(tmp_path / "source", tmp_path / "target")
    recipe = recipe_named("finetune").model_copy(update={"validation_share": 0.34})
    held = keep_apart(pairs, recipe, spec_of("residual-unet", recipe.config))
    assert held.patch == patch
    assert {image.source.shape[1:] for image in held.train} == sizes
    assert sum(i.source.size for i in held.validation) == side**2 - 64**2 * len(
        rejected
    )


@pytest.mark.parametrize(("own", "correlation"), [(0, r"-1\.00"), (5, r"-0\.[12]")])
def test_negative_of_a_source_is_refused(tmp_path, rng, own, correlation):
    """Also where most of the source is structure of its own, as in phase contrast."""
    target, phase = (
        gaussian_filter(rng.standard_normal((64, 64)), 2).astype(np.float32)
        for _ in range(2)
    )
    phase -= target * (phase * target).sum() / (target**2).sum()  # uncorrelated
    tifffile.imwrite(tmp_path / "s.tif", own * phase - target)
    tifffile.imwrite(tmp_path / "t.tif", target)
    pair = Pair(tmp_path / "s.tif", tmp_path / "t.tif", "", "")
    with pytest.raises(TrainingError, match=rf"'s.tif' is dark .* {correlation}"):
        load_pairs([pair], (3.0, 99.8))


def test_patches_fit_what_was_cut(make_job):
    """128 pixels were asked for, and the rectangles are 64 high."""
    job = make_job(recipe={"patch": 128, "steps": 1, "test_share": 0.0})
    looks = [r.detail for r in run_training(job) if isinstance(r.detail, Validated)]
    assert [look.step for look in looks] == [0, 1]
