"""Images that are turned against each other are compared where both are."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter, rotate

from napari_gan_enhance.errors import InputError
from napari_gan_enhance.micrograph.micrograph import Micrograph
from napari_gan_enhance.registration.overlap import world_overlap

PIXEL_UM = 0.1

SPLINE = 0.02  # of the range: two interpolations of detail 12 px wide


def turn(degrees: float, side: int) -> np.ndarray:
    """Return the matrix that turns an image about its center, in µm; Z is one plane."""
    angle, middle = np.deg2rad(degrees), (side - 1) / 2 * PIXEL_UM
    matrix = np.eye(4)
    cos, sin = np.cos(angle), np.sin(angle)
    matrix[1:3, 1:3] = [[cos, -sin], [sin, cos]]
    center = np.array([middle, middle])
    matrix[1:3, 3] = center - matrix[1:3, 1:3] @ center
    return matrix @ np.diag([1, PIXEL_UM, PIXEL_UM, 1])


def test_turned_image_is_turned_back_within_what_it_covers(rng) -> None:
    side, degrees = 101, 20
    truth = gaussian_filter(rng.standard_normal((side, side)), 5)
    truth /= np.ptp(truth)
    turned = rotate(truth, degrees, reshape=False, mode="nearest")
    pair = Micrograph(turned, "YX"), Micrograph(truth, "YX")
    grid = np.diag([1, PIXEL_UM, PIXEL_UM, 1])
    overlap = world_overlap(*pair, (turn(-degrees, side), grid))
    assert not overlap.is_exact
    found = overlap.result_plane(pair[0], {})
    expected = overlap.reference_plane(pair[1], {})
    np.testing.assert_allclose(found, expected, atol=SPLINE)
    # The largest centered square inside a square turned by t: 1 / (cos t + sin t).
    angle = np.deg2rad(degrees)
    largest = side / (np.cos(angle) + np.sin(angle))
    assert overlap.size("Y") == pytest.approx(largest, abs=2)
    assert overlap.size("X") == pytest.approx(largest, abs=2)


def test_flipped_image_is_flipped_back(rng) -> None:
    truth = rng.random((20, 30))
    pair = Micrograph(truth[:, ::-1], "YX"), Micrograph(truth, "YX")
    flip = np.diag([1.0, 1, -1, 1])
    flip[2, 3] = 29
    overlap = world_overlap(*pair, (flip, np.eye(4)))
    np.testing.assert_allclose(overlap.result_plane(pair[0], {}), truth, atol=1e-5)


def test_shifted_image_is_cut_without_interpolation(rng) -> None:
    """Both turned alike: only what lies between them counts."""
    world = rng.random((30, 30))
    result, reference = world[7:25, 7:25], world[:20, :20]
    pair = Micrograph(result, "YX"), Micrograph(reference, "YX")
    shift = np.eye(4)
    shift[1:3, 3] = 7
    both = turn(33, 30)
    overlap = world_overlap(*pair, (both @ shift, both))
    assert overlap.is_exact
    assert overlap.region["Y"] == slice(7, 20)
    np.testing.assert_array_equal(overlap.result_plane(pair[0], {}), world[7:20, 7:20])


def test_what_cannot_be_compared_is_refused(rng) -> None:
    plane = Micrograph(rng.random((20, 20)), "YX")
    far = turn(45, 20)
    far[1, 3] += 100
    with pytest.raises(InputError, match="do not overlap where they lie"):
        world_overlap(plane, plane, (far, np.eye(4)))
    stack = Micrograph(rng.random((5, 20, 20)), "ZYX")
    tilted = np.eye(4)
    tilted[0, 1] = 0.3
    with pytest.raises(InputError, match="tilted or upside down"):
        world_overlap(stack, stack, (tilted, np.eye(4)))
