"""A generator that is told of the optics: width of the PSF, and pixel size."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from napari_gan_enhance.errors import CheckpointError
from napari_gan_enhance.micrograph.micrograph import Micrograph, VoxelSize
from napari_gan_enhance.micrograph.microscope import Channel, Microscope
from napari_gan_enhance.models.enhance import enhance
from napari_gan_enhance.models.generator import Generator
from napari_gan_enhance.models.registry import build_network, parse_config, spec_of
from napari_gan_enhance.models.settings import EnhanceSettings
from napari_gan_enhance.models.told_optics import (
    ToldOptics,
    told_optics,
    with_told_planes,
)

CONFIG = {
    "in_channels": 1,
    "out_channels": 1,
    "width": 2,
    "depth": 1,
    "initialization": "kaiming",
    "takes_psf_width": True,
}

SIZED = {"takes_pixel_size": True}

SEED_PAPER = [(461, 182 / 159), (520, 206 / 159), (565, 224 / 159)]
"""Emission and FWHM in pixels of 159 nm at NA 1.30, as published for that objective."""

ROUNDED = 0.01
"""The table gives whole nanometres."""


def image(rng, *, emission_nm=(520.0,), aperture=1.3):
    channels = tuple(Channel(emission_nm=e) for e in emission_nm)
    shape = (len(channels), 16, 16)
    return Micrograph(
        rng.random(shape).astype(np.float32),
        "CYX",
        VoxelSize(None, 0.159, 0.159),
        channels=channels,
        microscope=Microscope(numerical_aperture=aperture, immersion_index=1.515),
    )


@pytest.fixture
def generator():
    torch.manual_seed(0)
    return Generator(
        build_network("residual-unet", CONFIG), spec_of("residual-unet", CONFIG)
    )


@pytest.mark.parametrize(("emission_nm", "width"), SEED_PAPER)
def test_width_is_that_of_the_airy_pattern(rng, emission_nm, width):
    micrograph = image(rng, emission_nm=(emission_nm,))
    told = told_optics(micrograph)
    assert told.psf_width_px == pytest.approx(width, rel=ROUNDED)
    assert told.pixel_um == 0.159


def test_width_is_not_known_where_a_number_is_missing(rng):
    assert told_optics(image(rng, emission_nm=(None,))) == (None, 0.159)
    assert told_optics(image(rng, aperture=None)) == (None, 0.159)
    assert told_optics(Micrograph(np.zeros((4, 4)), "YX")) == (None, None)


def test_plane_holds_a_quarter_of_the_width_and_zero_where_unknown():
    optics = [ToldOptics(2.0, 0.2), ToldOptics()]
    told = with_told_planes(torch.ones(2, 3, 4, 5), optics, ("psf_width_px",))
    assert told.shape == (2, 4, 4, 5)
    assert (told[0, 3] == 0.5).all()
    assert (told[1, 3] == 0).all()
    assert (told[:, :3] == 1).all()


def test_pixel_size_has_a_plane_of_its_own_that_counts_quarters_of_a_micrometer():
    names = ("psf_width_px", "pixel_um")
    optics = [ToldOptics(2.0, 0.125), ToldOptics(None, 0.5)]
    told = with_told_planes(torch.ones(2, 1, 4, 5), optics, names)
    assert told[:, 1:, 0, 0].tolist() == [[0.5, 0.5], [0, 2]]


def test_pixel_size_is_not_told_without_the_width():
    with pytest.raises(CheckpointError, match="takes the PSF, too"):
        parse_config("residual-unet", {**CONFIG, "takes_psf_width": False, **SIZED})


def test_a_generator_that_takes_the_pixel_size_is_told_it(rng):
    torch.manual_seed(0)
    config = {**CONFIG, **SIZED}
    network = build_network("residual-unet", config)
    micrograph = image(rng)
    *_, result = run(micrograph, Generator(network, spec_of("residual-unet", config)))
    pixels = micrograph.pixels[0]
    low, high = np.percentile(pixels, [3, 99.8]).astype(np.float32)
    scaled = torch.from_numpy((pixels - low) / (high - low))[None, None]
    width = 0.514 * 0.52 / 1.3 / 0.159
    planes = [torch.full_like(scaled, told) for told in (width / 4, 0.159 / 0.25)]
    with torch.inference_mode():
        expected = network(torch.cat([scaled, *planes], dim=1))[0, 0].numpy()
    expected = expected * (high - low) + low
    np.testing.assert_allclose(result.pixels[0], expected, atol=1e-5 * np.ptp(expected))


def test_every_channel_is_told_its_own_width(generator, rng):
    """Against the bare network with the plane made by hand."""
    micrograph = image(rng, emission_nm=(461.0, 565.0))
    *reports, result = run(micrograph, generator)
    assert not any(report.note for report in reports)
    for channel, (_, width) in enumerate([SEED_PAPER[0], SEED_PAPER[2]]):
        pixels = micrograph.pixels[channel]
        low, high = np.percentile(pixels, [3, 99.8]).astype(np.float32)
        scaled = torch.from_numpy((pixels - low) / (high - low))[None, None]
        plane = torch.full_like(scaled, width / 4)
        with torch.inference_mode():
            expected = generator._network(torch.cat([scaled, plane], dim=1))[0, 0]
        expected = expected.numpy() * (high - low) + low
        close = ROUNDED * np.ptp(expected)
        np.testing.assert_allclose(result.pixels[channel], expected, atol=close)
    np.testing.assert_allclose(
        result.provenance["psf_width_px"], [1.145, 1.409], rtol=ROUNDED
    )


def test_an_unknown_width_is_said(generator, rng):
    *reports, result = run(image(rng, aperture=None), generator)
    assert "has to do without the width of the PSF" in reports[0].note
    assert result.provenance["psf_width_px"] == [None]


def run(micrograph, generator):
    """Return all reports and the result."""
    job, seen = enhance(micrograph, generator, EnhanceSettings()), []
    while True:
        try:
            seen.append(next(job))
        except StopIteration as end:
            return [*seen, end.value]
