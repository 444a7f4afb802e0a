"""Curves along a line, against images whose values along it are known."""

from __future__ import annotations

import numpy as np
import pytest
from napari.components import ViewerModel

from napari_gan_enhance.viewer.profile import add_line, curves, line_layer

ROUNDING = 1e-9
"""Linear interpolation of a ramp in float64 is exact but for rounding."""


def draw(
    viewer: ViewerModel, start: tuple[float, ...], stop: tuple[float, ...]
) -> None:
    line = np.array([start, stop])
    viewer.add_shapes([line], shape_type="line", name="Line profile")


def ramp(shape: tuple[int, int]) -> np.ndarray:
    """Return an image of its own column numbers."""
    return np.tile(np.arange(shape[1], dtype=np.float32), (shape[0], 1))


def test_no_line_no_curves() -> None:
    viewer = ViewerModel()
    viewer.add_image(ramp((8, 8)))
    assert curves(viewer) == []


def test_ramp_is_sampled_in_micrometers() -> None:
    viewer = ViewerModel()
    viewer.add_image(ramp((20, 40)), scale=(0.5, 0.5), units="micrometer", name="a")
    draw(viewer, (5, 2), (5, 12))
    (curve,) = curves(viewer)
    assert (curve.name, curve.unit) == ("a", "µm")
    assert curve.distance[[0, -1]].tolist() == [0, 10]
    # Column = µm / 0.5.
    expected = 2 * (2 + curve.distance)
    np.testing.assert_allclose(curve.values, expected, atol=ROUNDING)


def test_finer_layer_lies_on_the_coarser() -> None:
    viewer = ViewerModel()
    viewer.add_image(ramp((20, 40)), name="coarse")
    fine = np.repeat(np.repeat(ramp((20, 40)), 2, axis=0), 2, axis=1)
    viewer.add_image(fine, scale=(0.5, 0.5), translate=(-0.25, -0.25), name="fine")
    draw(viewer, (10, 5), (10, 30))
    coarse, fine_curve = curves(viewer)
    assert len(fine_curve.values) > len(coarse.values)
    at = np.interp(coarse.distance, fine_curve.distance, fine_curve.values)
    np.testing.assert_allclose(at, coarse.values, atol=0.5)  # half a step of the stairs


def test_hidden_layers_are_left_out() -> None:
    viewer = ViewerModel()
    viewer.add_image(ramp((8, 8)), visible=False)
    draw(viewer, (4, 1), (4, 6))
    assert curves(viewer) == []


def test_layer_beside_the_line_is_left_out() -> None:
    viewer = ViewerModel()
    viewer.add_image(ramp((8, 8)), translate=(100, 100))
    draw(viewer, (4, 1), (4, 6))
    assert curves(viewer) == []


def test_plane_on_screen_is_sampled_and_nothing_else_read() -> None:
    read: list[tuple[object, ...]] = []

    class Watched:
        shape, dtype, ndim = (5, 1000, 1000), np.dtype(np.uint8), 3

        def __getitem__(self, index: tuple[object, ...]) -> np.ndarray:
            read.append(index)
            values = np.broadcast_to(
                np.arange(5, dtype=np.uint8)[:, None, None], self.shape
            )
            return values[index]

    viewer = ViewerModel()
    viewer.add_image(Watched(), contrast_limits=(0, 5))
    draw(viewer, (500, 100), (500, 110))
    viewer.dims.set_current_step(0, 3)
    read.clear()
    (curve,) = curves(viewer)
    assert set(curve.values) == {3}
    assert read == [(3, slice(496, 505), slice(96, 115))]


def test_rgb_is_averaged() -> None:
    viewer = ViewerModel()
    pixels = np.zeros((8, 8, 3), np.uint8)
    pixels[..., 0] = 90
    viewer.add_image(pixels, rgb=True)
    draw(viewer, (4, 1), (4, 6))
    (curve,) = curves(viewer)
    np.testing.assert_allclose(curve.values, 30)


def test_line_of_no_length_has_no_curve() -> None:
    viewer = ViewerModel()
    viewer.add_image(ramp((8, 8)))
    draw(viewer, (4, 4), (4, 4))
    assert curves(viewer) == []


@pytest.mark.parametrize("shape", [(40, 60), (3, 40, 60)], ids=["plane", "stack"])
def test_new_line_crosses_the_middle(shape: tuple[int, ...]) -> None:
    viewer = ViewerModel()
    viewer.add_image(np.zeros(shape))
    layer = add_line(viewer)
    assert line_layer(viewer) is layer
    start, stop = layer.data[0]
    assert (start[0], stop[0]) == (19.5, 19.5)
    assert (start[1] + stop[1]) / 2 == pytest.approx(29.5)
    assert stop[1] - start[1] == pytest.approx((59 - 0) / 2)  # between pixel centers
