"""Losses against other libraries and the formulas of the paper."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter
from skimage.metrics import structural_similarity
from torch import nn

from napari_gan_enhance.training.losses import (
    discriminator_loss,
    generator_loss,
    ssim,
)

EXACT = 1e-6
"""Rounding of float32 in sums of a few terms."""


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
    assert ours.item() == pytest.approx(full[5:-5, 5:-5].mean(), abs=EXACT)


def test_ssim_has_a_gradient_on_unit_images():
    a = torch.rand(1, 1, 16, 16, requires_grad=True)
    (1 - ssim(a, torch.rand(1, 1, 16, 16), data_range=1.0)).backward()
    assert a.grad.abs().max() > 1e-4


@pytest.mark.parametrize("kind", ["relativistic", "vanilla"])
def test_nobody_knows_costs_ln_2_for_each_label(kind):
    undecided = torch.zeros(3, 1)
    judged = discriminator_loss(kind, undecided, undecided)
    assert judged.item() == pytest.approx(2 * math.log(2), abs=EXACT)
    judged = generator_loss(kind, undecided, undecided)
    assert judged.item() == pytest.approx(math.log(2), abs=EXACT)


def test_relativistic_losses_are_the_equations_of_the_paper(rng):
    real, fake = (
        torch.from_numpy(rng.normal(0, 3, (8, 1)).astype(np.float32)) for _ in "rf"
    )
    cross_entropy = nn.functional.binary_cross_entropy_with_logits
    zeros, ones = torch.zeros(8, 1), torch.ones(8, 1)
    terms = [cross_entropy(fake - real, zeros), cross_entropy(real - fake, ones)]
    assert terms[0].item() == pytest.approx(terms[1].item(), abs=EXACT)
    equation_5 = sum(terms).item()
    ours = discriminator_loss("relativistic", real, fake)
    assert ours.item() == pytest.approx(equation_5, abs=EXACT)
    equation_6 = cross_entropy(fake - real, ones).item()
    ours = generator_loss("relativistic", real, fake)
    assert ours.item() == pytest.approx(equation_6, abs=EXACT)


def test_vanilla_losses_are_those_of_the_released_code(rng):
    real, fake = (
        torch.from_numpy(rng.normal(0, 3, (8, 1)).astype(np.float32)) for _ in "rf"
    )
    cross_entropy = nn.functional.binary_cross_entropy_with_logits
    released = cross_entropy(real, torch.ones(8, 1)) + cross_entropy(
        fake, torch.zeros(8, 1)
    )
    ours = discriminator_loss("vanilla", real, fake)
    assert ours.item() == pytest.approx(released.item(), abs=EXACT)
    released = cross_entropy(fake, torch.ones(8, 1))
    assert generator_loss("vanilla", real, fake).item() == pytest.approx(
        released.item(), abs=EXACT
    )


def test_logits_far_apart_stay_finite():
    far = torch.full((1, 1), 1e4)
    assert discriminator_loss("relativistic", -far, far).isfinite()
    assert generator_loss("relativistic", far, -far).isfinite()
