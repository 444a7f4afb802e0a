"""The visible part of a layer, worked out by hand for known cameras."""

from __future__ import annotations

import numpy as np
import pytest
from napari.components import ViewerModel

from napari_gan_enhance.errors import InputError
from napari_gan_enhance.viewer.viewport import (
    camera_of,
    fit_layer,
    is_all_on_screen,
    is_in_view,
    region_in_view,
    shown_index,
    view_events,
    visible_box,
)

CANVAS = (100, 200)
"""Height and width of the canvas in screen pixels."""


@pytest.fixture
def viewer() -> ViewerModel:
    viewer = ViewerModel()
    viewer.canvas.size = CANVAS
    return viewer


def look(viewer: ViewerModel, center: tuple[float, float], zoom: float) -> None:
    camera_of(viewer).center = center
    camera_of(viewer).zoom = zoom


def test_box_is_the_canvas_around_the_center(viewer: ViewerModel) -> None:
    layer = viewer.add_image(np.zeros((500, 600), np.uint8))
    look(viewer, (250, 300), 2)
    # 100 x 200 screen pixels at zoom 2 are 50 x 100 pixels: 225 to 275, 250 to 350.
    box = visible_box(viewer, layer, "YX")
    assert box == {"Y": slice(225, 276), "X": slice(250, 351)}


def test_pixel_is_visible_where_any_of_it_is(viewer: ViewerModel) -> None:
    layer = viewer.add_image(np.zeros((500, 600), np.uint8))
    look(viewer, (250.8, 300.4), 2)
    # 225.8 lies in pixel 226, which reaches from 225.5 to 226.5.
    box = visible_box(viewer, layer, "YX")
    assert box == {"Y": slice(226, 277), "X": slice(250, 351)}


@pytest.mark.parametrize(
    ("z", "rows", "expected"),
    [
        (2, slice(270, 300), True),
        (2, slice(276, 300), False),
        (2, slice(0, 225), False),
        (3, slice(270, 300), False),
    ],
)
def test_region_is_in_view_where_a_pixel_is(
    viewer: ViewerModel, z: int, rows: slice, expected: bool
) -> None:
    layer = viewer.add_image(np.zeros((5, 500, 600), np.uint8))
    viewer.dims.set_current_step(0, 2)
    look(viewer, (250, 300), 2)  # rows 225 to 275
    region = {"Z": slice(z, z + 1), "Y": rows}
    assert is_in_view(viewer, layer, "ZYX", region) is expected


def test_box_follows_scale_and_translation(viewer: ViewerModel) -> None:
    layer = viewer.add_image(
        np.zeros((500, 600), np.uint8), scale=(0.5, 0.25), translate=(10, 20)
    )
    look(viewer, (60, 45), 10)
    # 10 x 20 world units around (60, 45): rows (55..65 - 10) / 0.5 = 90..110, columns
    # (35..55 - 20) / 0.25 = 60..140.
    box = visible_box(viewer, layer, "YX")
    assert box == {"Y": slice(90, 111), "X": slice(60, 141)}


@pytest.mark.parametrize(("unit", "pixel"), [("um", 0.1), ("nm", 100)])
def test_box_follows_the_unit_of_the_layer(
    viewer: ViewerModel, unit: str, pixel: float
) -> None:
    """The world is counted in the smallest unit of all layers, here nm."""
    viewer.add_image(np.zeros((5, 9, 9)), units="nm")
    layer = viewer.add_image(
        np.zeros((7, 500, 600), np.uint8), scale=(3 * pixel, pixel, pixel), units=unit
    )
    viewer.dims.set_point(0, 1200)
    look(viewer, (25_000, 30_000), 0.02)
    # 100 x 200 screen pixels at 50 nm are 50 x 100 pixels of 100 nm around (250, 300).
    assert visible_box(viewer, layer, "ZYX") == {
        "Z": slice(4, 5),
        "Y": slice(225, 276),
        "X": slice(250, 351),
    }
    assert region_in_view(viewer, layer, "ZYX") == visible_box(viewer, layer, "ZYX")
    assert shown_index(viewer, layer)[0] == 4


def test_box_is_cut_at_the_layer(viewer: ViewerModel) -> None:
    layer = viewer.add_image(np.zeros((40, 60), np.uint8))
    look(viewer, (0, 60), 2)
    box = visible_box(viewer, layer, "YX")
    assert box == {"Y": slice(0, 26), "X": slice(10, 60)}


def test_other_axes_stand_where_the_sliders_are(viewer: ViewerModel) -> None:
    layer = viewer.add_image(np.zeros((5, 7, 40, 60), np.uint8), scale=(1, 2, 1, 1))
    viewer.dims.set_current_step(0, 3)
    viewer.dims.set_current_step(1, 4)
    box = visible_box(viewer, layer, "TZYX")
    assert (box["T"], box["Z"]) == (slice(3, 4), slice(4, 5))


def test_layer_with_fewer_axes_aligns_at_the_last(viewer: ViewerModel) -> None:
    viewer.add_image(np.zeros((5, 40, 60), np.uint8))
    layer = viewer.add_image(np.zeros((40, 60), np.uint8))
    look(viewer, (20, 30), 10)
    box = visible_box(viewer, layer, "YX")
    assert box == {"Y": slice(15, 26), "X": slice(20, 41)}


def test_rgb_samples_are_no_axis_of_the_view(viewer: ViewerModel) -> None:
    layer = viewer.add_image(np.zeros((40, 60, 3), np.uint8))
    assert set(visible_box(viewer, layer, "YXS")) == {"Y", "X"}


def test_multiscale_box_is_in_pixels_of_the_full_resolution(
    viewer: ViewerModel,
) -> None:
    levels = [np.zeros((512, 512), np.uint8), np.zeros((128, 128), np.uint8)]
    layer = viewer.add_image(levels, multiscale=True)
    look(viewer, (250, 300), 2)
    box = visible_box(viewer, layer, "YX")
    assert box == {"Y": slice(225, 276), "X": slice(250, 351)}


def test_volume_is_visible_whole_in_3d(viewer: ViewerModel) -> None:
    layer = viewer.add_image(np.zeros((3, 5, 40, 60), np.uint8))
    viewer.dims.ndisplay = 3
    viewer.dims.set_current_step(0, 2)
    assert visible_box(viewer, layer, "TZYX") == {
        "T": slice(2, 3),
        "Z": slice(0, 5),
        "Y": slice(0, 40),
        "X": slice(0, 60),
    }


def test_grid_shows_each_layer_in_its_own_cell(viewer: ViewerModel) -> None:
    layer = viewer.add_image(np.zeros((500, 600), np.uint8))
    viewer.add_image(np.zeros((500, 600), np.uint8))
    viewer.canvas.grid.shape, viewer.canvas.grid.enabled = (1, 2), True
    look(viewer, (250, 300), 2)
    # Two cells of 100 x 100 screen pixels.
    box = visible_box(viewer, layer, "YX")
    assert box == {"Y": slice(225, 276), "X": slice(275, 326)}


def test_region_outside_the_screen_is_refused(viewer: ViewerModel) -> None:
    layer = viewer.add_image(np.zeros((40, 60), np.uint8), name="cells")
    look(viewer, (500, 500), 10)
    with pytest.raises(InputError, match="No part of layer 'cells' is on screen"):
        region_in_view(viewer, layer, "YX")


@pytest.mark.parametrize(("zoom", "expected"), [(1, True), (3, False)])
def test_all_on_screen(viewer: ViewerModel, zoom: float, expected: bool) -> None:
    layer = viewer.add_image(np.zeros((40, 60), np.uint8))
    look(viewer, (20, 30), zoom)
    assert is_all_on_screen(viewer, layer) is expected


def test_moving_the_view_is_heard(viewer: ViewerModel) -> None:
    viewer.add_image(np.zeros((5, 40, 60), np.uint8))
    heard: list[str] = []
    for event in view_events(viewer):
        event.connect(lambda e: heard.append(e.type))
    look(viewer, (1, 2), 3)
    viewer.dims.set_current_step(0, 4)
    assert {"center", "zoom", "current_step"} <= set(heard)


@pytest.mark.parametrize("others", [(100, 100), (5, 100, 100), (2, 5, 100, 100)])
def test_a_plane_is_fitted_beside_any_layer(
    viewer: ViewerModel, others: tuple[int, ...]
) -> None:
    viewer.add_image(np.zeros(others, np.uint8))
    layer = viewer.add_image(
        np.zeros((51, 41), np.uint8), scale=(0.2, 0.2), translate=(0, 100)
    )
    fit_layer(viewer, layer)
    # From 0 to 10 and from 100 to 108; 10 by 8 in 100 x 200 screen pixels, 5 % spare.
    assert camera_of(viewer).center[-2:] == pytest.approx((5, 104))
    assert camera_of(viewer).zoom == pytest.approx(9.5)
    assert is_all_on_screen(viewer, layer)


def test_a_layer_in_other_units_is_fitted(viewer: ViewerModel) -> None:
    viewer.add_image(np.zeros((9, 9)), units="nm")
    layer = viewer.add_image(np.zeros((51, 41), np.uint8), scale=(0.2, 0.2), units="um")
    fit_layer(viewer, layer)
    # 10 by 8 µm in a world of nm
    assert camera_of(viewer).center[-2:] == pytest.approx((5000, 4000))
    assert camera_of(viewer).zoom == pytest.approx(0.0095)
