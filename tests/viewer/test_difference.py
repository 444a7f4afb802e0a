"""Differences of layers on their common place, against what they are by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

import dask.array as da
import numpy as np
import pytest
from napari.components import ViewerModel

from napari_gan_enhance.errors import InputError
from napari_gan_enhance.progress import drain
from napari_gan_enhance.viewer.difference import add_subtracted, difference_job

if TYPE_CHECKING:
    from napari.layers import Image

EXACT = 1e-5
"""Of values up to 300 in float32."""

SPLINE = 1e-3
"""A straight ramp under cubic splines, away from its ends."""


@pytest.fixture
def viewer() -> ViewerModel:
    return ViewerModel()


def difference(
    viewer: ViewerModel, before: Image, after: Image, *, fits: bool = False
) -> Image:
    add(viewer, before, after, fits=fits)
    return viewer.layers[-1]


def add(viewer: ViewerModel, before: Image, after: Image, *, fits: bool) -> str:
    """Add the difference, return what is said of it."""
    subtracted = drain(difference_job(viewer, before, after, fits=fits))
    add_subtracted(viewer, subtracted)
    return subtracted.said


def test_shifted_layer_is_subtracted_where_both_are(viewer: ViewerModel) -> None:
    """
    world px   0 1 2 3 4 5 6 7
    before     . . . . . .           columns 0 to 5, value 10 x column
    after          . . . . . .       columns 2 to 7, 100 + (0, 1, 4, 9, ...)
    """
    column = np.tile(10.0 * np.arange(6), (4, 1)).astype(np.uint8)
    before = viewer.add_image(column, scale=(0.5, 0.5), units="um", name="raw")
    after = viewer.add_image(
        np.tile(100 + np.arange(6) ** 2, (4, 1)).astype(np.uint8),
        scale=(0.5, 0.5),
        translate=(0, 1.0),
        units="um",
        name="result",
    )
    made = difference(viewer, before, after)
    np.testing.assert_array_equal(made.data, np.tile([80, 71, 64, 59], (4, 1)))
    assert made.data.dtype == np.float32
    assert tuple(made.scale) == (0.5, 0.5)
    assert tuple(made.translate) == (0, 1.0)
    assert [str(u) for u in made.units] == ["micrometer", "micrometer"]
    assert made.contrast_limits[0] == -made.contrast_limits[1]
    np.testing.assert_array_equal(made.colormap.map(0.5)[0, :3], 0)  # no difference
    assert made.name == "difference: result - raw"


def test_finer_and_turned_layer_is_read_where_it_lies(viewer: ViewerModel) -> None:
    """Both show the same ramp in the world, the second on half the pixel, turned."""
    y, x = np.mgrid[0:20, 0:20] * 1.0
    before = viewer.add_image(3 * y + 2 * x)
    rows, columns = np.mgrid[0:40, 0:40] * 0.5
    # Turned by 90°: (y, x) = (columns, 19 - rows)
    turned = np.array([[0, 1, 0], [-1, 0, 19], [0, 0, 1.0]])
    ramp = 3 * columns + 2 * (19 - rows)
    after = viewer.add_image(ramp + 7, scale=(0.5, 0.5), affine=turned)
    made = difference(viewer, before, after)
    np.testing.assert_allclose(made.data[3:-3, 3:-3], 7, atol=SPLINE)


def test_fit_finds_gain_and_offset(
    viewer: ViewerModel, rng: np.random.Generator
) -> None:
    pixels = rng.uniform(0, 100, (32, 32))
    before = viewer.add_image(3 * pixels + 50)
    after = viewer.add_image(pixels)
    assert np.abs(difference(viewer, before, after).data).max() > 1
    said = add(viewer, before, after, fits=True)
    assert np.abs(viewer.layers[-1].data).max() < 300 * EXACT
    assert said.startswith("3 x ")
    assert "+50" in said


def test_stack_is_subtracted_plane_by_plane_when_looked_at(viewer: ViewerModel) -> None:
    """Planes 1 µm apart; the second begins 2 µm deeper and its planes are 2 µm apart.

    before at 0 1 2 3 4 5 µm, after at 2 4 6 µm: after is 10 x its depth between.
    """
    read: list[object] = []

    def plane(block: np.ndarray, block_info: object = None) -> np.ndarray:
        read.append(block_info)
        return block

    depth = np.arange(6.0).reshape(6, 1, 1) * np.ones((1, 8, 8))
    lazy = da.from_array(depth, chunks=(1, 8, 8)).map_blocks(plane, dtype=float)
    before = viewer.add_image(lazy, contrast_limits=(0, 5))
    own = np.array([20.0, 40.0, 60.0]).reshape(3, 1, 1) * np.ones((1, 8, 8))
    after = viewer.add_image(own, scale=(2, 1, 1), translate=(2, 0, 0))
    viewer.dims.set_point(0, 3)
    read.clear()
    made = difference(viewer, before, after)
    assert isinstance(made.data, da.Array)
    assert len(read) < 6  # what is on screen, not the stack
    # Half a plane beyond the first still is that plane.
    assert tuple(made.translate) == (1, 0, 0)
    expected = [20 - 1, 20 - 2, 30 - 3, 40 - 4, 50 - 5]
    np.testing.assert_allclose(made.data.compute()[:, 0, 0], expected, atol=EXACT)


def test_fit_looks_at_the_plane_on_screen(
    viewer: ViewerModel, rng: np.random.Generator
) -> None:
    """Plane k of after is k + 1 times as bright; a third layer has thinner planes."""
    pixels = rng.uniform(0, 100, (4, 16, 16))
    brighter = pixels * np.arange(1.0, 5).reshape(4, 1, 1)
    before = viewer.add_image(pixels, scale=(3, 1, 1))
    after = viewer.add_image(brighter, scale=(3, 1, 1), name="after")
    viewer.add_image(np.zeros((10, 16, 16)))
    viewer.dims.set_point(0, 3)
    assert add(viewer, before, after, fits=True).startswith("0.5 x after")


def test_nan_is_refused_where_it_would_spread(
    viewer: ViewerModel, rng: np.random.Generator
) -> None:
    pixels = rng.uniform(0, 100, (16, 16))
    spoiled = pixels.copy()
    spoiled[3, 3] = np.nan
    before, after = viewer.add_image(pixels), viewer.add_image(spoiled)
    # On one grid a pixel is a pixel.
    assert np.isnan(difference(viewer, before, after).data).sum() == 1
    viewer.layers.pop()
    after.translate = (0.3, 0.3)
    with pytest.raises(InputError, match="resampled holds NaN"):
        add(viewer, before, after, fits=False)
    assert len(viewer.layers) == 2


@pytest.mark.parametrize(
    ("before", "after", "reason"),
    [
        ({"data": np.zeros((8, 8))}, None, "chosen twice"),
        (
            {"data": np.zeros((8, 8))},
            {"data": np.zeros((8, 8, 3)), "rgb": True},
            "is RGB",
        ),
        ({"data": np.zeros((8, 8))}, {"data": np.zeros((5, 8, 8))}, "both must be"),
        (
            {"data": np.zeros((8, 8))},
            {"data": np.zeros((8, 8)), "translate": (0, 8)},
            "do not overlap: they lie at",
        ),
        (
            {"data": np.zeros((4, 8, 8))},
            {"data": np.zeros((4, 8, 8)), "translate": (9, 0, 0)},
            "do not overlap by a whole",
        ),
    ],
)
def test_refusals(
    viewer: ViewerModel, before: dict, after: dict | None, reason: str
) -> None:
    first = viewer.add_image(**before)
    second = first if after is None else viewer.add_image(**after)
    count = len(viewer.layers)
    with pytest.raises(InputError, match=reason):
        add(viewer, first, second, fits=True)
    assert len(viewer.layers) == count
