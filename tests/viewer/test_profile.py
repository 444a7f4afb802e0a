"""Curves along a line, against images whose values along it are known."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import dask.array as da
import numpy as np
import pytest
import zarr
from napari.components import ViewerModel

from napari_gan_enhance.progress import drain
from napari_gan_enhance.viewer.profile import complete_curves, plans
from napari_gan_enhance.viewer.profile_crops import complete_crops
from napari_gan_enhance.viewer.profile_lines import lines
from napari_gan_enhance.viewer.profile_pixels import (
    PixelStore,
    load_missing,
    missing_count,
)
from napari_gan_enhance.viewer.profile_problems import curve_problem, viewer_problem

if TYPE_CHECKING:
    from napari_gan_enhance.metrics.line_profile_curve import Curve

RAMP = 0.01
"""Of a pixel's step: the windowed sinc follows a ramp within 0.8 % of it."""


def draw(viewer: ViewerModel, *vertices: tuple[float, ...]) -> None:
    kind = "line" if len(vertices) == 2 else "path"
    viewer.add_shapes([np.array(vertices)], shape_type=kind, name="Line profile")


def ramp(shape: tuple[int, int]) -> np.ndarray:
    """Return an image of its own column numbers."""
    return np.tile(np.arange(shape[1], dtype=np.float32), (shape[0], 1))


def planned(viewer: ViewerModel, store: PixelStore, width: float = 0.0):
    return plans(viewer, lines(viewer)[-1], width, store)


def curves(viewer: ViewerModel, *, width: float = 0.0) -> list[Curve]:
    store = PixelStore()
    found = drain(complete_curves(planned(viewer, store, width), store))
    return [curve for curve in found if curve.is_somewhere]


def test_ramp_is_sampled_in_micrometers() -> None:
    viewer = ViewerModel()
    viewer.add_image(ramp((20, 40)), scale=(0.5, 0.5), units="micrometer", name="a")
    draw(viewer, (5, 2), (5, 12))
    (curve,) = curves(viewer)
    assert (curve.name, curve.unit) == ("a", "µm")
    assert curve.distance[[0, -1]].tolist() == [0, 10]
    # Column = µm / 0.5.
    expected = 2 * (2 + curve.distance)
    np.testing.assert_allclose(curve.values, expected, atol=RAMP)


def test_units_of_layers_are_converted() -> None:
    viewer = ViewerModel()
    viewer.add_image(ramp((20, 40)), scale=(0.5, 0.5), units="micrometer", name="a")
    viewer.add_image(ramp((20, 40)), scale=(500, 500), units="nanometer", name="b")
    line = np.array([[2500.0, 2000.0], [2500.0, 12000.0]])
    viewer.add_shapes(
        [line], shape_type="line", name="Line profile", units=("nanometer",) * 2
    )
    one, two = curves(viewer)
    assert (one.distance[-1], one.unit) == (pytest.approx(10), "µm")
    # From column 4, two columns to a µm.
    np.testing.assert_allclose(one.values, 4 + 2 * one.distance, atol=RAMP)
    np.testing.assert_allclose(one.values, two.values, atol=RAMP)


@pytest.mark.parametrize("angle", [0, 30, 90, 200])
def test_rotated_layer_is_sampled_along_the_true_line(angle: float) -> None:
    """A ridge along X, turned with its layer, is crossed by a line that is not."""
    y, _ = np.indices((101, 101))
    ridge = np.exp(-((y - 50.0) ** 2) / (2 * 3.0**2))
    turn = math.radians(angle)
    matrix = np.array(
        [[math.cos(turn), -math.sin(turn)], [math.sin(turn), math.cos(turn)]]
    )
    affine = np.eye(3)
    affine[:2, :2], affine[:2, 2] = 0.1 * matrix, [7.0, -3.0]
    viewer = ViewerModel()
    viewer.add_image(ridge, affine=affine, units="micrometer")
    center, across = affine[:2, :2] @ (50, 50) + affine[:2, 2], matrix @ (1, 0)
    draw(viewer, center - 2 * across, center + 2 * across)
    (curve,) = curves(viewer)
    expected = np.exp(-((curve.distance - 2) ** 2) / (2 * 0.3**2))
    np.testing.assert_allclose(curve.values, expected, atol=2e-3)


def test_polyline_and_width_with_error() -> None:
    viewer = ViewerModel()
    viewer.add_image(ramp((40, 40)), scale=(0.5, 0.5), units="micrometer")
    draw(viewer, (5, 5), (5, 10), (15, 10))
    (curve,) = curves(viewer, width=1.5)
    assert curve.distance[-1] == pytest.approx(15)
    assert curve.strands == 3
    # Down the second piece the three strands lie on columns 19, 20, 21.
    below = curve.distance > 6
    np.testing.assert_allclose(curve.values[below], 20, atol=RAMP)
    np.testing.assert_allclose(curve.standard_error[below], 1 / math.sqrt(3), atol=RAMP)


def test_finer_layer_lies_on_the_coarser() -> None:
    viewer = ViewerModel()
    viewer.add_image(ramp((20, 40)), name="coarse")
    fine = np.repeat(np.repeat(ramp((20, 40)), 2, axis=0), 2, axis=1)
    viewer.add_image(fine, scale=(0.5, 0.5), translate=(-0.25, -0.25), name="fine")
    draw(viewer, (10, 5), (10, 30))
    coarse, fine_curve = curves(viewer)
    assert len(fine_curve.values) > len(coarse.values)
    at = np.interp(coarse.distance, fine_curve.distance, fine_curve.values)
    np.testing.assert_allclose(at, coarse.values, atol=0.6)  # half a step of the stairs


def test_colors_are_the_layers_own_or_of_a_palette() -> None:
    viewer = ViewerModel()
    for colormap in ("green", "gray", "gray", "magenta", "green"):
        viewer.add_image(ramp((8, 8)), colormap=colormap)
    draw(viewer, (4, 1), (4, 6))
    colors = [curve.color for curve in curves(viewer)]
    assert len(set(colors)) == 5
    assert colors[0] == "#40ff40"  # green, with some light in the other two
    assert colors[3] == "#ff40ff"


def test_hidden_layers_are_left_out() -> None:
    viewer = ViewerModel()
    viewer.add_image(ramp((8, 8)), visible=False)
    draw(viewer, (4, 1), (4, 6))
    assert curves(viewer) == []
    assert "No image is visible" in viewer_problem(viewer, lines(viewer)[0])


def test_layer_beside_the_line_is_left_out() -> None:
    viewer = ViewerModel()
    viewer.add_image(ramp((8, 8)), translate=(100, 100))
    draw(viewer, (4, 1), (4, 6))
    assert curves(viewer) == []
    assert "outside all visible images" in curve_problem(lines(viewer)[0], [])


def test_plane_at_the_sliders_is_sampled() -> None:
    viewer = ViewerModel()
    stack = np.arange(2 * 5, dtype=float).reshape(2, 5, 1, 1) + np.zeros((1, 1, 9, 9))
    viewer.add_image(stack, scale=(1, 2, 1, 1))
    draw(viewer, (4, 1), (4, 6))
    viewer.dims.set_current_step((0, 1), (1, 3))
    (curve,) = curves(viewer)
    np.testing.assert_allclose(curve.values, 8)


def test_layer_that_ends_before_the_slider_is_left_out() -> None:
    viewer = ViewerModel()
    viewer.add_image(np.zeros((9, 9, 9)), name="deep")
    viewer.add_image(np.zeros((3, 9, 9)), name="flat")
    draw(viewer, (4, 1), (4, 6))
    viewer.dims.set_current_step(0, 6)
    assert [curve.name for curve in curves(viewer)] == ["deep"]


def test_view_of_other_axes_is_refused_with_the_way_back() -> None:
    viewer = ViewerModel()
    viewer.add_image(np.zeros((9, 9, 9)))
    draw(viewer, (4, 1), (4, 6))
    viewer.dims.order = (1, 0, 2)
    assert "Change order" in viewer_problem(viewer, lines(viewer)[0])


class Watched:
    """A lazy array that remembers what was read of it."""

    shape, dtype, ndim = (5, 3000, 3000), np.dtype(np.uint16), 3

    def __init__(self) -> None:
        self.read: list[tuple[object, ...]] = []

    def __getitem__(self, index: tuple[object, ...]) -> np.ndarray:
        self.read.append(index)
        values = np.arange(5, dtype=np.uint16)[:, None, None]
        return np.broadcast_to(values, self.shape)[index]


def test_only_tiles_under_the_line_are_read_and_only_once() -> None:
    viewer = ViewerModel()
    data = Watched()
    viewer.add_image(data, contrast_limits=(0, 5))
    draw(viewer, (100, 100), (2900, 2900))
    viewer.dims.set_current_step(0, 3)
    data.read.clear()
    store = PixelStore()
    for _ in range(2):
        (plan,) = planned(viewer, store)
        plan.curve()
        drain(load_missing([plan.source], store))
    np.testing.assert_allclose(plan.curve().values, 3)
    assert {index[0] for index in data.read} == {3}
    pixels = sum(math.prod(s.stop - s.start for s in i[1:]) for i in data.read)
    # Six tiles of 512² on the diagonal, and the two beside each crossing at most.
    assert pixels <= (6 + 2 * 5) * 512**2


def test_dask_is_sampled_like_numpy_across_chunks() -> None:
    rng = np.random.default_rng(1)
    pixels = rng.random((3, 70, 90))
    lazy = da.from_array(pixels, chunks=(1, 32, 40))
    viewer = ViewerModel()
    viewer.add_image(pixels, name="numpy")
    viewer.add_image(lazy, name="dask")
    viewer.dims.set_current_step(0, 2)
    draw(viewer, (3.3, 1.2), (66.1, 85.4))
    one, two = curves(viewer, width=4)
    np.testing.assert_array_equal(one.values, two.values)


def test_chunk_larger_than_a_tile_is_read_once() -> None:
    counted = []

    def load(block_info=None):
        counted.append(1)
        return np.ones((1, 3000, 3000), np.uint8)

    whole = da.map_blocks(load, chunks=((1,), (3000,), (3000,)), dtype=np.uint8)
    viewer = ViewerModel()
    viewer.add_image(whole, contrast_limits=(0, 1))
    draw(viewer, (100, 100), (2900, 2900))
    counted.clear()
    (curve,) = curves(viewer)
    np.testing.assert_allclose(curve.values, 1)
    assert len(counted) == 1


def test_window_sees_gaps_until_a_thread_has_read() -> None:
    viewer = ViewerModel()
    viewer.add_image(da.ones((40, 90), chunks=(40, 45)))
    draw(viewer, (20, 5), (20, 80))
    store = PixelStore()
    (plan,) = planned(viewer, store)
    assert np.isnan(plan.curve().values).all()
    assert missing_count([plan.source]) == 2
    drain(load_missing([plan.source], store))
    assert np.isfinite(plan.curve().values).all()
    assert missing_count([plan.source]) == 0


def test_what_a_thread_reads_of_old_pixels_is_not_shown() -> None:
    """A result on disk is filled in place while a thread reads it."""
    viewer = ViewerModel()
    pixels = zarr.create_array(store={}, shape=(40, 90), dtype="float32")
    viewer.add_image(pixels, contrast_limits=(0, 9))
    draw(viewer, (20, 5), (20, 80))
    store = PixelStore()
    (plan,) = planned(viewer, store)
    plan.curve()
    (old,) = plan.source.read_missing()  # the thread has them, and is slow
    pixels[:] = 7
    store.forget()
    store.keep(old, needed=1)
    (plan,) = planned(viewer, store)
    plan.curve()
    drain(load_missing([plan.source], store))
    np.testing.assert_allclose(plan.curve().values, 7)


def test_store_drops_what_was_not_used_lately() -> None:
    store = PixelStore(budget=3000)
    tile = np.zeros(1000, np.uint8)
    for number in range(5):
        store.keep({number: tile}, needed=1)
        store.tile(0)
    kept = [number for number in range(5) if store.tile(number) is not None]
    assert kept == [0, 3, 4]


def test_multiscale_is_sampled_at_full_resolution() -> None:
    viewer = ViewerModel()
    fine = ramp((64, 64))
    viewer.add_image([fine, fine[::2, ::2]], multiscale=True)
    draw(viewer, (30, 10), (30, 20))
    (curve,) = curves(viewer)
    np.testing.assert_allclose(curve.values, 10 + curve.distance, atol=RAMP)


def test_rgb_is_averaged_and_its_crop_is_in_color() -> None:
    viewer = ViewerModel()
    pixels = np.zeros((8, 8, 4), np.uint8)
    pixels[..., 0], pixels[..., 3] = 90, 255
    viewer.add_image(pixels, rgb=True, name="stained")
    draw(viewer, (4, 2), (4, 5))
    (curve,) = curves(viewer)
    np.testing.assert_allclose(curve.values, 30)
    assert curve.name == "stained (mean of red, green, blue)"
    store = PixelStore()
    (crop,) = drain(complete_crops(planned(viewer, store), store))
    middle = crop.pixels[crop.pixels.shape[0] // 2, crop.pixels.shape[1] // 2]
    np.testing.assert_allclose(middle, [90 / 255, 0, 0])


def test_crop_shows_the_layer_around_the_line() -> None:
    viewer = ViewerModel()
    viewer.add_image(
        ramp((60, 60)), scale=(0.5, 0.5), units="um", contrast_limits=(0, 59)
    )
    draw(viewer, (15, 10), (15, 20))
    store = PixelStore()
    (crop,) = drain(complete_crops(planned(viewer, store), store))
    # 10 µm and a fifth of it on each side; at least 0.6 as high, and the same margin.
    assert crop.size == pytest.approx((10, 14))
    assert crop.vertices.tolist() == [[5, 2], [5, 12]]
    gray = crop.pixels[10, :, 0]
    assert gray[0] == pytest.approx(16 / 59, abs=0.02)  # 8 µm is column 16
    assert gray[-1] == pytest.approx(44 / 59, abs=0.02)


@pytest.mark.parametrize(
    ("stop", "said"), [((4, 4), "no length"), ((4, 5), "too short for a peak")]
)
def test_short_lines_are_explained(stop: tuple[float, float], said: str) -> None:
    viewer = ViewerModel()
    viewer.add_image(ramp((8, 8)))
    draw(viewer, (4, 4), stop)
    (line,) = lines(viewer)
    problem = viewer_problem(viewer, line)
    if not problem:
        (plan,) = planned(viewer, PixelStore())
        problem = curve_problem(line, [(plan, plan.curve())])
    assert said in problem
