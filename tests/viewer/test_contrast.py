"""Limits of layers where the viewer stands, against percentiles of known planes."""

from __future__ import annotations

import dask.array as da
import numpy as np
import pytest
from napari.components import ViewerModel

from napari_gan_enhance.viewer.alignment import Overlay
from napari_gan_enhance.viewer.contrast import (
    ContrastMatch,
    matched_limits,
    overlay_limits,
)


@pytest.fixture
def viewer() -> ViewerModel:
    return ViewerModel()


def ramps() -> np.ndarray:
    """Four planes of the values 0 to 99, each brighter by 1000 than the last."""
    return np.arange(100.0).reshape(10, 10) + 1000 * np.arange(4.0).reshape(4, 1, 1)


@pytest.mark.parametrize("lazy", [False, True])
def test_limits_are_those_of_the_plane_on_screen(
    viewer: ViewerModel, lazy: bool
) -> None:
    pixels = da.from_array(ramps()) if lazy else ramps()
    layer = viewer.add_image(pixels, scale=(3, 1, 1), contrast_limits=(0, 3099))
    # Planes of it are thinner: the viewer's steps are no longer those of the layer.
    viewer.add_image(np.zeros((10, 10, 10)))
    viewer.dims.set_point(0, 6)
    low, high = np.percentile(np.arange(2000, 2100), (25, 99.7))
    assert overlay_limits(viewer, layer) == pytest.approx((low, high))


def test_lazy_result_is_matched_on_the_plane_on_screen(viewer: ViewerModel) -> None:
    source = viewer.add_image(ramps(), scale=(3, 1, 1), contrast_limits=(2010, 2079))
    result = viewer.add_image(da.from_array(2 * ramps()), scale=(3, 1, 1))
    viewer.add_image(np.zeros((10, 10, 10)))
    viewer.dims.set_point(0, 6)
    limits = matched_limits(viewer, source, result)
    assert limits == pytest.approx((4020, 4158), abs=2)


def test_result_is_matched_until_its_contrast_is_set(viewer: ViewerModel) -> None:
    """Noise goes down to 0 in the source, the background of the result is 50."""
    source = viewer.add_image(ramps()[0], contrast_limits=(0, 99))
    kept, changed = (
        viewer.add_image(50 + ramps()[0] / 2, contrast_limits=(0, 99)) for _ in "ab"
    )
    matches = [ContrastMatch(viewer, source) for _ in "ab"]
    changed.contrast_limits = (10, 20)  # while the run goes on
    for match, layer in zip(matches, (kept, changed), strict=True):
        match.apply(layer)
    assert kept.contrast_limits == pytest.approx([50, 99.5], abs=0.5)
    assert changed.contrast_limits == [10, 20]


def test_coarse_level_is_read_at_the_same_depth(viewer: ViewerModel) -> None:
    fine = np.repeat(ramps(), 2, axis=0).repeat(2, axis=1).repeat(2, axis=2)
    layer = viewer.add_image([fine, ramps()], multiscale=True)
    viewer.dims.set_point(0, 4)  # of 8, of which the coarse level has 4
    assert overlay_limits(viewer, layer)[0] == pytest.approx(2024.75)


def test_boolean_layers_have_limits(viewer: ViewerModel) -> None:
    mask = viewer.add_image(ramps()[0] >= 50)
    image = viewer.add_image(ramps()[0], contrast_limits=(40, 60))
    assert overlay_limits(viewer, mask) == (0, 1)
    assert matched_limits(viewer, image, mask) == (0, 1)
    Overlay(viewer, mask, image)
    assert (mask.colormap.name, image.colormap.name) == ("magenta", "green")


def test_overlay_of_pixels_that_cannot_be_read_changes_nothing(
    viewer: ViewerModel,
) -> None:
    is_lost = [False]

    def read(block: np.ndarray) -> np.ndarray:
        if is_lost[0]:
            raise OSError("the disk is gone")
        return block

    lazy = da.from_array(ramps()[0]).map_blocks(read, dtype=float)
    first = viewer.add_image(ramps()[0])
    second = viewer.add_image(lazy, contrast_limits=(0, 99))
    other = viewer.add_image(ramps()[0])
    is_lost[0] = True
    with pytest.raises(OSError, match="the disk is gone"):
        Overlay(viewer, first, second)
    assert other.visible
    assert (first.colormap.name, first.blending) == ("gray", "translucent_no_depth")


def test_pixels_that_are_not_numbers_do_not_darken_the_rest(
    viewer: ViewerModel,
) -> None:
    pixels = np.arange(10_000, dtype=np.float32).reshape(100, 100)
    result = viewer.add_image(pixels + 1)
    limits = []
    for source in (pixels, np.where(pixels % 2 == 0, np.nan, pixels)):
        layer = viewer.add_image(source, contrast_limits=(100, 9000))
        limits.append(matched_limits(viewer, layer, result))
    assert limits[1] == pytest.approx(limits[0], rel=0.01)  # half of the samples
