"""Profiles of images whose values along a line are known."""

from __future__ import annotations

import math

import numpy as np
import pytest

from napari_gan_enhance.errors import InputError
from napari_gan_enhance.metrics.line_profile import (
    ArrayPixels,
    line_profile,
    mean_and_error,
    path_length,
    sample,
    strand_offsets,
    walk,
)

EXACT = 1e-12
RAMP = 0.01
"""Of one pixel's step: the windowed sinc follows a ramp within 0.8 % of it."""

GAUSSIAN = 0.004
"""Of the peak: error of the windowed sinc between pixels of a Gaussian of 4 pixels."""


def ramp(shape: tuple[int, int] = (30, 40)) -> np.ndarray:
    y, x = np.indices(shape)
    return 2.0 * y + 3.0 * x


@pytest.mark.parametrize("width", [1, 2, 5])
@pytest.mark.parametrize(
    ("start", "stop"),
    [
        ((5.25, 6.5), (20.75, 30.125)),
        ((20, 30), (20, 10)),
        ((25.5, 7.5), (5, 7.5)),
        ((10.2, 10.3), (10.6, 10.4)),
    ],
)
def test_ramp_is_followed(start, stop, width: int) -> None:
    _, values = line_profile(ramp(), start, stop, width)
    ends = [2 * y + 3 * x for y, x in (start, stop)]
    np.testing.assert_allclose(values, np.linspace(*ends, len(values)), atol=5 * RAMP)


def test_pixels_are_met_exactly() -> None:
    plane = np.random.default_rng(1).random((9, 30))
    distance, values = line_profile(plane, (4, 3), (4, 23))
    assert distance[::3] == pytest.approx(np.arange(21))
    np.testing.assert_allclose(values[::3], plane[4, 3:24], rtol=EXACT)


def test_value_between_pixels_is_that_of_the_smooth_image() -> None:
    y, x = np.indices((41, 41)) - 20.0

    def gaussian(y, x):
        return np.exp(-(y**2 + x**2) / (2 * 1.7**2))

    points = np.random.default_rng(1).uniform(-6, 6, (500, 2))
    values = sample(ArrayPixels(gaussian(y, x)), points + 20)
    np.testing.assert_allclose(values, gaussian(*points.T), atol=GAUSSIAN)


def test_samples_are_a_third_of_a_pixel_apart_and_include_both_ends() -> None:
    distance, values = line_profile(ramp(), (2, 2), (8, 10))
    assert len(distance) == len(values) == 31
    assert (distance[0], distance[-1]) == (0, 10)


def test_width_averages_across_the_line() -> None:
    plane = np.zeros((20, 20))
    plane[10] = 9
    assert line_profile(plane, (10, 2), (10, 18), 1)[1] == pytest.approx(9)
    assert line_profile(plane, (10, 2), (10, 18), 3)[1] == pytest.approx(3)


def test_strands_are_a_pixel_apart_and_centered() -> None:
    assert strand_offsets(0, 0.1).tolist() == [0]
    assert strand_offsets(0.3, 0.1) == pytest.approx([-0.1, 0, 0.1])


def test_standard_error_is_that_of_the_mean() -> None:
    values = np.array([[1.0, 2, 3], [5, 5, 5], [1, 3, np.nan], [np.nan] * 3])
    mean, error = mean_and_error(values)
    np.testing.assert_allclose(mean, [2, 5, 2, np.nan])
    # s / sqrt(n): 1 / sqrt(3); 0; sqrt(2) / sqrt(2)
    np.testing.assert_allclose(error, [1 / math.sqrt(3), 0, 1, np.nan])
    assert np.isnan(mean_and_error(values[:, :1])[1]).all()


def test_outside_is_nan_and_the_border_is_not() -> None:
    distance, values = line_profile(ramp(), (0, -3), (0, 4))
    np.testing.assert_array_equal(np.isnan(values), distance < 2.5 - EXACT)
    assert np.isnan(line_profile(ramp(), (29.6, 0), (29.6, 39))[1]).all()
    assert np.isfinite(line_profile(ramp(), (0, 0), (29, 39))[1]).all()
    assert np.isfinite(line_profile(ramp(), (29.4, 0), (29.4, 39))[1]).all()
    assert np.isnan(line_profile(ramp(), (-9, -9), (-5, -3))[1]).all()


def test_polyline_is_walked_around_its_corner() -> None:
    vertices = np.array([[0.0, 0], [0, 3], [0, 3], [4, 3]])
    path = walk(vertices, 8)
    assert path_length(vertices) == 7
    assert path.points[[0, 2, 4, 7]].tolist() == [[0, 0], [0, 2], [1, 3], [4, 3]]
    # Across the first piece lies Y, across the second X.
    assert np.abs(path.normals[[1, 5]]).tolist() == [[1, 0], [0, 1]]


def test_rgb_is_the_mean_without_opacity() -> None:
    plane = np.zeros((8, 8, 4), np.uint8)
    plane[..., 0], plane[..., 3] = 90, 255
    points = np.array([[4.0, 4.0]])
    assert sample(ArrayPixels(plane), points) == pytest.approx([30])
    assert sample(ArrayPixels(plane, color=0), points) == pytest.approx([90])


@pytest.mark.parametrize("stop", [(3, 3), (math.nan, 4), (math.inf, 4)])
def test_impossible_lines_are_refused(stop) -> None:
    with pytest.raises(InputError, match="two different ends"):
        line_profile(ramp(), (3, 3), stop)
