"""Trainings that lead nowhere are stopped, with the reason."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter
from torch import nn

from napari_gan_enhance.errors import TrainingError
from napari_gan_enhance.progress import drain
from napari_gan_enhance.training import state
from napari_gan_enhance.training.detectors import FLAT, SETTLED_AT, check_losses
from napari_gan_enhance.training.events import Losses, Preview
from napari_gan_enhance.training.observations import observations
from napari_gan_enhance.training.run import run_training

HEALTHY = {
    "total": 0.1,
    "logit": 3.0,
    "shift": 0.01,
    "spread": 0.2,
    "target_spread": 0.2,
    "largest": 1.5,
    "target_largest": 1.4,
    "source_largest": 1.2,
}


def test_healthy_training_goes_on():
    check_losses(HEALTHY, HEALTHY, 1000, 0.1)


@pytest.mark.parametrize(
    ("seen", "reason"),
    [
        ({"total": math.nan}, r"The loss \(total\) became nan at step 500"),
        ({"gradient": math.inf}, r"The loss \(gradient\) became inf at step 500"),
        ({"logit": 486.0}, "logits reached 486 at step 500"),
        ({"spread": 8e-5}, r"flat image at step 500 \(deviation 8.0e-05\)"),
        ({"largest": 15.0}, "Results reach 15 at step 500, the images 1.4"),
        ({"shift": -0.3}, "brightness of the results drifted by -0.3"),
    ],
)
def test_failures_are_named(seen, reason):
    with pytest.raises(TrainingError, match=reason):
        check_losses({**HEALTHY, **seen}, HEALTHY, 500, 0.1)


def test_a_batch_of_background_is_no_failure():
    """Nothing is to be seen there: flat is right, and the smallest drift stands out."""
    empty = {"spread": 5e-4, "target_spread": 5e-3, "target_largest": 0.02}
    empty["source_largest"] = 0.5
    background = {**HEALTHY, **empty, "largest": 0.3, "shift": -0.03}
    check_losses(background, HEALTHY, 500, 1.0)
    for change in ({"shift": -0.2}, {"largest": 11.0}):
        with pytest.raises(TrainingError):
            check_losses({**background, **change}, HEALTHY, 500, 1.0)


def test_wrong_brightness_of_the_start_is_no_drift():
    dark = {**HEALTHY, "shift": -0.3}
    check_losses(dark, dark, 500, 0.1)


@pytest.mark.parametrize(
    ("step", "share"), [(150, 0.1), (20, 0.2), (4, 1.0)], ids=["long", "short", "trial"]
)
def test_brightness_may_be_wrong_at_first(step, share):
    check_losses({**HEALTHY, "shift": -0.3, "largest": 15.0}, HEALTHY, step, share)


LOST = {
    # Decay halves the weights in each step.
    "flat": {"residual": False, "weight_decay": 100.0},
    "reach": {"learning_rate": 0.3},
    # Nothing holds the brightness.
    "brightness": {"learning_rate": 0.05, "pixel_weight": 0.0},
}
"""Changes of network and recipe, by a word of the message."""


@pytest.fixture
def short_job(make_job, monkeypatch):
    """Return a function that makes a short job, of which each step is looked at."""
    monkeypatch.setattr(state, "READ_S", 0.0)

    def make(steps, changes):
        config = make_job().recipe.config
        config |= {key: changes.pop(key) for key in {*config} & {*changes}}
        return make_job(recipe={"steps": steps, "config": config, **changes})

    return make


@pytest.mark.parametrize("word", LOST)
def test_short_training_that_is_lost_stops_before_its_end(short_job, word):
    job = short_job(60, dict(LOST[word]))
    with pytest.raises(TrainingError, match=rf"{word}.* at step (1[5-9]|[2-5]\d)\b"):
        drain(run_training(job))


def test_short_training_from_nothing_may_be_flat_for_long(short_job):
    """As published, but for its size."""
    published = {"residual": False, "initialization": "glorot", "head": "leaky"}
    job = short_job(120, {**published, "learning_rate": 1e-3})
    reports = [r.detail for r in run_training(job) if isinstance(r.detail, Losses)]
    flat = [r.step for r in reports if r.values["spread"] < FLAT]
    assert 30 < max(flat) < 110


class Saturating(nn.Module):
    """Hears at first; learning too fast it saturates, and hears nothing more."""

    def __init__(self):
        super().__init__()
        self.said = nn.Sequential(
            nn.AvgPool2d(8),
            nn.Flatten(),
            nn.Linear(64, 1),
            nn.Sigmoid(),
            nn.Linear(1, 1),
        )

    def forward(self, images):
        return self.said(images)


def test_discriminator_that_dies_is_heard_at_step_100(make_job, monkeypatch):
    torch.manual_seed(0)
    monkeypatch.setattr(state, "build_discriminator", lambda _: Saturating())
    recipe = {
        "steps": 110,
        "patch": 64,
        "batch": 2,
        "adversarial_weight": 0.1,
        "discriminator_learning_rate": 10.0,
    }
    with pytest.raises(TrainingError, match="discriminator is dead at step 100"):
        drain(run_training(make_job(recipe=recipe)))


class Loud(nn.Module):
    """Says a large number of every image, and hardly tells them apart."""

    def __init__(self):
        super().__init__()
        self.said = nn.Linear(64 * 64, 1)
        nn.init.constant_(self.said.bias, 500.0)

    def forward(self, images):
        return self.said(images.flatten(1))


@pytest.mark.parametrize("adversary", ["relativistic", "vanilla"])
def test_only_what_counts_in_the_loss_is_too_loud(make_job, monkeypatch, adversary):
    """A relativistic loss takes differences, so that what both share may drift."""
    monkeypatch.setattr(state, "build_discriminator", lambda _: Loud())
    recipe = {"patch": 64, "batch": 2, "adversarial_weight": 0.1, "steps": 4}
    job = make_job(recipe={**recipe, "adversary": adversary})
    if adversary == "relativistic":
        drain(run_training(job))
    else:
        with pytest.raises(TrainingError, match="logits reached 500"):
            drain(run_training(job))


@pytest.fixture
def structure(rng):
    image = gaussian_filter(rng.random((64, 64)), 1.5)
    return ((image - image.min()) / np.ptp(image)).astype(np.float32)


def preview(result, target):
    return Preview("a.tif", target[None], result[None], target[None], 1.0)


def test_good_result_is_not_odd(structure, rng):
    noisy = structure + rng.normal(0, 0.01, structure.shape)
    assert observations(preview(noisy.astype(np.float32), structure)) == []


def test_a_region_of_odd_size_is_looked_at_too(structure):
    """A held-out strip is as wide as its content asks for."""
    odd = structure[:-1, :-3]
    assert observations(preview(odd, odd)) == []
    (said,) = observations(preview(gaussian_filter(odd, 2), odd))
    assert "over-smooth" in said


def test_checkerboard_is_seen(structure):
    rows, columns = np.indices(structure.shape)
    board = structure + 0.05 * (-1.0) ** (rows + columns)
    (odd,) = observations(preview(board.astype(np.float32), structure))
    assert "checkerboard" in odd


def test_smoothness_is_seen(structure):
    (odd,) = observations(preview(gaussian_filter(structure, 2), structure))
    assert "over-smooth" in odd


def shifts(said):
    """Return the shifts that were spoken of, (Y, X)."""
    found = [re.search(r"lies (\S+), (\S+) pixels", text) for text in said]
    return [tuple(map(float, match.groups())) for match in found if match]


def test_shift_is_seen_with_its_sign(structure):
    moved = np.roll(structure, (2, -1), (0, 1))
    assert shifts(observations(preview(moved, structure))) == [
        pytest.approx((2, -1), abs=0.2)
    ]


@pytest.fixture
def filaments(rng):
    """Lines on a dark ground, 96 x 256 pixels, up to 1."""
    image = np.zeros((96, 256), np.float32)
    for start, slope in zip(
        rng.uniform(-40, 130, 9), rng.normal(0, 0.5, 9), strict=True
    ):
        x = np.arange(256)
        y = np.round(start + slope * x).astype(int)
        inside = (y >= 0) & (y < 96)
        image[y[inside], x[inside]] = 1
    image = gaussian_filter(image, 1.5)
    return image / image.max()


@pytest.mark.parametrize("light", [0.0, 0.3, 1.0, 3.0, 30.0])
def test_noise_is_no_shift(filaments, light, rng):
    """However dim: pairs that lie exactly are not said to lie elsewhere."""
    said = []
    for _ in range(20):
        noisy = rng.poisson(light * filaments + 1).astype(np.float32)
        said += observations(preview(gaussian_filter(noisy, 1.5), filaments))
    assert shifts(said) == []


def test_a_shift_is_seen_through_noise(filaments, rng):
    noisy = rng.poisson(30 * np.roll(filaments, (4, -3), (0, 1)) + 1)
    said = observations(preview(gaussian_filter(noisy.astype("f4"), 1), filaments))
    assert shifts(said) == [pytest.approx((4, -3), abs=0.3)]


def test_a_hot_pixel_of_the_source_is_no_failure():
    """A network that begins with its input shows it."""
    seen = {**HEALTHY, "largest": 100.0, "source_largest": 100.0}
    check_losses(seen, HEALTHY, SETTLED_AT, 0.5)
