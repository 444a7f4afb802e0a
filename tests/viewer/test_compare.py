"""Side by side in the grid, and back to how it was."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from napari.components import ViewerModel
from napari.experimental import link_layers
from napari.layers import Image

from napari_gan_enhance.viewer.blink import Blink
from napari_gan_enhance.viewer.compare import Comparison
from napari_gan_enhance.viewer.contrast import matched_limits
from napari_gan_enhance.viewer.viewport import camera_of, grid_of

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture
def viewer() -> ViewerModel:
    viewer = ViewerModel()
    viewer.canvas.size = (300, 900)
    for name in ("other", "source", "enhanced", "deconvolved"):
        viewer.add_image(np.zeros((100, 100)), name=name, contrast_limits=(0, 10))
    viewer.layers["deconvolved"].visible = False
    viewer.layers["source"].contrast_limits = (2, 5)
    return viewer


@pytest.fixture
def compared(viewer: ViewerModel) -> list[Image]:
    return [viewer.layers[n] for n in ("source", "enhanced", "deconvolved")]


def state(viewer: ViewerModel) -> tuple[object, ...]:
    grid, camera = grid_of(viewer), camera_of(viewer)
    return (
        grid.enabled,
        grid.shape,
        grid.stride,
        grid.spacing,
        tuple(camera.center),
        camera.zoom,
        [layer.visible for layer in viewer.layers],
        [layer.name_overlay.visible for layer in viewer.layers],
    )


def test_layers_stand_in_one_row_and_others_are_hidden(
    viewer: ViewerModel, compared: list[Image]
) -> None:
    Comparison(viewer, compared)
    grid = grid_of(viewer)
    places = [grid.position(i, viewer.layers) for i in range(4)]
    assert places == [(-1, -1), (0, 0), (0, 1), (0, 2)]
    assert [layer.visible for layer in viewer.layers] == [False, True, True, True]


def test_source_is_on_the_left_even_if_it_is_the_highest_layer(
    viewer: ViewerModel, compared: list[Image]
) -> None:
    viewer.layers.move(viewer.layers.index("source"), 4)
    Comparison(viewer, compared)
    index = viewer.layers.index("source")
    assert grid_of(viewer).position(index, viewer.layers) == (0, 0)


def test_gamma_is_linked_until_the_end(
    viewer: ViewerModel, compared: list[Image]
) -> None:
    comparison = Comparison(viewer, compared)
    compared[1].gamma = 0.5
    assert compared[0].gamma == 0.5
    comparison.end()
    compared[1].gamma = 2
    assert compared[0].gamma == 0.5


def test_links_that_people_made_outlive_it(
    viewer: ViewerModel, compared: list[Image]
) -> None:
    source, enhanced, deconvolved = compared
    link_layers([source, enhanced], ("gamma",))
    Comparison(viewer, compared).end()
    source.gamma = 0.5
    assert enhanced.gamma == 0.5
    assert deconvolved.gamma == 1


def test_matched_limits_show_as_much_black_and_white() -> None:
    # 0 to 99 shown from 10 to 79: a tenth is black, a fifth white
    source = Image(np.arange(100.0).reshape(10, 10), contrast_limits=(10, 79))
    result = Image(np.arange(100.0).reshape(10, 10) ** 2)
    low, high = matched_limits(ViewerModel(), source, result)
    shown = result.data
    assert np.mean(shown < low) == pytest.approx(0.10, abs=0.01)
    assert np.mean(shown <= high) == pytest.approx(0.80, abs=0.01)


def test_rare_undershoots_leave_the_background_black() -> None:
    pixels = np.full((100, 100), 5.0)
    pixels[:, 50:] = 100
    source = Image(pixels, contrast_limits=(5, 100))
    result = pixels.copy()
    result[0, :10] = -40
    assert matched_limits(ViewerModel(), source, Image(result)) == (5, 100)


def test_dim_plane_of_a_bright_stack_stays_dim() -> None:
    pixels = np.stack([np.arange(100.0), 10 * np.arange(100.0)]).reshape(2, 10, 10)
    source = Image(pixels, contrast_limits=(0, 990))
    result = Image(2 * pixels)
    assert matched_limits(ViewerModel(), source, result)[1] == pytest.approx(1980)


def test_matched_limits_of_an_empty_result_are_the_source_s() -> None:
    source = Image(np.arange(100.0).reshape(10, 10), contrast_limits=(10, 79))
    result = Image(np.zeros((3, 5, 5)))
    assert matched_limits(ViewerModel(), source, result) == (10, 79)


def test_end_brings_everything_back(viewer: ViewerModel, compared: list[Image]) -> None:
    camera_of(viewer).zoom = 7.0
    before = state(viewer)
    comparison = Comparison(viewer, compared)
    assert state(viewer) != before
    comparison.end()
    assert state(viewer) == before


@pytest.mark.parametrize("compare", [Comparison, lambda v, x: Blink(v, *x)])
def test_names_are_written_as_before_at_the_end(
    viewer: ViewerModel, compared: list[Image], compare: Callable[..., Any]
) -> None:
    pair = compared[:2]
    name = pair[0].name_overlay
    name.visible, name.position, name.font_size = True, "bottom_right", 20
    comparison = compare(viewer, pair)
    assert [layer.name_overlay.visible for layer in pair] == [True, True]
    comparison.end()
    assert (name.visible, name.position, name.font_size) == (True, "bottom_right", 20)
    assert not pair[1].name_overlay.visible


def test_end_copes_with_deleted_layers(
    viewer: ViewerModel, compared: list[Image]
) -> None:
    comparison = Comparison(viewer, compared)
    viewer.layers.remove("enhanced")
    comparison.end()
    assert not grid_of(viewer).enabled
    assert viewer.layers["other"].visible


def test_zoomed_view_keeps_its_width(
    viewer: ViewerModel, compared: list[Image]
) -> None:
    camera_of(viewer).center, camera_of(viewer).zoom = (50, 50), 30.0
    Comparison(viewer, compared)
    # A third of the canvas for each: the same 30 pixels across at a third of the zoom.
    assert camera_of(viewer).zoom == pytest.approx(10.0)
    assert tuple(camera_of(viewer).center)[-2:] == (50, 50)


def test_whole_image_is_fitted_into_its_cell(
    viewer: ViewerModel, compared: list[Image]
) -> None:
    viewer.reset_view()
    Comparison(viewer, compared)
    height, width = 300, 900 / 3
    assert 100 * camera_of(viewer).zoom <= min(height, width)
    assert 100 * camera_of(viewer).zoom > 0.8 * min(height, width)
