"""Blurring by cosine and Fourier transforms against direct sums (scipy.ndimage)."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.ndimage import convolve, correlate

from napari_gan_enhance.optics.blur import (
    CosineBlur,
    FourierBlur,
    blur_for,
    cosine_grid,
    fourier_grid,
)
from napari_gan_enhance.tiling.operator import result_of

FLOAT32 = 2e-6  # of the largest value: one transform there and back

SHAPES = [
    ((16, 20), (5, 7)),
    ((61, 37), (5, 7)),
    ((6, 5, 9), (5, 3, 7)),
    ((3, 4), (9, 9)),
]


def random_psf(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    psf = rng.random(shape).astype(np.float32)
    return psf / psf.sum()


def symmetric(psf: np.ndarray) -> np.ndarray:
    for axis in range(psf.ndim):
        psf = (psf + np.flip(psf, axis)) / 2
    return psf


def both_ways(blur, image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    tensor = torch.from_numpy(image)
    forward = result_of(blur.forward(tensor)).clone()
    return forward.numpy(), result_of(blur.backward(tensor)).numpy()


@pytest.mark.parametrize(("shape", "size"), SHAPES)
def test_cosine_blur_equals_a_direct_sum(rng, shape, size) -> None:
    image, psf = rng.random(shape, np.float32), symmetric(random_psf(rng, size))
    blur = blur_for(psf, shape, "cpu", "reflect")
    assert isinstance(blur, CosineBlur)
    expected = convolve(image.astype(float), psf, mode="reflect")
    for result in both_ways(blur, image):
        np.testing.assert_allclose(result, expected, atol=FLOAT32)


@pytest.mark.parametrize(("shape", "size"), SHAPES)
@pytest.mark.parametrize(("boundary", "mode"), [("reflect",) * 2, ("periodic", "wrap")])
def test_fourier_blur_equals_a_direct_sum(rng, shape, size, boundary, mode) -> None:
    image, psf = rng.random(shape, np.float32), random_psf(rng, size)
    blur = blur_for(psf, shape, "cpu", boundary)
    assert isinstance(blur, FourierBlur)
    forward, backward = both_ways(blur, image)
    expected = convolve(image.astype(float), psf, mode=mode)
    np.testing.assert_allclose(forward, expected, atol=FLOAT32)
    expected = correlate(image.astype(float), psf, mode=mode)
    np.testing.assert_allclose(backward, expected, atol=FLOAT32)


def test_what_a_blur_returned_may_be_put_in_again(rng) -> None:
    """That is how the iteration saves a copy."""
    image, psf = rng.random((20, 30), np.float32), random_psf(rng, (5, 5))
    for kernel in (psf, symmetric(psf)):
        blur = blur_for(kernel, image.shape, "cpu", "reflect")
        blurred = result_of(blur.forward(torch.from_numpy(image)))
        result = result_of(blur.backward(blurred)).numpy()
        once = convolve(image.astype(float), kernel, mode="reflect")
        expected = correlate(once, kernel, mode="reflect")
        np.testing.assert_allclose(result, expected, atol=FLOAT32)


def test_image_that_is_put_in_is_not_changed(rng) -> None:
    image, psf = rng.random((20, 30), np.float32), random_psf(rng, (5, 5))
    before = image.copy()
    for kernel in (psf, symmetric(psf)):
        both_ways(blur_for(kernel, image.shape, "cpu", "reflect"), image)
        np.testing.assert_array_equal(image, before)


@pytest.mark.parametrize(
    ("size", "psf", "grid"),
    [
        (512, 31, 512),  # a fast size needs no padding
        (521, 31, 539),  # a prime does: 521 + 15 = 536 is not fast, 539 = 7 * 7 * 11
        (127, 127, 192),  # 127 + 63 = 190 is not fast, 192 is; still below 127 * 2.3
        (31, 63, 31),  # 31 * 1.3 = 41, padded it would be 63
    ],
)
def test_cosine_sizes(size: int, psf: int, grid: int) -> None:
    assert cosine_grid((size,), (psf,)) == (grid,)


def test_fourier_sizes_are_fast_and_hold_the_margins() -> None:
    assert fourier_grid((64, 512, 512), (17, 31, 31), "reflect") == (80, 550, 576)
    assert fourier_grid((61, 47), (17, 31), "periodic") == (61, 47)
