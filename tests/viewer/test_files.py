"""Files to layers and back, as napari calls the reader and the writers."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Any

import dask.array
import numpy as np
import pytest
import tifffile
from napari.layers import Image, Layer

from napari_gan_enhance.assets.samples import sample_names, sample_path
from napari_gan_enhance.errors import FileFormatError, InputError
from napari_gan_enhance.io import read as reading
from napari_gan_enhance.io.read import read_micrograph
from napari_gan_enhance.io.write import write_micrograph
from napari_gan_enhance.micrograph.micrograph import Micrograph, VoxelSize
from napari_gan_enhance.micrograph.microscope import Channel, Microscope, Modality
from napari_gan_enhance.progress import drain
from napari_gan_enhance.viewer import samples
from napari_gan_enhance.viewer.layers import micrograph_from_layer
from napari_gan_enhance.viewer.reader import napari_get_reader, read_layers
from napari_gan_enhance.viewer.writer import write_image, write_images

if TYPE_CHECKING:
    from pathlib import Path

SCOPE = Microscope(Modality.WIDE_FIELD, 1.3, 1.515)


@pytest.fixture
def two_channels(tmp_path: Path, rng: np.random.Generator) -> Path:
    image = Micrograph(
        rng.integers(0, 999, (2, 2, 3, 20, 21), dtype="u2"),
        "TCZYX",
        VoxelSize(0.3, 0.1, 0.1),
        2.5,
        (Channel("DAPI", 461.0, None, "#0000ff"), Channel("GFP", 510.0)),
        SCOPE,
        provenance={"model": "a"},
    )
    return drain(write_micrograph(tmp_path / "cells.ome.tif", image))


@pytest.mark.parametrize(
    ("path", "ours"),
    [
        ("a.tif", True),
        ("A.OME.TIFF", True),
        ("a.stk", True),
        ("a.lsm", True),
        ("a.ome.zarr/", True),
        (["a.tif", "b.lsm"], True),
        ("a.png", False),
        (["a.tif", "b.png"], False),
        ([], False),
    ],
)
def test_reader_takes_its_own_files(path: str | list[str], ours: bool) -> None:
    assert (napari_get_reader(path) is not None) == ours


def test_channels_become_layers_with_everything(two_channels: Path) -> None:
    reader = napari_get_reader(str(two_channels))
    assert reader is not None
    layers = [Layer.create(*data) for data in reader(str(two_channels))]
    assert [layer.name for layer in layers] == ["cells: DAPI", "cells: GFP"]
    first = layers[0]
    assert first.axis_labels == ("t", "z", "y", "x")
    assert [str(unit) for unit in first.units] == ["second"] + ["micrometer"] * 3
    assert tuple(first.scale) == (2.5, 0.3, 0.1, 0.1)
    np.testing.assert_allclose(first.colormap.map(1.0).ravel(), (0, 0, 1, 1))
    assert [str(layer.blending) for layer in layers][1] == "additive"
    image = micrograph_from_layer(layers[1])
    assert image.channels == (Channel("GFP", 510.0),)
    assert image.microscope == SCOPE
    assert image.voxel_size_um == VoxelSize(0.3, 0.1, 0.1)
    assert image.time_step_s == 2.5


def test_unknown_sizes_stay_pixels(tmp_path: Path) -> None:
    image = Micrograph(np.zeros((2, 8, 9), "u1"), "ZYX", VoxelSize(None, 0.1, 0.1))
    path = drain(write_micrograph(tmp_path / "a.tif", image))
    (data,) = read_layers(path)
    layer = Layer.create(*data)
    assert [str(unit) for unit in layer.units] == ["pixel", "micrometer", "micrometer"]
    assert micrograph_from_layer(layer).voxel_size_um == VoxelSize(None, 0.1, 0.1)


def test_large_files_give_lazy_layers(
    two_channels: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "EAGER_BYTES", 0)
    data = read_layers(str(two_channels))[1][0]
    assert isinstance(data, dask.array.Array)
    monkeypatch.undo()
    np.testing.assert_array_equal(data, read_micrograph(two_channels).pixels[:, 1])


def test_color_image_is_one_layer(tmp_path: Path, rng: np.random.Generator) -> None:
    pixels = rng.integers(0, 255, (3, 40, 50), dtype="u1")
    path = tmp_path / "color.ome.zarr"
    drain(write_micrograph(path, Micrograph(pixels, "SYX")))
    (data,) = read_layers([str(path)])
    layer = Layer.create(*data)
    assert layer.rgb
    np.testing.assert_array_equal(layer.data, np.moveaxis(pixels, 0, -1))


def test_damaged_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "bad.tif").write_bytes(b"nothing")
    with pytest.raises(FileFormatError, match=r"bad\.tif"):
        read_layers(str(tmp_path / "bad.tif"))


def test_layer_is_saved_with_everything(two_channels: Path, tmp_path: Path) -> None:
    layer = Layer.create(*read_layers(two_channels)[1])
    data, state, _ = layer.as_layer_data_tuple()
    path = str(tmp_path / "out.ome.tif")
    assert write_image(path, data, state) == [path]
    saved = read_micrograph(path)
    np.testing.assert_array_equal(saved.pixels, layer.data)
    assert saved.voxel_size_um == VoxelSize(0.3, 0.1, 0.1)
    assert saved.time_step_s == 2.5
    assert saved.channels == (Channel("GFP", 510.0),)
    assert saved.microscope == SCOPE
    assert saved.provenance == {"model": "a"}


def test_layers_that_fit_become_channels(two_channels: Path, tmp_path: Path) -> None:
    layers = [Layer.create(*data) for data in read_layers(two_channels)]
    path = str(tmp_path / "both.tif")
    assert write_images(path, [x.as_layer_data_tuple() for x in layers]) == [path]
    saved, original = read_micrograph(path), read_micrograph(two_channels)
    assert saved.channels == original.channels
    order = [saved.axes.index(a) for a in original.axes]
    np.testing.assert_array_equal(saved.pixels.transpose(order), original.pixels)


def test_layers_that_do_not_fit_become_files(tmp_path: Path) -> None:
    layers = [
        Image(np.full((8, 9), 1, "u1"), name="cell: a/b"),
        Image(np.full((4, 5), 2, "u1"), name="cell: a?b"),
    ]
    tuples = [layer.as_layer_data_tuple() for layer in layers]
    paths = write_images(str(tmp_path / "x.ome.tif"), tuples)
    assert [read_micrograph(p).shape for p in paths] == [(8, 9), (4, 5)]
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        "x-cell_ a_b [1].ome.tif",
        "x-cell_ a_b.ome.tif",
    ]


ELSEWHERE = {
    "translate": {"translate": (0.0, 1.0)},
    "rotate": {"rotate": 2.0},
    "shear": {"shear": [0.01]},
    "affine": {"affine": [[1, 0, 0], [0, 1, -1.0], [0, 0, 1]]},
}
"""Ways in which a layer lies elsewhere than its pixels alone say, in µm."""


@pytest.mark.parametrize("place", ELSEWHERE.values(), ids=ELSEWHERE)
def test_layers_that_lie_apart_become_files(
    tmp_path: Path, place: dict[str, Any]
) -> None:
    known = {"scale": (0.1, 0.1), "units": "micrometer"}
    layers = [
        Image(np.full((8, 9), 1, "u1"), name="fixed", **known),
        Image(np.full((8, 9), 2, "u1"), name="moved", **known, **place),
    ]
    tuples = [layer.as_layer_data_tuple() for layer in layers]
    paths = write_images(str(tmp_path / "x.ome.tif"), tuples)
    assert [read_micrograph(p).axes for p in paths] == ["YX", "YX"]
    # moved by the same, they are channels of one again
    layers[0] = Image(np.full((8, 9), 1, "u1"), name="fixed", **known, **place)
    tuples = [layer.as_layer_data_tuple() for layer in layers]
    (path,) = write_images(str(tmp_path / "y.ome.tif"), tuples)
    assert read_micrograph(path).axes == "CYX"


@pytest.mark.parametrize(
    ("make", "ndim"),
    [(samples.mitochondria, 2), (samples.lines, 3), (samples.intestine, 2)],
)
def test_samples_open_as_layers(make: object, ndim: int) -> None:
    (data,) = make()  # type: ignore[operator]
    assert Layer.create(*data).data.ndim == ndim


def test_samples_carry_licence_and_known_sizes() -> None:
    assert sample_names() == ("intestine", "lines", "mitochondria")
    for name in sample_names():
        licence = sample_path(name).parent / f"LICENSE-{name}"
        text = licence.read_text()
        assert text.startswith("BSD 3-Clause License") or "Attribution 4.0" in text
    # 23.466652 pixels per µm, as the published file says
    size = read_micrograph(sample_path("intestine")).voxel_size_um
    assert tuple(size) == pytest.approx((None, 1 / 23.466652, 1 / 23.466652))
    assert read_micrograph(sample_path("mitochondria")).voxel_size_um.x is None
    with pytest.raises(InputError, match="there are intestine, lines, mitochondria"):
        sample_path("moon")


def test_few_counts_are_not_shown_black(tmp_path: Path) -> None:
    # 0 to 9, a hundred times each: percentiles 0.1 and 99.9 are the extremes
    pixels = np.arange(1000, dtype="u1").reshape(20, 50) % 10
    tifffile.imwrite(tmp_path / "dim.tif", pixels)
    (data,) = read_layers(tmp_path / "dim.tif")
    assert Layer.create(*data).contrast_limits == [0.0, 9.0]


def test_importing_the_reader_is_cheap() -> None:
    code = (
        "import sys, napari_gan_enhance.viewer.reader, "
        "napari_gan_enhance.viewer.writer, napari_gan_enhance.viewer.samples; "
        "print([m for m in ('torch', 'napari', 'dask', 'zarr', 'tifffile', 'qtpy')"
        " if m in sys.modules])"
    )
    run = [sys.executable, "-c", code]
    assert subprocess.run(run, capture_output=True, check=True).stdout == b"[]\n"
