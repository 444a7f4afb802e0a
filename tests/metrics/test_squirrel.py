"""RSP and RSE: a sharp image against the blurred one it came from."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from napari_gan_enhance.errors import InputError
from napari_gan_enhance.metrics.squirrel import fit_squirrel

FOUND = 1e-3
"""The three decimals in which the vectors are given; SciPy cuts its Gaussian at four
standard deviations, where 6e-5 is left."""


def spots(rng: np.random.Generator) -> np.ndarray:
    image = np.zeros((256, 256))
    image[tuple(rng.integers(0, 256, (2, 200)))] = 100.0
    return gaussian_filter(image, 1.0)


@pytest.mark.parametrize(
    ("sigma", "scale", "offset"), [(2.0, 3.0, 10.0), (4.0, 0.5, 100.0)]
)
def test_known_blur_scale_and_offset_are_found(rng, sigma, scale, offset):
    sharp = spots(rng)
    blurred = scale * gaussian_filter(sharp, sigma) + offset
    fit = fit_squirrel(sharp, blurred)
    assert fit.sigma_px == pytest.approx(sigma, abs=FOUND)
    assert fit.scale == pytest.approx(scale, rel=FOUND)
    assert fit.offset == pytest.approx(offset, rel=FOUND)
    assert fit.rse < FOUND * blurred.std()
    assert fit.rsp == pytest.approx(1, abs=5e-7)  # 1.000000


def test_invented_spot_has_the_largest_error(rng):
    sharp = spots(rng)
    blurred = 3 * gaussian_filter(sharp, 2.0) + 10
    empty = np.argwhere(gaussian_filter(sharp, 8.0)[20:-20, 20:-20] < 0.05)
    y, x = empty[len(empty) // 2] + 20
    invented = np.zeros_like(sharp)
    invented[y, x] = 100.0
    fit = fit_squirrel(sharp + gaussian_filter(invented, 1.0), blurred)
    assert np.unravel_index(fit.error_map.argmax(), sharp.shape) == (y, x)


def test_fine_checkerboard_is_invisible(rng):
    sharp = spots(rng)
    blurred = 3 * gaussian_filter(sharp, 2.0) + 10
    board = 0.05 * sharp.max() * (-1.0) ** np.indices(sharp.shape).sum(0)
    fit = fit_squirrel(sharp + board, blurred)
    assert fit.rsp == pytest.approx(1, abs=1e-6)
    assert fit.sigma_px == pytest.approx(2, abs=FOUND)


def test_rsp_and_rse_are_those_of_the_definitions(rng):
    sharp = spots(rng)
    blurred = 3 * gaussian_filter(sharp, 2.0) + rng.normal(10, 0.5, sharp.shape)
    fit = fit_squirrel(sharp, blurred)
    shown = fit.scale * gaussian_filter(sharp, fit.sigma_px) + fit.offset
    pearson = np.corrcoef(shown.ravel(), blurred.ravel())[0, 1]
    assert fit.rsp == pytest.approx(pearson, abs=FOUND)
    assert fit.rse == pytest.approx(np.sqrt(np.mean((shown - blurred) ** 2)), rel=FOUND)
    assert fit.rse == pytest.approx(0.5, rel=0.02)  # the noise; 65,000 pixels


@pytest.mark.parametrize(
    ("sharp", "blurred", "match"),
    [
        (np.eye(8), np.eye(9), "cannot be compared"),
        (np.ones((8, 8)), np.eye(8), "The result has no contrast"),
        (np.eye(8), np.ones((8, 8)), "The input has no contrast"),
        (np.full((8, 8), np.nan), np.eye(8), "NaN"),
    ],
)
def test_planes_that_cannot_be_compared_are_refused(sharp, blurred, match):
    with pytest.raises(InputError, match=match):
        fit_squirrel(sharp, blurred)
