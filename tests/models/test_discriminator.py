"""Discriminators: the released one is dead, the working one learns."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from napari_gan_enhance.models.discriminator import (
    DiscriminatorConfig,
    build_discriminator,
)
from napari_gan_enhance.training.losses import discriminator_loss

HALF = 1e-6
"""How far a dead output may be from 0.5: it is exact up to the last bits of float32."""

GAP = 0.1
"""Of the logits of real and fake images, soon after the start; a dead one has 0."""


def parameters(network, *, normalization=False):
    return sum(
        p.numel()
        for m in network.modules()
        if isinstance(m, nn.GroupNorm) is normalization
        for p in m.parameters(recurse=False)
    )


@pytest.mark.parametrize(("channels", "count"), [(1, 75_872_065), (3, 75_872_641)])
def test_reference_has_the_parameters_of_the_release(channels, count):
    with torch.device("meta"):
        config = DiscriminatorConfig(kind="reference", in_channels=channels)
        assert parameters(build_discriminator(config)) == count


@pytest.mark.parametrize(("width", "count"), [(16, 2_784_737), (64, 42_914_177)])
def test_working_has_the_parameters_of_its_plan(width, count):
    with torch.device("meta"):
        config = DiscriminatorConfig(in_channels=3, width=width)
        network = build_discriminator(config)
    assert parameters(network) == count  # without the normalization, as planned
    assert parameters(network, normalization=True) > 0


def test_reference_is_dead_at_the_start():
    """Documents the defect: noise, zeros and structure all give 0.5, no gradient."""
    torch.manual_seed(0)
    network = build_discriminator(DiscriminatorConfig(kind="reference"))
    images = torch.rand(2, 1, 256, 256)
    images[1] = 0
    images.requires_grad_()
    probability = torch.sigmoid(network(images))
    probability.sum().backward()
    assert (probability - 0.5).abs().max() <= HALF
    assert images.grad.abs().max() < 1e-20  # measured on the release: 2.7e-30


@pytest.mark.parametrize("size", [64, 100, 129])
def test_working_takes_any_size(size):
    network = build_discriminator(DiscriminatorConfig(in_channels=2))
    assert network(torch.rand(3, 2, size, size)).shape == (3, 1)


def test_working_learns_to_tell_images_apart():
    torch.manual_seed(0)
    network = build_discriminator(DiscriminatorConfig())
    optimizer = torch.optim.Adam(network.parameters(), 1e-4)
    for _ in range(20):
        fake = torch.rand(4, 1, 64, 64)
        real = nn.functional.avg_pool2d(torch.rand(4, 1, 64, 64), 5, 1, 2)
        logits = network(torch.cat([real, fake])).chunk(2)
        optimizer.zero_grad()
        discriminator_loss("relativistic", *logits).backward()
        optimizer.step()
    assert (logits[0] - logits[1]).mean() > GAP


def test_a_blank_image_does_not_steer_the_working_one():
    """Of zeros, as stitched images have: it must not outweigh all other images."""
    torch.manual_seed(0)
    network = build_discriminator(DiscriminatorConfig())
    steepest = []
    for blank in (False, True):
        real, fake = torch.rand(2, 4, 1, 128, 128)
        if blank:
            real[-1] = fake[-1] = 0
        network.zero_grad()
        logits = network(torch.cat([real, fake])).chunk(2)
        discriminator_loss("relativistic", *logits).backward()
        steepest.append(max(float(p.grad.abs().max()) for p in network.parameters()))
    assert steepest[1] < 10 * steepest[0]  # 11 beside 4 where this was tried
