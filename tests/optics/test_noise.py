from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from napari_gan_enhance.optics.formation import FormationSettings, form_image
from napari_gan_enhance.optics.noise import NoiseModel, estimate_noise
from napari_gan_enhance.optics.psf import point_spread_function
from napari_gan_enhance.optics.transfer import FormationOptics

if TYPE_CHECKING:
    from numpy.typing import NDArray

GAIN = 0.2
"""A tenth of 160 x 160 pixels, sorted by brightness, fix the slope to about 10 %."""

SPLIT = 0.05
"""Correlation of two halves of pure noise: 1 / sqrt(90,000) is 0.003."""


def image_of(
    rng: np.random.Generator, pixel_um: float, **camera: object
) -> tuple[NDArray[np.generic], NDArray[np.float32]]:
    """Return blobs under a microscope, and its PSF; 0.1 µm is Nyquist's pixel."""
    optics = FormationOptics(numerical_aperture=1.3, emission_nm=520, pixel_um=pixel_um)
    sharp = np.zeros((160, 160), np.float32)
    spots = rng.integers(20, 140, (60, 2))
    sharp[tuple(spots.T)] = rng.random(60)
    sharp[50:110, 50:110] += 0.02
    psf = point_spread_function(
        (31, 31),
        (pixel_um, pixel_um),
        numerical_aperture=1.3,
        immersion_index=1.515,
        emission_nm=520,
    )
    settings = FormationSettings(optics=optics, **{"background": 10, **camera})
    return form_image(sharp, settings, rng=rng), psf


@pytest.mark.parametrize("pixel_um", [0.05, 0.1, 0.13])
@pytest.mark.parametrize("gain", [0.05, 4.0])
def test_gain_and_offset_are_found(
    rng: np.random.Generator, pixel_um: float, gain: float
) -> None:
    image, psf = image_of(
        rng, pixel_um, photons=500, gain=gain, offset=100, read_noise=3
    )
    noise = estimate_noise(image, psf)
    assert noise.gain == pytest.approx(gain, rel=GAIN)
    # Of a pixel that shows the background: 10 photons and 3² of read noise.
    dark = noise.gain * (100 + 10 * gain + noise.shift)
    assert dark == pytest.approx(gain**2 * 19, rel=GAIN)


def test_image_cut_to_8_bits_is_no_exception(rng: np.random.Generator) -> None:
    image, psf = image_of(rng, 0.1, photons=500, gain=0.45, offset=5, bits=8)
    assert estimate_noise(image, psf).gain == pytest.approx(0.45, rel=GAIN)


def test_noise_that_is_the_same_everywhere_has_nearly_no_gain(
    rng: np.random.Generator,
) -> None:
    image, psf = image_of(rng, 0.1, photons=500, gain=1e-4)
    image = image + rng.normal(0, 2, image.shape)
    noise = estimate_noise(image, psf)
    for value in (0.0, float(image.max())):
        assert noise.gain * (value + noise.shift) == pytest.approx(4, rel=GAIN)


def test_constant_image_has_a_model(rng: np.random.Generator) -> None:
    _, psf = image_of(rng, 0.1)
    noise = estimate_noise(np.full((40, 40), 7.0), psf)
    first, second = noise.halves(np.full((40, 40), 7.0), rng)
    np.testing.assert_allclose(first, 7, atol=1e-3)
    np.testing.assert_allclose(second, 7, atol=1e-3)


def test_halves_are_independent_and_keep_the_mean(rng: np.random.Generator) -> None:
    noise = NoiseModel(gain=2.0, shift=2 * 4 - 100.0)  # read noise 2, offset 100
    photons = rng.poisson(20, (300, 300)) + rng.normal(0, 2, (300, 300))
    image = 100 + 2 * photons
    first, second = noise.halves(image, rng)
    assert first.mean() == pytest.approx(140, rel=0.01)
    assert (first + second) / 2 == pytest.approx(image, abs=1.01)  # rounded numbers
    assert abs(np.corrcoef(first.ravel(), second.ravel())[0, 1]) < SPLIT
    # Half the photons and half the read noise: twice the variance, gain² (20 + 4).
    assert first.var() == pytest.approx(2 * 4 * 24, rel=SPLIT)


def test_exposure_has_the_noise_of_the_model(rng: np.random.Generator) -> None:
    noise = NoiseModel(gain=2.0, shift=-92.0)
    image = noise.exposure(np.full((300, 300), 140.0), rng)
    assert image.mean() == pytest.approx(140, rel=0.01)
    assert image.var() == pytest.approx(2 * (140 - 92), rel=SPLIT)
