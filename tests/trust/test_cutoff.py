"""The finest detail an image supports, and what of a result lies beyond it."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.fft import dctn, idctn
from scipy.ndimage import gaussian_filter

from napari_gan_enhance.metrics.frequencies import squared_frequencies
from napari_gan_enhance.optics.noise import NoiseModel
from napari_gan_enhance.trust.cutoff import Cutoff, measure_cutoff
from napari_gan_enhance.trust.operator import TrustOperator
from napari_gan_enhance.trust.plane import PlaneFit

QUIET = NoiseModel(1e-6, 1.0)

SIDE = 256

RING = 2 / 64
"""Two rings of frequencies: the crossing is looked for between rings."""


def texture(rng, low, high):
    """White noise between two frequencies, variance 1."""
    radius = np.sqrt(squared_frequencies((SIDE, SIDE)))
    noise = rng.normal(size=(SIDE, SIDE)) * ((radius > low) & (radius < high))
    image = idctn(noise, norm="ortho")
    return image / image.std()


def fit_of(cutoff, noise=QUIET):
    blurs = ((0.0, 1.0),)
    limit = Cutoff(cutoff, "optics")
    return PlaneFit(0.0, 100.0, noise, limit, 3.0, blurs, 1.0, 0.0, 0.0)


def test_optics_limit_a_fine_quiet_image(rng):
    image = 100 + texture(rng, 0.01, 0.2)
    found = measure_cutoff(image, QUIET, 0.2)
    assert (found.frequency, found.limit) == (0.2, "optics")


def test_pixels_limit_where_they_are_coarse(rng):
    found = measure_cutoff(100 + texture(rng, 0.01, 0.6), QUIET, 0.9)
    assert (found.frequency, found.limit) == (0.5, "pixels")


@pytest.mark.parametrize("optical", [None, 0.45])
def test_noise_limits_where_it_is_stronger_than_the_detail(rng, optical):
    """Variance 100 * 0.25 of noise, against nothing beyond 0.15."""
    image = 100 + 5 * texture(rng, 0.01, 0.15) + rng.normal(0, 5, (SIDE, SIDE))
    found = measure_cutoff(image, NoiseModel(0.25, 0.0), optical)
    assert found.limit == "noise"
    assert found.frequency == pytest.approx(0.15, abs=RING)


def test_invented_texture_beyond_the_cutoff_is_caught(rng):
    """By energy: at least 99 % of it is taken for beyond, next to none from below."""
    cutoff = Cutoff(0.2, "optics")
    kept = cutoff.supported(squared_frequencies((SIDE, SIDE)))

    def energy_beyond(image):
        return (idctn((1 - kept) * dctn(image, norm="ortho"), norm="ortho") ** 2).mean()

    assert energy_beyond(texture(rng, 0.21, 0.7)) >= 0.99
    assert energy_beyond(texture(rng, 0.01, 0.19)) <= 0.01


def test_map_shows_where_texture_was_invented(rng):
    """In the left half, at a tenth of the contrast of what is true."""
    true = 50 + 10 * texture(rng, 0.01, 0.15)
    invented = texture(rng, 0.25, 0.6) * (np.arange(SIDE) < SIDE // 2)
    maps = TrustOperator(fit_of(0.2))(np.stack([true, true + invented]))
    marked = maps[1] > np.quantile(maps[1][:, SIDE // 2 + 16 :], 0.99)
    assert marked[:, : SIDE // 2 - 16].mean() >= 0.99


def test_map_sees_a_five_percent_checkerboard(rng):
    true = 50 + 10 * texture(rng, 0.01, 0.15)
    board = 5 * (-1.0) ** np.indices(true.shape).sum(0)
    operator = TrustOperator(fit_of(0.2))
    clean, tiled = (operator(np.stack([true, r]))[1] for r in (true, true + board))
    assert clean.max() < 0.01
    local = (true - gaussian_filter(true, 3.0)).var()  # 3 pixels wide is the PSF
    assert np.median(tiled) == pytest.approx(25 / (25 + local), abs=0.05)
