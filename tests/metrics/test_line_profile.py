"""Profiles of images whose values along a line are known."""

from __future__ import annotations

import math

import numpy as np
import pytest

from napari_gan_enhance.errors import InputError
from napari_gan_enhance.metrics.line_profile import (
    line_profile,
    peak_fwhm,
    profile_distance,
)
from napari_gan_enhance.micrograph.view import AxesView

EXACT = 1e-12  # linear interpolation of a linear image
FWHM_GRID = 0.01  # linear interpolation of a Gaussian of 3 px, relative


class Watched:
    """An array that remembers what was read."""

    def __init__(self, array: np.ndarray) -> None:
        self.array, self.shape, self.dtype = array, array.shape, array.dtype
        self.read: list[tuple[slice, ...]] = []

    def __getitem__(self, window: tuple[slice, ...]) -> np.ndarray:
        self.read.append(window)
        return self.array[window]


def ramp(shape: tuple[int, int] = (30, 40)) -> np.ndarray:
    y, x = np.indices(shape)
    return 2.0 * y + 3.0 * x


@pytest.mark.parametrize("width", [1, 2, 5])
@pytest.mark.parametrize(
    ("start", "stop"),
    [
        ((5.25, 6.5), (20.75, 30.125)),
        ((20, 30), (20, 10)),
        ((25.5, 7.5), (3, 7.5)),
        ((10.2, 10.3), (10.6, 10.4)),
    ],
)
def test_ramp_is_sampled_exactly(start, stop, width: int) -> None:
    values = line_profile(ramp(), start, stop, width)
    ends = [2 * y + 3 * x for y, x in (start, stop)]
    np.testing.assert_allclose(values, np.linspace(*ends, len(values)), rtol=EXACT)


def test_samples_are_at_most_a_pixel_apart() -> None:
    for stop in [(8, 6), (8, 6.5), (3.1, 2)]:
        values = line_profile(ramp(), (2, 2), stop)
        distance = profile_distance((2, 2), stop, len(values))
        assert distance[-1] == pytest.approx(math.dist((2, 2), stop))
        assert np.diff(distance).max() <= 1 + EXACT


def test_distance_in_micrometres_follows_anisotropic_pixels() -> None:
    distance = profile_distance((0, 0), (3, 4), 3, (0.2, 0.1))
    np.testing.assert_allclose(distance, np.hypot(0.6, 0.4) * np.array([0, 0.5, 1]))


def test_width_averages_across_the_line() -> None:
    plane = np.zeros((20, 20))
    plane[10] = 9
    assert line_profile(plane, (10, 2), (10, 18), 1) == pytest.approx(9)
    assert line_profile(plane, (10, 2), (10, 18), 3) == pytest.approx(3)
    diagonal = np.eye(20)
    middle = line_profile(diagonal, (4, 4), (14, 14), 1)[::5]
    assert middle[0] == middle[-1] == pytest.approx(1)


def test_only_the_bounding_box_is_read() -> None:
    plane = Watched(ramp((1100, 2100)))
    line_profile(plane, (1000.5, 2000.5), (1010, 1990), 3)
    (window,) = plane.read
    # 10 px of line, one for the width, one for interpolation on each side
    assert all(s.stop - s.start <= 10 + 2 + 3 for s in window)


def test_axes_view_is_read_like_an_array() -> None:
    stack = np.stack([ramp(), 2 * ramp()])
    view = AxesView(stack, "ZYX", "YX", {"Z": 1})
    values = line_profile(view, (5, 5), (15, 20))
    np.testing.assert_allclose(values, 2 * line_profile(ramp(), (5, 5), (15, 20)))


def test_outside_is_nan_and_the_border_is_not() -> None:
    values = line_profile(ramp(), (0, -3), (0, 4))
    np.testing.assert_array_equal(np.isnan(values), [True] * 3 + [False] * 5)
    values = line_profile(ramp(), (0, 36), (0, 43))
    np.testing.assert_array_equal(np.isnan(values), [False] * 4 + [True] * 4)
    assert np.isnan(line_profile(ramp(), (29.6, 0), (29.6, 39))).all()
    assert np.isfinite(line_profile(ramp(), (0, 0), (29, 39), 1)).all()
    assert np.isfinite(line_profile(ramp(), (29.4, 0), (29.4, 39))).all()
    assert np.isnan(line_profile(ramp(), (-9, -9), (-5, -3))).all()


def test_fwhm_of_a_gaussian_on_a_background() -> None:
    y, x = np.indices((61, 61)) - 30.0
    plane = 100 * np.exp(-(x**2 + y**2) / (2 * 3**2)) + 7
    start, stop = (12.0, 18.0), (48.0, 42.0)
    values = line_profile(plane, start, stop)
    distance = profile_distance(start, stop, len(values), (0.1, 0.1))
    expected = 0.1 * 3 * 2 * math.sqrt(2 * math.log(2))
    assert peak_fwhm(distance, values) == pytest.approx(expected, rel=FWHM_GRID)


def test_fwhm_is_that_of_the_highest_peak() -> None:
    values = np.array([0, 0, 5, 0, 0, 0, 4, 8, 4, 0, 0.0])
    assert peak_fwhm(np.arange(11.0), values) == pytest.approx(2)


@pytest.mark.parametrize(
    "values", [np.ones(5), np.arange(5.0), np.full(5, np.nan), np.array([9.0, 1, 0])]
)
def test_profile_without_a_whole_peak_has_no_fwhm(values: np.ndarray) -> None:
    assert math.isnan(peak_fwhm(np.arange(float(len(values))), values))


@pytest.mark.parametrize(
    ("stop", "width"), [((3, 3), 1), ((4, 4), 0), ((math.nan, 4), 1)]
)
def test_impossible_lines_are_refused(stop, width: int) -> None:
    with pytest.raises(InputError, match="two different ends"):
        line_profile(ramp(), (3, 3), stop, width)
