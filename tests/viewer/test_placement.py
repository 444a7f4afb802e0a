"""What is read of a layer where the viewer stands, by the numbers of its planes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from napari.components import ViewerModel

from napari_gan_enhance.errors import InputError
from napari_gan_enhance.viewer.alignment import show_depth
from napari_gan_enhance.viewer.metrics_layers import placed_layer
from napari_gan_enhance.viewer.placement import facing_views, view_of, whole_views

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari.layers import Image

MIXED = [("um", 1.0), ("nm", 1000.0)]
"""Units of a layer, and how many of them a micrometer is."""


@pytest.fixture
def viewer() -> ViewerModel:
    """A flat layer in nm, in which the world is counted then."""
    viewer = ViewerModel()
    viewer.add_image(np.zeros((64, 64)), scale=(100, 100), units="nm", name="flat")
    return viewer


def add_stack(viewer: ViewerModel, unit: str, size: float) -> Image:
    """Twelve planes, each of its own number, 0.3 µm apart."""
    planes = np.arange(12.0).reshape(12, 1, 1) * np.ones((12, 64, 64))
    scale = np.array([0.3, 0.1, 0.1]) * size
    return viewer.add_image(planes, scale=scale, units=unit, name="stack")


@pytest.mark.parametrize(("unit", "size"), MIXED)
def test_plane_on_screen_is_read(viewer: ViewerModel, unit: str, size: float) -> None:
    stack = add_stack(viewer, unit, size)
    viewer.dims.set_point(0, 1500)  # nm
    assert np.unique(view_of(viewer, stack, only_plane=True).read().pixels) == [5]
    facing = facing_views(viewer, [stack, viewer.layers["flat"]])
    assert np.unique(facing[0].read().pixels) == [5]
    assert placed_layer(viewer, stack).shown == {"Z": 5}


@pytest.mark.parametrize(("unit", "size"), MIXED)
def test_viewer_goes_to_the_depth_found(
    viewer: ViewerModel, unit: str, size: float
) -> None:
    stack = add_stack(viewer, unit, size)
    show_depth(viewer, viewer.layers["flat"], stack, 1.5)
    assert viewer.dims.point[0] == pytest.approx(1500)  # nm


def test_alpha_is_no_light() -> None:
    viewer = ViewerModel()
    colors = np.zeros((64, 64, 4), np.uint8)
    colors[..., 1], colors[..., 3] = 90, 255
    layer = viewer.add_image(colors, rgb=True)
    assert np.unique(view_of(viewer, layer).read().pixels) == [30]


@pytest.mark.parametrize("labels", ["xy", "yxz", "zxy", "xyc"])
def test_axes_in_another_order_are_refused(viewer: ViewerModel, labels: str) -> None:
    shape = [64 if label in "xy" else 3 for label in labels]
    other = viewer.add_image(
        np.zeros(shape), axis_labels=tuple(labels), name="other", rgb=False
    )
    with pytest.raises(InputError, match=rf"'other' has the axes {labels.upper()} "):
        facing_views(viewer, [other, viewer.layers["flat"]])


def test_channels_may_come_last(viewer: ViewerModel) -> None:
    pixels = np.arange(2.0) * np.ones((64, 64, 1))
    layer = viewer.add_image(pixels, axis_labels=("y", "x", "c"), rgb=False)
    assert np.unique(view_of(viewer, layer, channel=1).read().pixels) == [1]


@pytest.mark.parametrize("views", [facing_views, whole_views])
@pytest.mark.parametrize("is_first", [False, True])
def test_a_pixel_size_of_one_layer_alone_is_refused(
    viewer: ViewerModel, views: Callable[..., object], is_first: bool
) -> None:
    bare, sized = viewer.add_image(np.zeros((64, 64)), name="bare"), viewer.layers[0]
    layers = (sized, bare) if is_first else (bare, sized)
    with pytest.raises(
        InputError, match=r"'bare' has no pixel size, 'flat' has one .* of 'bare' first"
    ):
        views(viewer, layers)


@pytest.mark.parametrize("views", [facing_views, whole_views])
def test_two_layers_without_a_pixel_size_are_taken(
    views: Callable[..., object],
) -> None:
    viewer = ViewerModel()
    layers = [viewer.add_image(np.zeros((64, 64))) for _ in range(2)]
    views(viewer, layers)
