"""A whole training: it learns, reports, keeps the best, and refuses with a reason."""

from __future__ import annotations

import csv
import math
import shutil
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import tifffile
import torch
from safetensors.torch import load_file
from torch import nn

from napari_gan_enhance.checkpoints.header import read_header
from napari_gan_enhance.errors import InputError, OutputError, TrainingError
from napari_gan_enhance.io.write import write_micrograph
from napari_gan_enhance.micrograph.micrograph import Micrograph, VoxelSize
from napari_gan_enhance.models.registry import spec_of
from napari_gan_enhance.progress import drain
from napari_gan_enhance.training import loop, state, validation
from napari_gan_enhance.training.events import (
    HeldOutScore,
    Losses,
    Preview,
    Saved,
    Validated,
)
from napari_gan_enhance.training.fabric import precision_on
from napari_gan_enhance.training.images import ImagePair
from napari_gan_enhance.training.pairs import Pair
from napari_gan_enhance.training.recipe import Recipe
from napari_gan_enhance.training.recipes import RECIPES, recipe_named
from napari_gan_enhance.training.record import record_path
from napari_gan_enhance.training.report import fields_text
from napari_gan_enhance.training.resume import resume_path
from napari_gan_enhance.training.run import run_training
from napari_gan_enhance.training.validation import Validator

ADVERSARIAL = {
    "patch": 64,
    "batch": 2,
    "adversarial_weight": 0.1,
    "balance": "gradients",
    "schedule": "plateau",
    "learning_rate": 5e-3,
}


FLOAT32 = 1e-5
"""Relative: sums of three float32 numbers and their means."""

DIGITS = 5e-5
"""A card gives four decimals."""


def reports_of(job, kind):
    return [r.detail for r in run_training(job) if isinstance(r.detail, kind)]


@pytest.mark.parametrize("precision", ["32-true", "bf16-mixed"])
def test_training_learns_and_says_so(make_job, precision):
    recipe = {"steps": 200, "precision": precision}
    job = make_job(card={"name": "mine"}, recipe=recipe)
    card = drain(run_training(job))
    gain = next(s for s in card.scores if s.metric.startswith("PSNR gain"))
    assert gain.value > 3  # dB on a field it never saw; the untrained network has 0
    assert gain.n == 2
    header = read_header(job.output)
    assert header.card == card
    assert header.card.recipe["steps"] == 200
    assert header.card.training_data[0].fields == 5
    assert not resume_path(job.output).exists()


@pytest.mark.parametrize(
    ("sizes", "told"),
    [
        ({}, None),
        ({"0": 0.1, "1": 0.2, "2": 0.16, "3": 0.1, "4": 0.1}, (0.1, 0.2)),
        ({"0": 0.1, "1": 0.1, "2": 0.1, "3": 0.1}, None),
    ],
    ids=["unknown", "known", "one unknown"],
)
def test_card_tells_the_pixel_sizes_where_all_files_do(make_job, folders, sizes, told):
    for field, pixel_um in sizes.items():
        for path in folders[0].glob(f"{field}_*.tif"):
            micrograph = Micrograph(
                tifffile.imread(path), "YX", VoxelSize(None, pixel_um, pixel_um)
            )
            drain(write_micrograph(path, micrograph, overwrite=True))
    split = {"steps": 1, "validation_share": 0, "test_share": 0}
    assert drain(run_training(make_job(recipe=split))).voxel_size_range_um == told
    mine = {"voxel_size_range_um": (0.05, 0.5)}
    job = make_job("other.safetensors", recipe=split, card=mine)
    assert drain(run_training(job)).voxel_size_range_um == (0.05, 0.5)


def test_adversarial_training_learns_too(make_job):
    job = make_job(recipe=ADVERSARIAL)
    looks = reports_of(job, Validated)
    assert looks[-1].score.psnr_gain > 0.5  # dB; the start has 0
    assert looks[-1].losses["discriminator"] < 1.3  # 2 ln 2 = 1.386 knows nothing


def test_total_is_a_sum_where_there_is_one(make_job):
    """What an adversarial gradient is stretched by to its share has no limit."""
    for balance in ("gradients", "losses"):
        job = make_job(recipe={**ADVERSARIAL, "balance": balance, "steps": 2})
        recipe = job.recipe
        for losses in reports_of(replace(job, overwrite=True), Losses):
            values = losses.values
            total = recipe.pixel_weight * values["pixel"]
            total += recipe.ssim_weight * values["dissimilarity"]
            if balance == "losses":
                total += recipe.adversarial_weight * values["adversarial"]
            assert values["total"] == pytest.approx(total, rel=FLOAT32)


def test_reports_carry_what_a_window_needs(make_job):
    job = make_job()
    details = [r.detail for r in run_training(job) if r.detail is not None]
    losses = [d for d in details if isinstance(d, Losses)]
    looks = [d for d in details if isinstance(d, Validated)]
    saved = [d for d in details if isinstance(d, Saved)]
    assert losses
    assert losses[-1].values["total"] < losses[0].values["total"]
    assert [look.step for look in looks] == [0, 20, 40]
    assert looks[0].score.psnr_gain == pytest.approx(0)  # starts as the identity
    assert looks[0].score.value == pytest.approx(0)
    assert all(isinstance(look.preview, Preview) for look in looks)
    assert looks[0].preview.result.shape == (1, 64, 64)
    best = [look.step for look in looks if look.is_best]
    assert [save.step for save in saved] == best
    assert {save.path for save in saved} == {job.output}


def test_course_is_written_as_csv(make_job):
    job = make_job(recipe=ADVERSARIAL)
    drain(run_training(job))
    with record_path(job.output).open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["step"] for row in rows] == ["0", "20", "40"]
    assert float(rows[2]["total"]) < float(rows[1]["total"])
    assert {"psnr", "ssim", "score", "discriminator", "gap"} <= rows[2].keys()


def test_closed_job_stops_within_a_step(make_job):
    run = run_training(make_job(recipe={"steps": 10_000}))
    step = next(r.done for r in run if r.done == 3)
    run.close()
    assert step == 3


def test_stopped_training_says_how_good_its_best_look_was(make_job):
    job = make_job()
    looks = []
    run = run_training(job)
    for report in run:
        if isinstance(report.detail, Validated):
            looks.append(report.detail)
        elif isinstance(report.detail, Saved) and report.detail.step == 20:
            break
    run.close()
    card = read_header(job.output).card
    best = looks[-1].score
    expected = [best.psnr_gain, best.psnr, best.ssim_gain, best.ssim]
    assert [s.value for s in card.scores] == pytest.approx(expected, abs=DIGITS)
    starts = ("PSNR gain", "PSNR,", "SSIM gain", "SSIM,")
    assert all(s.metric.startswith(n) for s, n in zip(card.scores, starts, strict=True))
    (data,) = {score.data for score in card.scores}
    (field,) = card.training_data[0].validation_fields
    assert data.startswith(f"set, fields {field} (the best step was chosen on them")
    assert {score.n for score in card.scores} == {2}  # its exposures


def scores(monkeypatch, values):
    """Let the held-out fields give these scores, one after the other."""
    given = iter(values)

    def score(self, network):
        gain = next(given)
        yield from ()
        image = self.images[0]
        shown = Preview("a", image.source, image.source, image.target, gain)
        return HeldOutScore(20.0 + gain, gain, 0.5, 0.0, gain), shown

    monkeypatch.setattr(Validator, "score", score)


def test_of_many_images_some_are_looked_at(make_job, folders, monkeypatch):
    """One field has two exposures, two fields four; at least one is looked at."""
    for share, images in ((0.2, 2), (0.4, 4)):
        job = make_job(f"{share}.safetensors", recipe={"validation_share": share})
        for pixels, looked in ((4 * 64 * 64, images), (64 * 64, 1), (1, 1)):
            monkeypatch.setattr(validation, "LOOK_PIXELS", pixels)
            steps = run_training(replace(job, overwrite=True))
            assert any(isinstance(report.detail, Saved) for report in steps)
            steps.close()
            scores = read_header(job.output).card.scores
            assert {score.n for score in scores} == {looked}


def test_what_is_looked_at_is_not_one_exposure_of_each_field(monkeypatch):
    """Dim and bright in turn: half of them looked at are some of both."""
    pixels = np.zeros((1, 64, 64), np.float32)
    images = [
        ImagePair(
            pixels, pixels, Pair(Path(f"{n}_{kind}.tif"), Path(f"{n}.tif"), "a", n)
        )
        for n in "abcdefgh"
        for kind in ("bright", "dim")
    ]
    monkeypatch.setattr(validation, "LOOK_PIXELS", 8 * 64 * 64)
    spec = spec_of("residual-unet", recipe_named("finetune").config)
    looked = Validator(images, spec, torch.device("cpu")).images
    again = Validator(images, spec, torch.device("cpu")).images
    kinds = {image.pair.source.stem.split("_")[1] for image in looked}
    assert (len(looked), kinds) == (8, {"bright", "dim"})
    assert [image.pair for image in again] == [image.pair for image in looked]


def test_best_step_is_kept_not_the_last(make_job, monkeypatch):
    scores(monkeypatch, [0.0, 3.0, 2.0])
    job = make_job()
    card = drain(run_training(job))
    assert card.steps == 20


def test_start_is_kept_if_no_step_is_better(make_job, monkeypatch):
    first = make_job("start.safetensors", recipe={"seed": 3})
    drain(run_training(first))
    scores(monkeypatch, [1.0, 0.5, 0.9])
    job = make_job(start=str(first.output))
    notes = [r.note for r in run_training(job)]
    assert any("result is the start, unchanged" in note for note in notes)
    start, result = load_file(first.output), load_file(job.output)
    assert all(torch.equal(start[name], result[name]) for name in start)


UNJUDGED = {"steps": 10, "validation_share": 0, "test_share": 0}
"""With nothing held out the last step is kept."""


def test_what_is_kept_lies_between_the_start_and_the_average(make_job):
    start = make_job("start.safetensors", recipe={"steps": 1})
    drain(run_training(start))
    kept = {}
    for share in (1.0, 0.25):
        recipe = {**UNJUDGED, "interpolation": share}
        job = make_job(f"{share}.safetensors", recipe=recipe, start=str(start.output))
        drain(run_training(job))
        kept[share] = load_file(job.output)
    begun = load_file(start.output)
    for name, weights in kept[0.25].items():
        # Stored in float16: each of the three is rounded to 1 in 2048.
        expected = 0.75 * begun[name].double() + 0.25 * kept[1.0][name].double()
        torch.testing.assert_close(weights.double(), expected, rtol=2e-3, atol=1e-4)
    assert any((kept[1.0][n] - kept[0.25][n]).abs().max() > 1e-2 for n in begun)


@pytest.mark.parametrize(("better", "share"), [(0.4, 0.25), (0.6, 1.0)])
def test_average_is_kept_where_it_scores_clearly_higher(
    make_job, monkeypatch, better, share
):
    start = make_job("start.safetensors", recipe={"steps": 1})
    drain(run_training(start))
    recipe = {"steps": 10, "validate_every": 10, "test_share": 0}
    expected = make_job(
        "expected.safetensors",
        recipe={**recipe, "interpolation": share},
        start=str(start.output),
    )
    found = make_job(
        "found.safetensors",
        recipe={**recipe, "interpolation": 0.25},
        start=str(start.output),
    )
    # The start, what lies on the way to the average, and the average.
    scores(monkeypatch, [0.0, 1.0] if share == 1 else [0.0, 1.0, 1.0])
    drain(run_training(expected))
    scores(monkeypatch, [0.0, 1.0, 1.0 + better])
    drain(run_training(found))
    first, second = load_file(expected.output), load_file(found.output)
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_random_weights_are_no_start_to_go_back_to(make_job):
    whole, part = (
        make_job(f"{share}.safetensors", recipe={**UNJUDGED, "interpolation": share})
        for share in (1.0, 0.25)
    )
    for job in (whole, part):
        drain(run_training(job))
    first, second = load_file(whole.output), load_file(part.output)
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert read_header(part.output).card.recipe["interpolation"] == 1


def test_result_better_than_the_start_says_nothing(make_job):
    notes = [r.note for r in run_training(make_job())]
    assert not any("unchanged" in note for note in notes)


def test_training_stops_when_patience_runs_out(make_job, monkeypatch):
    scores(monkeypatch, [0.0, 3.0, 2.0, 2.5, 9.0])
    job = make_job(recipe={"validate_every": 5, "stop_patience": 2, "steps": 1000})
    card = drain(run_training(job))
    assert card.steps == 5
    rows = record_path(job.output).read_text(encoding="utf-8").splitlines()
    assert len(rows) == 1 + 4  # head, and looks at steps 0, 5, 10, 15


def test_plateau_halves_the_rate_down_to_a_tenth(make_job, monkeypatch):
    scores(monkeypatch, [1.0] + [0.0] * 12)
    job = make_job(
        recipe={
            "schedule": "plateau",
            "plateau_patience": 2,
            "validate_every": 2,
            "steps": 24,
            "learning_rate": 1e-3,
        }
    )
    rates = [look.rate / 1e-3 for look in reports_of(job, Validated)]
    halved = [1, 1, 0.5, 0.5, 0.25, 0.25, 0.125, 0.125, 0.1, 0.1, 0.1, 0.1, 0.1]
    assert rates == pytest.approx(halved)


def test_scores_that_are_not_numbers_keep_some_weights(make_job, monkeypatch):
    scores(monkeypatch, [float("nan")] * 3)
    job = make_job()
    drain(run_training(job))
    assert load_file(job.output)


@pytest.fixture
def dead_discriminator(monkeypatch):
    """The released one is 300 MB; this one is dead in the same way."""
    dead = nn.Sequential(nn.Flatten(), nn.Linear(64 * 64, 1))
    nn.init.zeros_(dead[1].weight)
    monkeypatch.setattr(state, "build_discriminator", lambda _: dead)


@pytest.mark.usefixtures("dead_discriminator")
def test_dead_discriminator_stops_or_warns(make_job):
    with pytest.raises(TrainingError, match="discriminator is dead at step 0"):
        drain(run_training(make_job(recipe=ADVERSARIAL)))
    tolerant = {**ADVERSARIAL, "tolerates_dead_discriminator": True, "steps": 2}
    notes = [r.note for r in run_training(make_job(recipe=tolerant, overwrite=True))]
    assert any(note.startswith("The discriminator is dead at step 0") for note in notes)


@pytest.mark.usefixtures("dead_discriminator")
def test_dead_discriminator_does_not_blow_up_the_total(make_job):
    stays_dead = {
        **ADVERSARIAL,
        "tolerates_dead_discriminator": True,
        "discriminator_learning_rate": 1e-30,
        "steps": 2,
    }
    losses = reports_of(make_job(recipe=stays_dead), Losses)
    assert losses
    assert all(loss.values["total"] < 1 for loss in losses)  # likeness alone: 0.1


@pytest.mark.parametrize(
    ("read_s", "step"), [(0.0, 6), (math.inf, 8)], ids=["each step", "at looks"]
)
def test_minutes_end_the_training_waiting_for_the_device_included(
    make_job, monkeypatch, read_s, step
):
    """A step is queued at once, takes ten seconds, and ends when it is read."""
    clock = SimpleNamespace(now=0.0, queued=0.0)
    really_update, really_read = loop.update, state.Meter.read

    def update(*arguments):
        clock.queued += 10.0
        return really_update(*arguments)

    def read(meter):
        clock.now, clock.queued = clock.now + clock.queued, 0.0
        return really_read(meter)

    monkeypatch.setattr(loop, "update", update)
    monkeypatch.setattr(loop, "time", SimpleNamespace(monotonic=lambda: clock.now))
    monkeypatch.setattr(state.Meter, "read", read)
    monkeypatch.setattr(state, "READ_S", read_s)  # the first step is always read
    job = make_job(recipe={"minutes": 1, "validate_every": 4})
    assert reports_of(job, Validated)[-1].step == step


def test_loss_that_is_not_finite_stops_with_a_reason(make_job):
    with pytest.raises(
        TrainingError, match=r"The loss \(total\) became nan at step \d+"
    ):
        drain(run_training(make_job(recipe={"learning_rate": 1e30})))


def test_no_pairs_left_is_refused(make_job):
    shares = {"validation_share": 0.39, "test_share": 0.6}
    with pytest.raises(TrainingError, match="No pairs are left"):
        drain(run_training(make_job(recipe=shares)))


def replaced(path, change):
    tifffile.imwrite(path, change(tifffile.imread(path)))


@pytest.mark.parametrize(
    ("side", "change", "reason"),
    [
        (0, lambda p: p * np.float32(np.nan), r"Source '3_a.tif' holds NaN"),
        (1, lambda p: p * np.float32(np.nan), r"Target '3.tif' holds NaN"),
        (0, np.ones_like, r"Source '3_a.tif' is constant"),
        (1, np.ones_like, r"Target '3.tif' is constant"),
        (1, lambda p: p[:-1], r"has shape \(1, 64, 64\), its target \(1, 63, 64\)"),
    ],
)
def test_bad_pixels_of_a_pair_are_refused(make_job, folders, side, change, reason):
    replaced(folders[side] / ("3_a.tif", "3.tif")[side], change)
    job = make_job(recipe={"test_share": 0.0})
    with pytest.raises(TrainingError, match=reason):
        drain(run_training(job))
    assert not job.output.exists()


def test_sides_of_two_pixel_sizes_are_refused(make_job, folders):
    for side, name, pixel_um in ((0, "3_a.tif", 0.159), (1, "3.tif", 0.1)):
        path = folders[side] / name
        micrograph = Micrograph(
            tifffile.imread(path), "YX", VoxelSize(None, pixel_um, pixel_um)
        )
        drain(write_micrograph(path, micrograph, overwrite=True))
    with pytest.raises(TrainingError, match=r"0\.159 µm.*'3\.tif' of 0\.1 µm"):
        drain(run_training(make_job(recipe={"test_share": 0.0})))


def test_color_pairs_for_a_gray_model_are_refused(make_job, folders):
    for path in [*folders[0].iterdir(), *folders[1].iterdir()]:
        gray = (tifffile.imread(path) // 16).astype(np.uint8)
        tifffile.imwrite(path, np.stack([gray] * 3, -1), photometric="rgb")
    with pytest.raises(TrainingError, match=r"3 channels - the model takes 1"):
        drain(run_training(make_job()))


@pytest.mark.parametrize(
    ("name", "error", "reason"),
    [
        ("m.resume", InputError, r"ends in \.safetensors"),
        ("nowhere/m.safetensors", OutputError, "No such file or directory"),
    ],
)
def test_output_is_refused_before_training(make_job, name, error, reason):
    with pytest.raises(error, match=reason):
        next(run_training(make_job(name)))


def test_the_model_it_begins_with_is_not_replaced(make_job):
    drain(run_training(make_job(recipe={"steps": 1})))
    job = make_job(start="m.safetensors", overwrite=True)
    job = replace(job, start=str(job.output))
    before = job.output.read_bytes()
    with pytest.raises(InputError, match="is the model the training begins with"):
        next(run_training(job))
    assert job.output.read_bytes() == before


def test_a_table_of_the_users_is_not_replaced(make_job):
    job = make_job("measured.safetensors")
    record_path(job.output).write_text("mine")
    with pytest.raises(OutputError, match=r"measured\.csv"):
        next(run_training(job))
    assert record_path(job.output).read_text() == "mine"


def test_result_of_another_training_meanwhile_is_not_replaced(make_job):
    second = run_training(make_job(recipe={"steps": 1, "seed": 2}))
    next(second)  # it has looked, and loads its pairs
    first = make_job(recipe={"steps": 1})
    drain(run_training(first))
    done = first.output.read_bytes()
    with pytest.raises(OutputError, match=r"'m\.safetensors' already exists"):
        drain(second)
    assert first.output.read_bytes() == done


def test_more_devices_than_there_are_is_refused(make_job):
    job = replace(make_job(), devices=999)
    with pytest.raises(InputError, match="999 devices of kind 'cpu'"):
        drain(run_training(job))


@pytest.mark.parametrize(
    ("capability", "recipe", "expected"),
    [
        ("AVX512", "finetune", "bf16-mixed"),
        ("AVX2", "finetune", "32-true"),
        ("AVX512", "panek-paper", "32-true"),
    ],
)
def test_bfloat16_is_left_to_processors_that_are_fast_at_it(
    monkeypatch, capability, recipe, expected
):
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: capability)
    assert precision_on(torch.device("cpu"), RECIPES[recipe]) == expected
    assert precision_on(torch.device("cuda"), RECIPES["finetune"]) == "bf16-mixed"


def test_unknown_recipe_lists_the_known():
    with pytest.raises(TrainingError, match="'supervised'"):
        recipe_named("magic")


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=RECIPES)
def test_recipes_survive_the_card(recipe):
    assert Recipe.model_validate(recipe.model_dump(mode="json")) == recipe


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"low_percentile": 99.9}, "low_percentile must be below"),
        ({"validation_share": 0.5, "test_share": 0.5}, "must leave some to train"),
        ({"pixel_weight": 0, "ssim_weight": 0}, "one of the weights"),
        ({"adversarial_weight": 1, "patch": 32}, "needs a patch of 64"),
        (
            {"adversarial_weight": 1, "balance": "gradients"}
            | {"pixel_weight": 0, "ssim_weight": 0},
            "balanced against a pixel",
        ),
        ({"learning_rat": 1}, "Extra inputs are not permitted"),
    ],
)
def test_recipe_that_contradicts_itself_is_refused(changes, reason):
    with pytest.raises(ValueError, match=reason):
        Recipe.model_validate({**RECIPES["supervised"].model_dump(), **changes})


def test_scores_name_few_fields_and_count_many():
    assert fields_text({"b", "a"}) == "fields a, b"
    assert fields_text([f"drawn_{n}" for n in range(40)]) == "40 fields"


def test_what_is_told_of_is_on_the_disk(make_job):
    """Who stops at a look has what it announced."""
    job = make_job()
    run = run_training(job)
    looked = next(
        report.detail
        for report in run
        if isinstance(report.detail, Validated) and report.detail.step == 20
    )
    run.close()
    assert looked.is_best
    assert read_header(job.output).card.steps == 20
    with record_path(job.output).open(encoding="utf-8", newline="") as file:
        assert [row["step"] for row in csv.DictReader(file)] == ["0", "20"]


def test_data_sets_of_one_name_stay_apart(make_job, folders, tmp_path):
    """As of two days: equally named fields are not one."""
    source, target = folders
    for day in ("a", "b"):
        for side in (source, target):
            shutil.copytree(side, tmp_path / day / "pairs" / side.name)
    for path in (tmp_path / "b" / "pairs").rglob("*.tif"):
        tifffile.imwrite(path, tifffile.imread(path)[::-1])  # other images
    sets = [
        (tmp_path / day / "pairs" / source.name, tmp_path / day / "pairs" / target.name)
        for day in ("a", "b")
    ]
    job = replace(make_job(recipe={"steps": 1}), folders=sets)
    card = drain(run_training(job))
    assert [data.name for data in card.training_data] == ["pairs", "pairs-2"]
    assert [data.fields for data in card.training_data] == [5, 5]


def test_what_a_scheduler_was_asked_for_does_not_matter(make_job, monkeypatch):
    for name, value in (("NTASKS", "4"), ("JOB_ID", "1"), ("JOB_NAME", "fields")):
        monkeypatch.setenv(f"SLURM_{name}", value)
    assert drain(run_training(make_job(recipe={"steps": 1}))).recipe["steps"] == 1
