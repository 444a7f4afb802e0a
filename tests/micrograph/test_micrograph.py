"""What a micrograph accepts and what it refuses."""

from __future__ import annotations

import numpy as np
import pytest

from napari_gan_enhance.errors import InputError
from napari_gan_enhance.micrograph.micrograph import Micrograph, VoxelSize
from napari_gan_enhance.micrograph.microscope import Channel, Microscope
from napari_gan_enhance.micrograph.view import AxesView


def test_missing_channels_are_filled_up():
    assert Micrograph(np.zeros((3, 4, 5)), "CYX").channels == (Channel(),) * 3


def test_new_pixels_keep_everything_else():
    micrograph = Micrograph(
        np.zeros((4, 5)),
        "YX",
        VoxelSize(None, 0.1, 0.2),
        channels=(Channel("DAPI", 461),),
        microscope=Microscope(None, 1.3, 1.515),
        name="cells",
    )
    other = micrograph.with_pixels(np.ones((4, 5)))
    assert other.voxel_size_um == (None, 0.1, 0.2)
    assert other.channels == (Channel("DAPI", 461),)
    assert other.microscope.numerical_aperture == 1.3
    assert other.name == "cells"


@pytest.mark.parametrize("axes", ["YZ", "YYX", "QYX", "CZ"])
def test_axes_that_cannot_be_are_refused(axes):
    with pytest.raises(InputError, match="cannot be used"):
        Micrograph(np.zeros((2,) * len(axes)), axes)


def test_axes_must_fit_the_shape():
    with pytest.raises(InputError, match=r"'YX' name 2 axes .* \(2, 2, 2\)"):
        Micrograph(np.zeros((2, 2, 2)), "YX")


@pytest.mark.parametrize("size", [0.0, -1.0, np.nan, np.inf])
def test_impossible_voxel_sizes_are_refused(size):
    with pytest.raises(InputError, match="positive number or None"):
        Micrograph(np.zeros((2, 2)), "YX", VoxelSize(x=size))


def test_complex_pixels_are_refused():
    with pytest.raises(InputError, match="complex64 cannot be used"):
        Micrograph(np.zeros((2, 2), np.complex64), "YX")


def test_channel_count_must_fit():
    with pytest.raises(InputError, match="1 channels are described but axis C has 2"):
        Micrograph(np.zeros((2, 2, 2)), "CYX", channels=(Channel(),))


def test_aperture_must_be_below_the_index():
    with pytest.raises(InputError, match="must be below the index"):
        Microscope(numerical_aperture=1.4, immersion_index=1.33)


@pytest.mark.parametrize(
    ("axes", "shape"),
    [("YX", (4, 5)), ("XY", (5, 4)), ("YXC", (4, 5, 3)), ("TZCYX", (2, 3, 3, 4, 5))],
)
def test_view_reads_what_numpy_reads(rng, axes, shape):
    array = rng.normal(size=shape)
    fixed = {a: 1 for a in "TZ" if a in axes}
    view = AxesView(array, axes, "CYX", fixed)
    # The same by hand: name the axes, take the fixed ones, reorder.
    letters = [a for a in axes if a not in fixed]
    taken = array[tuple(1 if a in fixed else slice(None) for a in axes)]
    taken = np.einsum(
        f"{''.join(letters)}->{''.join(sorted(letters, key='CYX'.index))}", taken
    )
    expected = taken.reshape(view.shape)[:, 1:3, 2:]
    np.testing.assert_array_equal(view[:, 1:3, 2:], expected)


def test_view_writes_where_it_reads(rng):
    array = np.zeros((5, 3, 4))  # X C Y
    view = AxesView(array, "XCY", "CYX")
    block = rng.normal(size=(3, 2, 2))
    view[:, 1:3, 0:2] = block
    np.testing.assert_array_equal(view[:, 1:3, 0:2], block)
    assert array[0, 2, 1] == block[2, 0, 0]
    assert np.count_nonzero(array) == block.size
