"""Layer -> micrograph -> layer keeps place, units and what is known."""

from __future__ import annotations

from dataclasses import dataclass

import dask.array
import numpy as np
import pytest
from napari.layers import Image, Layer

from napari_gan_enhance.errors import InputError
from napari_gan_enhance.micrograph.micrograph import Micrograph, VoxelSize
from napari_gan_enhance.micrograph.microscope import Channel, Microscope
from napari_gan_enhance.viewer.layers import (
    METADATA_KEY,
    micrograph_from_layer,
    result_layer_data,
    unique_name,
)


@dataclass(frozen=True)
class Axes:
    """Dimensions of a layer and the axes they stand for."""

    shape: tuple[int, ...]
    labels: tuple[str, ...] | None
    axes: str


@pytest.mark.parametrize(
    "case",
    [
        Axes((4, 5), None, "YX"),
        Axes((3, 4, 5), None, "ZYX"),
        Axes((2, 3, 4, 5), None, "TZYX"),
        Axes((2, 2, 3, 4, 5), None, "TCZYX"),
        Axes((3, 4, 5), ("t", "y", "x"), "TYX"),
        Axes((3, 4, 5), ("Channel", "Y", "X"), "CYX"),
        Axes((3, 4, 5), ("angle", "y", "x"), "ZYX"),
        Axes((3, 4, 5), ("y", "y", "x"), "ZYX"),
    ],
    ids=str,
)
def test_axes_come_from_labels_or_number(case: Axes) -> None:
    layer = Image(np.zeros(case.shape), axis_labels=case.labels)
    assert micrograph_from_layer(layer).axes == case.axes


def test_too_many_dimensions_are_refused() -> None:
    layer = Image(np.zeros((1,) * 4 + (5, 6)), name="six")
    with pytest.raises(InputError, match="'six' has 6 dimensions"):
        micrograph_from_layer(layer)


@pytest.mark.parametrize(
    ("units", "size"),
    [
        (None, (None, None, None)),  # 1 pixel is napari's default, no voxel size
        (("um", "um", "um"), (2.0, 0.5, 0.25)),
        (("nm", "um", "mm"), (0.002, 0.5, 250.0)),
        (("pixel", "um", "um"), (None, 0.5, 0.25)),
    ],
)
def test_scale_is_a_voxel_size_only_in_units_of_length(
    units: tuple[str, ...] | None, size: tuple[float | None, ...]
) -> None:
    layer = Image(np.zeros((3, 4, 5)), scale=(2, 0.5, -0.25), units=units)
    assert tuple(micrograph_from_layer(layer).voxel_size_um) == pytest.approx(size)


def test_time_step_comes_from_the_scale() -> None:
    layer = Image(
        np.zeros((3, 4, 5)),
        scale=(250, 0.5, 0.5),
        units=("ms", "um", "um"),
        axis_labels=("t", "y", "x"),
    )
    assert micrograph_from_layer(layer).time_step_s == pytest.approx(0.25)


def test_lazy_pyramid_and_color_are_not_loaded() -> None:
    def refuse(block: np.ndarray) -> np.ndarray:
        raise AssertionError("loaded")

    full = dask.array.zeros((4, 64, 64, 3), dtype="u1", chunks=(1, 64, 64, 3))
    layer = Image([full, full[:, ::2, ::2]], rgb=True, multiscale=True)
    poisoned = full.map_blocks(refuse, dtype="u1")
    layer._data = [poisoned, poisoned]
    micrograph = micrograph_from_layer(layer)
    assert micrograph.axes == "ZYXS"
    assert micrograph.shape == (4, 64, 64, 3)
    assert micrograph.pixels is poisoned


def test_metadata_of_the_reader_come_back() -> None:
    known = Micrograph(
        np.zeros((4, 5)),
        "YX",
        VoxelSize(None, 9.0, 9.0),
        channels=(Channel("GFP", 510.0),),
        microscope=Microscope(None, 1.3, 1.515),
        provenance={"model": "a"},
    )
    layer = Image(
        np.zeros((4, 5)), scale=(0.1, 0.1), units="um", metadata={METADATA_KEY: known}
    )
    micrograph = micrograph_from_layer(layer)
    assert micrograph.channels == known.channels
    assert micrograph.microscope == known.microscope
    assert micrograph.provenance == known.provenance
    # The user may have corrected the scale since.
    assert micrograph.voxel_size_um == VoxelSize(None, 0.1, 0.1)


def test_size_that_a_run_was_told_comes_back() -> None:
    known = Micrograph(np.zeros((4, 5)), "YX", VoxelSize(None, 0.2, 0.3))
    layer = Image(np.zeros((4, 5)), metadata={METADATA_KEY: known})  # in pixels
    assert micrograph_from_layer(layer).voxel_size_um == VoxelSize(None, 0.2, 0.3)


@pytest.mark.parametrize("upscale", [1, 2, 4])
@pytest.mark.parametrize("region", [None, {"Y": slice(10, 20), "Z": slice(1, 2)}])
def test_result_lies_exactly_over_its_source(
    upscale: int, region: dict[str, slice] | None
) -> None:
    source = Image(
        np.zeros((3, 40, 50), "f4"),
        name="cell",
        scale=(2, 0.5, 0.25),
        translate=(7, 8, 9),
        # in the plane only: napari warns of anything else
        rotate=[[1, 0, 0], [0, 0.8, -0.6], [0, 0.6, 0.8]],
        shear=(0, 0, 0.3),
        affine=[[1, 0, 0, 5], [0, 2, 0.5, 6], [0, 0, 3, 7], [0, 0, 0, 1]],
        units=("um", "um", "um"),
        axis_labels=("z", "y", "x"),
        colormap="magenta",
        blending="additive",
    )
    box = {"Z": slice(0, 3), "Y": slice(0, 40), "X": slice(0, 50)} | (region or {})
    lengths = [s.stop - s.start for s in box.values()]
    shape = (lengths[0], lengths[1] * upscale, lengths[2] * upscale)
    data = result_layer_data(
        source,
        np.zeros(shape, "f4"),
        name="result",
        upscale=upscale,
        region=region,
        contrast_limits=(0.0, 5.0),
    )
    result = Layer.create(*data)
    # The outer corners of the region, half a pixel outside the centers.
    first = np.array([s.start for s in box.values()]) - 0.5
    last = np.array([s.stop for s in box.values()]) - 0.5
    np.testing.assert_allclose(
        result.data_to_world([-0.5] * 3), source.data_to_world(first)
    )
    np.testing.assert_allclose(
        result.data_to_world(np.array(shape) - 0.5), source.data_to_world(last)
    )
    assert result.units == source.units
    assert result.axis_labels == source.axis_labels
    assert result.colormap.name == "magenta"
    assert result.blending == "additive"
    assert tuple(result.contrast_limits) == (0.0, 5.0)
    assert result.name == "result"


def test_result_of_a_color_layer_is_a_color_layer() -> None:
    source = Image(np.zeros((40, 50, 3), "u1"), rgb=True)
    data = result_layer_data(
        source,
        np.zeros((40, 50, 3), "u1"),
        name="result",
        upscale=1,
        region=None,
        contrast_limits=None,
    )
    assert Layer.create(*data).rgb


def test_names_are_unique() -> None:
    assert unique_name([], "a") == "a"
    assert unique_name(["a", "a [1]", "b"], "a") == "a [2]"
