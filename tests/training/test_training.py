"""Training: fair splits, exact losses, learning, resuming, stopping."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile
import torch
from scipy.ndimage import gaussian_filter
from skimage.metrics import structural_similarity

from napari_gan_enhance.checkpoints.header import read_header
from napari_gan_enhance.errors import InputError, OutputError, TrainingError
from napari_gan_enhance.progress import drain
from napari_gan_enhance.training import loop
from napari_gan_enhance.training.images import load_pair
from napari_gan_enhance.training.losses import ssim
from napari_gan_enhance.training.pairs import Pair, find_pairs, split_by_field
from napari_gan_enhance.training.recipe import Recipe, recipe_named
from napari_gan_enhance.training.report import check_texts
from napari_gan_enhance.training.resume import resume_path
from napari_gan_enhance.training.run import TrainingJob, run_training
from napari_gan_enhance.training.score import psnr_gain

TINY = Recipe(
    name="tiny",
    config={
        "in_channels": 1,
        "out_channels": 1,
        "width": 4,
        "depth": 2,
        "head": "linear",
        "residual": True,
        "initialization": "kaiming",
    },
    steps=40,
    patch=32,
    batch=4,
    learning_rate=5e-3,
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


def test_exposures_find_their_target(folders):
    pairs = find_pairs(*folders)
    assert len(pairs) == 10
    assert all(p.source.stem.startswith(p.target.stem + "_") for p in pairs)
    assert {p.field for p in pairs} == set("01234")


def test_field_pattern_joins_channels(folders):
    source, target = folders
    for path in [*source.iterdir(), *target.iterdir()]:
        path.rename(path.with_name(f"cell{int(path.stem[0]) // 2}-{path.name}"))
    fields = {p.field for p in find_pairs(source, target, r"^cell\d")}
    assert fields == {"cell0", "cell1", "cell2"}


def test_source_without_target_is_refused(folders):
    (folders[1] / "3.tif").unlink()
    with pytest.raises(TrainingError, match=r"'3_a.tif' has no target"):
        find_pairs(*folders)


@pytest.mark.parametrize("seed", range(5))
def test_no_field_stands_on_two_sides(folders, seed):
    pairs = find_pairs(*folders)
    split = split_by_field(pairs, validation=0.2, test=0.2, seed=seed)
    sides = [split.train, split.validation, split.test]
    assert [len(side) for side in sides] == [6, 2, 2]
    fields = [{p.field for p in side} for side in sides]
    assert sum(map(len, fields)) == len(set.union(*fields)) == 5


def test_target_is_brought_to_the_scale_of_the_source(tmp_path, rng):
    clean = rng.random((64, 64))
    tifffile.imwrite(tmp_path / "s.tif", (3000 * clean + 500).astype(np.float32))
    tifffile.imwrite(tmp_path / "t.tif", (20 * clean - 7).astype(np.float32))
    pair = load_pair(Pair(tmp_path / "s.tif", tmp_path / "t.tif", "", ""), (3, 99.8))
    np.testing.assert_allclose(pair.source, pair.target, atol=1e-5)  # float32 files
    np.testing.assert_allclose(np.percentile(pair.source, [3, 99.8]), [0, 1], atol=1e-5)


def test_ssim_equals_skimage(rng):
    a = gaussian_filter(rng.random((48, 40)), 1)
    b = a + rng.normal(0, 0.05, a.shape)
    _, full = structural_similarity(
        a,
        b,
        data_range=1.0,
        gaussian_weights=True,
        use_sample_covariance=False,
        full=True,
    )
    ours = ssim(
        *(torch.from_numpy(x)[None, None].double() for x in (a, b)), data_range=1.0
    )
    # skimage reflects at the border; the window fits whole 5 pixels inside.
    assert ours.item() == pytest.approx(full[5:-5, 5:-5].mean(), abs=1e-6)


def test_ssim_has_a_gradient_on_unit_images():
    a = torch.rand(1, 1, 16, 16, requires_grad=True)
    (1 - ssim(a, torch.rand(1, 1, 16, 16), data_range=1.0)).backward()
    assert a.grad.abs().max() > 1e-4


def test_gain_is_the_ratio_of_fitted_errors(rng):
    target = rng.random((1, 32, 32))
    source = 2 * target + rng.normal(0, 0.5, target.shape) + 3
    result = source - (source - 2 * target) * 0.9

    def fitted_error(image):
        gain, offset = np.polyfit(image.ravel(), target.ravel(), 1)
        return ((gain * image + offset - target) ** 2).mean()

    expected = 10 * np.log10(fitted_error(source) / fitted_error(result))
    assert psnr_gain(result, source, target) == pytest.approx(expected, abs=1e-6)


def train(folders, output, **changes):
    recipe = TINY.model_copy(update=changes.pop("recipe", {}))
    return TrainingJob([folders], recipe, output, device="cpu", **changes)


def test_training_learns_and_says_so(folders, tmp_path):
    output = tmp_path / "model.safetensors"
    job = train(folders, output, card={"name": "mine"}, recipe={"steps": 200})
    card = drain(run_training(job))
    gain = next(s for s in card.scores if s.metric.startswith("PSNR gain"))
    assert gain.value > 3  # dB on a field it never saw; the untrained network has 0
    assert gain.n == 2
    header = read_header(output)
    assert header.card == card
    assert header.card.recipe["steps"] == 200
    assert header.card.training_data[0].fields == 5
    assert not resume_path(output).exists()


def test_resumed_training_equals_an_unbroken_one(folders, tmp_path):
    unbroken, broken = tmp_path / "a.safetensors", tmp_path / "b.safetensors"
    drain(run_training(train(folders, unbroken)))
    job = run_training(train(folders, broken))
    for report in job:
        if report.done == 27:  # past the validation at 20
            job.close()
    assert resume_path(broken).exists()
    drain(run_training(train(folders, broken, resume=True)))
    first, second = (tensors_of(path) for path in (unbroken, broken))
    assert all(torch.equal(first[name], second[name]) for name in first)


def tensors_of(path):
    from safetensors.torch import load_file

    return load_file(path)


def test_resume_with_other_settings_is_refused(folders, tmp_path):
    output = tmp_path / "model.safetensors"
    job = run_training(train(folders, output))
    for report in job:
        if report.done == 21:
            job.close()
    other = train(folders, output, resume=True, recipe={"batch": 2})
    with pytest.raises(TrainingError, match=r"other settings \(batch\)"):
        drain(run_training(other))


def test_resume_without_a_state_is_refused(folders, tmp_path):
    with pytest.raises(TrainingError, match="to resume from"):
        drain(run_training(train(folders, tmp_path / "m.safetensors", resume=True)))


def test_minutes_end_the_training(folders, tmp_path):
    job = train(folders, tmp_path / "m.safetensors", recipe={"minutes": 1e-4})
    reports = list(run_training(job))
    assert reports[-1].done < 40


def test_loss_that_is_not_finite_stops_with_a_reason(folders, tmp_path):
    job = train(folders, tmp_path / "m.safetensors", recipe={"learning_rate": 1e30})
    with pytest.raises(TrainingError, match=r"The loss became .* at step \d+"):
        drain(run_training(job))


def test_no_pairs_left_is_refused(folders, tmp_path):
    job = train(
        folders,
        tmp_path / "m.safetensors",
        recipe={"validation_share": 0.4, "test_share": 0.6},
    )
    with pytest.raises(TrainingError, match="No pairs are left"):
        drain(run_training(job))


def test_unknown_recipe_lists_the_known():
    with pytest.raises(TrainingError, match="'supervised'"):
        recipe_named("magic")


def replaced(path, change):
    tifffile.imwrite(path, change(tifffile.imread(path)))


@pytest.mark.parametrize(
    ("side", "change", "reason"),
    [
        (0, lambda p: p * np.float32(np.nan), r"Source '3_a.tif' holds NaN"),
        (1, lambda p: p * np.float32(np.nan), r"Target '3.tif' holds NaN"),
        (0, np.ones_like, r"Source '3_a.tif' is constant"),
        (1, np.ones_like, r"Target '3.tif' is constant"),
    ],
)
def test_bad_pixels_of_a_pair_are_refused(folders, tmp_path, side, change, reason):
    replaced(folders[side] / ("3_a.tif", "3.tif")[side], change)
    output = tmp_path / "m.safetensors"
    with pytest.raises(TrainingError, match=reason):
        drain(run_training(train(folders, output, recipe={"test_share": 0.0})))
    assert not output.exists()


def test_color_pairs_for_a_gray_model_are_refused(folders, tmp_path):
    for path in [*folders[0].iterdir(), *folders[1].iterdir()]:
        gray = (tifffile.imread(path) // 16).astype(np.uint8)
        tifffile.imwrite(path, np.stack([gray] * 3, -1), photometric="rgb")
    with pytest.raises(TrainingError, match=r"3 channels - the model takes 1"):
        drain(run_training(train(folders, tmp_path / "m.safetensors")))


def test_pattern_that_is_none_is_refused(folders):
    with pytest.raises(TrainingError, match=r"Field pattern '\('"):
        find_pairs(*folders, "(")


@pytest.mark.parametrize(
    ("name", "error", "reason"),
    [
        ("m.resume", InputError, r"ends in \.safetensors"),
        ("nowhere/m.safetensors", OutputError, "No such file or directory"),
    ],
)
def test_output_is_refused_before_training(folders, tmp_path, name, error, reason):
    job = run_training(train(folders, tmp_path / name))
    with pytest.raises(error, match=reason):
        next(job)


def test_unfinished_training_is_not_begun_anew_unasked(folders, tmp_path):
    output = tmp_path / "m.safetensors"
    resume_path(output).write_bytes(b"hours of work")
    with pytest.raises(TrainingError, match=r"--resume .* --overwrite"):
        drain(run_training(train(folders, output)))


def test_scores_that_are_not_numbers_keep_some_weights(folders, tmp_path, monkeypatch):
    monkeypatch.setattr(loop, "mean_gain", lambda *_: float("nan"))
    output = tmp_path / "m.safetensors"
    drain(run_training(train(folders, output)))
    assert tensors_of(output)


def test_constant_result_explains_nothing(rng):
    target = rng.random((1, 16, 16)).astype(np.float32)
    flat = np.full_like(target, 3)
    # Fitted by gain and offset both leave the target's whole variance.
    assert psnr_gain(flat, flat, target) == 0


@pytest.mark.parametrize(
    ("texts", "reason"),
    [
        ([1], "no JSON object"),
        ({"steps": 5, "scores": []}, "scores, steps is filled in"),
        ({"name": 5}, "name: "),
        ({"data": {"set": "CC0"}}, "data maps"),
    ],
)
def test_card_that_is_none_is_refused(texts, reason):
    with pytest.raises(InputError, match=rf"Card 'c.json' cannot be used \({reason}"):
        check_texts(texts, "c.json")
