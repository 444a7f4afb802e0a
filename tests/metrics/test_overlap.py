"""Planes of two grids meet where the world says."""

from __future__ import annotations

import numpy as np
import pytest
from skimage.transform import resize

from napari_gan_enhance.errors import InputError
from napari_gan_enhance.metrics.overlap import (
    Extent,
    extent_of,
    find_overlap,
    same_field,
    same_grid,
)
from napari_gan_enhance.micrograph.micrograph import Micrograph, VoxelSize

ROUNDING = 1e-12  # float64


def placed(array, pixel_um=1.0, corner_um=0.0, axes="YX"):
    extent = Extent((pixel_um,) * 3, (corner_um,) * 3)
    return Micrograph(array, axes), extent


def planes(first, second, place=None):
    """Return result and reference of an overlap of two placed micrographs."""
    (result, where), (reference, other) = first, second
    overlap = find_overlap(result, reference, (where, other))
    at = place or {}
    return overlap.result_plane(result, at), overlap.reference_plane(reference, at)


def test_whole_pixel_shift_is_a_crop_without_interpolation(rng) -> None:
    world = rng.integers(0, 9, (30, 30), dtype=np.uint8)
    first = placed(world[7:25, 7:25], 0.1, 0.7)
    result, reference = planes(first, placed(world[:20, :20], 0.1))
    np.testing.assert_array_equal(result, world[7:20, 7:20])
    np.testing.assert_array_equal(reference, world[7:20, 7:20])
    assert result.dtype == np.uint8


def test_half_pixel_shift_is_the_mean_of_two_pixels(rng) -> None:
    world = rng.random((12, 12))
    result, reference = planes(placed(world, 1, 0.5), placed(np.zeros((12, 12))))
    # Pixel i of the reference lies between pixels i - 1 and i of the result.
    rows = (world[:-1] + world[1:]) / 2
    expected = (rows[:, :-1] + rows[:, 1:]) / 2
    assert reference.shape == result.shape == (12, 12)
    np.testing.assert_allclose(result[1:, 1:], expected, rtol=ROUNDING)


@pytest.mark.parametrize("factor", [0.5, 2, 3], ids=["coarser", "twice", "thrice"])
def test_ramp_stays_a_ramp_at_any_pixel_size(factor) -> None:
    """Linear interpolation and symmetric means are exact on a ramp in the world."""
    n = int(24 * factor)
    size = 1 / factor
    ramp = np.tile((np.arange(n) + 0.5) * size, (n, 1))
    result, reference = planes(placed(ramp, size), placed(np.zeros((24, 24))))
    inner = slice(3, -3)
    assert reference.shape == (24, 24)
    np.testing.assert_allclose(
        result[inner, inner], np.tile(np.arange(24) + 0.5, (24, 1))[inner, inner]
    )


def test_finer_result_is_averaged_not_sampled(rng) -> None:
    """Noise on pixels four times finer falls as the triangle of 8 pixels says."""
    noise = rng.normal(0, 1, (400, 400))
    result, _ = planes(placed(noise, 0.25), placed(np.zeros((100, 100))))
    taps = 1 - np.abs(np.arange(-3.5, 4)) / 4
    taps /= taps.sum()
    expected = (taps**2).sum()  # of the deviation, along each of two axes
    assert result.std() == pytest.approx(expected, rel=0.05)


def test_same_field_needs_no_voxel_size_and_agrees_with_scikit_image(rng) -> None:
    small = rng.random((10, 15))
    pair = Micrograph(small, "YX"), Micrograph(np.zeros((20, 30)), "YX")
    found = same_field(*pair).result_plane(pair[0], {})
    np.testing.assert_allclose(found, resize(small, (20, 30), order=1, mode="edge"))


def test_planes_between_planes_are_interpolated(rng) -> None:
    stack = rng.random((5, 8, 8))
    result = Micrograph(stack, "ZYX"), Extent((0.5, 1, 1), (0.25, 0, 0))
    reference = Micrograph(np.zeros((3, 8, 8)), "ZYX"), Extent((1, 1, 1))
    overlap = find_overlap(result[0], reference[0], (result[1], reference[1]))
    # Plane 1 lies at 1.5 µm, the planes of the result at 0.5, 1.0, 1.5, ...
    plane = overlap.result_plane(result[0], {"Z": 1})
    expected = (stack[1] + 2 * stack[2] + stack[3]) / 4
    np.testing.assert_allclose(plane, expected, rtol=ROUNDING)


def test_order_of_axes_and_channels_are_kept(rng) -> None:
    pixels = rng.random((2, 3, 8, 9))
    moved = np.moveaxis(pixels, 0, -1)  # (Z, Y, X, C)
    pair = Micrograph(moved, "ZYXC"), Micrograph(pixels, "CZYX")
    overlap = same_grid(*pair)
    place = {"C": 1, "Z": 2}
    np.testing.assert_array_equal(overlap.result_plane(pair[0], place), pixels[1, 2])
    np.testing.assert_array_equal(overlap.reference_plane(pair[1], place), pixels[1, 2])


def test_extent_comes_from_the_voxel_size() -> None:
    image = Micrograph(np.zeros((4, 4)), "YX", VoxelSize(None, 0.2, 0.1))
    assert extent_of(image, (0, 1, 2)) == Extent((1.0, 0.2, 0.1), (0, 1, 2))


def test_what_does_not_meet_is_refused() -> None:
    near, far = placed(np.zeros((8, 8)), 0.5), placed(np.zeros((8, 8)), 0.5, 9)
    with pytest.raises(InputError, match="do not overlap on axis Y: they lie"):
        planes(far, near)
    with pytest.raises(InputError, match="does not say its voxel size"):
        extent_of(near[0])
    more = placed(np.zeros((2, 8, 8)), axes="CYX")
    with pytest.raises(InputError, match="same size on the axes T, C, S"):
        planes(more, near)
    with pytest.raises(InputError, match="every axis"):
        same_grid(Micrograph(np.zeros((8, 9)), "YX"), near[0])
