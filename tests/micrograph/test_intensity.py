"""Intensity scaling: percentiles by hand, exact inverse, bad images."""

from __future__ import annotations

import numpy as np
import pytest

from napari_gan_enhance.errors import InputError
from napari_gan_enhance.micrograph.intensity import (
    IntensityScaling,
    fit_intensity_scaling,
)

FLOAT32 = 2e-7
"""Two roundings to float32, relative to the span of the intensities."""


def test_percentiles_of_a_ramp():
    # Values 0..100: percentile p is p.
    scaling = fit_intensity_scaling(np.arange(101).reshape(1, 101), 3, 99)
    assert scaling == IntensityScaling(3.0, 99.0)
    np.testing.assert_allclose(scaling.forward(np.array([3, 51, 99])), [0, 0.5, 1])


@pytest.mark.parametrize(
    "dtype",
    [np.uint8, np.uint16, np.int16, np.int32, np.float16, np.float32, np.float64],
)
def test_inverse_gives_the_image_back(rng, dtype):
    image = (rng.random((30, 40)) * 200).astype(dtype)
    scaling = fit_intensity_scaling(image, 3, 99.8)
    back = scaling.inverse(scaling.forward(image))
    span = float(image.max()) - float(image.min())
    assert back.dtype == np.float32
    np.testing.assert_allclose(back, image, atol=FLOAT32 * span)


def test_large_offset_keeps_small_structure():
    # 16777217 is the first integer that float32 cannot hold.
    image = np.array([[2**24, 2**24 + 1, 2**24 + 2, 2**24 + 3]], np.int64)
    scaling = fit_intensity_scaling(image, 0, 100)
    np.testing.assert_allclose(
        scaling.forward(image)[0], [0, 1 / 3, 2 / 3, 1], rtol=1e-6
    )


def test_large_image_is_sampled(rng):
    class Huge:
        shape = (1, 2**17, 2**17)
        read = 0

        def __getitem__(self, window):
            shape = tuple(w.stop - w.start for w in window)
            self.read += int(np.prod(shape))
            return rng.random(shape, dtype=np.float32)

    image = Huge()
    scaling = fit_intensity_scaling(image, 10, 90)
    assert image.read <= 2**24
    assert scaling.low == pytest.approx(0.1, abs=1e-3)
    assert scaling.high == pytest.approx(0.9, abs=1e-3)


class Counted:
    """An array that remembers the largest read, and how much was read in all."""

    def __init__(self, pixels):
        self.pixels = pixels
        self.shape = pixels.shape
        self.largest = self.read = 0

    def __getitem__(self, window):
        block = self.pixels[window]
        self.largest = max(self.largest, block.size)
        self.read += block.size
        return block


def test_large_stack_is_sampled_in_all_its_planes():
    # A quarter of the planes is bright, so the 90th percentile is.
    stack = np.full((40, 1024, 1024), 10, np.uint8)
    stack[::4] = 200
    image = Counted(stack)
    assert fit_intensity_scaling(image, 3, 90) == IntensityScaling(10.0, 200.0)
    assert image.read <= 2**24
    assert image.largest == 256 * 256


class Cells:
    """16384 x 16384 pixels of which 1 % are bright, in fields of 512 x 512."""

    shape = (1, 2**14, 2**14)

    def __init__(self, seed):
        fields = np.random.default_rng(seed).permutation(1024) < 10
        self.fields = np.where(fields, 200, 10).astype(np.uint8).reshape(32, 32)

    def __getitem__(self, window):
        rows, columns = (np.arange(w.start, w.stop) for w in window[1:])
        # A background with contrast; without, all is read for the extremes.
        return self.fields[np.ix_(rows // 512, columns // 512)] + (columns % 2)


def test_cells_on_a_hundredth_of_a_large_image_are_rarely_missed():
    # 256 blocks miss them in 0.99^256 = 8 % of the layouts, 64 blocks in 53 %.
    found = [fit_intensity_scaling(Cells(seed), 3, 99.8).high for seed in range(10)]
    assert sum(high >= 200 for high in found) >= 8


def test_long_stack_of_small_planes_is_not_read_at_once():
    image = Counted(np.arange(2**25, dtype=np.uint32).reshape(2**13, 64, 64))
    scaling = fit_intensity_scaling(image, 10, 90)
    assert image.largest == 64 * 64
    assert scaling.low == pytest.approx(0.1 * 2**25, rel=0.01)
    assert scaling.high == pytest.approx(0.9 * 2**25, rel=0.01)


def test_structure_that_no_sample_hits_is_found():
    stack = np.zeros((40, 1024, 1024), np.uint8)
    stack[17, 600, 3] = 9  # one of 160 blocks, of which 64 are looked at
    everywhere = [stack[np.roll(range(40), k)] for k in range(0, 40, 10)]
    for moved in everywhere:
        assert fit_intensity_scaling(moved, 3, 99.8) == IntensityScaling(0.0, 9.0)


def test_sparse_image_falls_back_to_its_extremes():
    image = np.zeros((100, 100))
    image[3, 4] = 7
    assert fit_intensity_scaling(image, 3, 99.8) == IntensityScaling(0.0, 7.0)


def test_constant_image_is_refused():
    with pytest.raises(InputError, match="All pixels have the value 5"):
        fit_intensity_scaling(np.full((8, 8), 5), 3, 99.8)


def test_empty_image_is_refused():
    with pytest.raises(InputError, match="holds no pixels"):
        fit_intensity_scaling(np.zeros((0, 8)), 3, 99.8)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_not_finite_image_is_refused(bad):
    image = np.arange(16.0).reshape(4, 4)
    image[1, 2] = bad
    with pytest.raises(InputError, match="NaN or infinite pixels"):
        fit_intensity_scaling(image, 3, 99.8)


def test_pixels_beyond_float32_are_refused():
    # Results are float32, whose largest number is 3.4e38.
    image = np.arange(16.0).reshape(4, 4)
    image[1, 2] = 1e39
    with pytest.raises(InputError, match="finite in float32"):
        fit_intensity_scaling(image, 3, 99.8)


def test_boolean_image_is_scaled_like_zeros_and_ones(rng):
    image = rng.random((32, 32)) > 0.5
    assert fit_intensity_scaling(image, 3, 99.8) == IntensityScaling(0.0, 1.0)
