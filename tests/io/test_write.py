"""What is written comes back, here and in other libraries."""

from __future__ import annotations

import errno
import os
import tempfile
import tracemalloc
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import ome_types
import pytest
import tifffile
import yaozarrs
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from napari_gan_enhance.errors import InputError, OutputError
from napari_gan_enhance.io import tiff_writing
from napari_gan_enhance.io.read import read_micrograph
from napari_gan_enhance.io.write import check_output, write_micrograph
from napari_gan_enhance.io.zarr_writing import write_zarr
from napari_gan_enhance.micrograph.micrograph import Micrograph, VoxelSize
from napari_gan_enhance.micrograph.microscope import Channel, Microscope, Modality
from napari_gan_enhance.progress import drain

OME_DTYPES = ("u1", "u2", "u4", "i1", "i2", "i4", "f4", "f8")
SHAPES = {
    "YX": (530, 35),
    "ZYX": (3, 20, 31),
    "CYX": (2, 7, 9),
    "TZCYX": (2, 3, 2, 10, 11),
    "ZCTYX": (2, 2, 3, 5, 6),
    "YXS": (17, 23, 3),
    "TYXS": (2, 17, 23, 3),
}


@st.composite
def micrographs(draw: st.DrawFn) -> Micrograph:
    """Any micrograph whose pixels and facts both formats can hold."""
    axes = draw(st.sampled_from(sorted(SHAPES)))
    shape = SHAPES[axes]
    dtype = np.dtype(draw(st.sampled_from(OME_DTYPES)))
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    sizes = st.one_of(st.none(), st.floats(1e-3, 1e3))
    light = st.one_of(st.none(), st.integers(300, 900))
    colors = st.one_of(st.none(), st.from_regex("#[0-9a-f]{6}", fullmatch=True))
    # XML and JSON have no place for control characters and lone surrogates.
    words = st.text(st.characters(exclude_categories=("C",)), max_size=8)
    words = words.map(lambda text: " ".join(text.split()))
    count = dict(zip(axes, shape, strict=True)).get("C", 1)
    return Micrograph(
        pixels=rng.integers(0, 120, shape).astype(dtype),
        axes=axes,
        voxel_size_um=VoxelSize(draw(sizes), draw(sizes), draw(sizes)),
        time_step_s=draw(sizes),
        channels=tuple(
            Channel(draw(words), draw(light), draw(light), draw(colors))
            for _ in range(count)
        ),
        microscope=Microscope(
            draw(st.one_of(st.none(), st.sampled_from(Modality))),
            draw(st.one_of(st.none(), st.floats(0.1, 1.3))),
            draw(st.one_of(st.none(), st.floats(1.31, 1.6))),
        ),
        provenance={
            word: {"value": [1, 0.5, None, word]} for word in draw(st.sets(words))
        },
    )


@pytest.mark.parametrize("suffix", [".ome.tif", ".ome.zarr"])
@given(micrograph=micrographs())
@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
def test_round_trip_keeps_everything(suffix: str, micrograph: Micrograph) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = drain(write_micrograph(Path(folder) / f"a{suffix}", micrograph))
        read = read_micrograph(path)
    order = [micrograph.axes.index(a) for a in read.axes]
    np.testing.assert_array_equal(
        read.pixels, np.asarray(micrograph.pixels).transpose(order), strict=True
    )
    assert read.name == "a"
    without_z = micrograph.voxel_size_um._replace(z=None)
    tiff = suffix == ".ome.tif"
    assert read.voxel_size_um in (micrograph.voxel_size_um, without_z)
    assert read.voxel_size_um.z == micrograph.voxel_size_um.z or not tiff
    assert read.time_step_s == micrograph.time_step_s
    assert read.channels == micrograph.channels
    assert read.microscope == micrograph.microscope
    assert read.provenance == micrograph.provenance
    if suffix == ".ome.tif" and not micrograph.is_rgb:
        assert read.axes == micrograph.axes


@pytest.mark.parametrize(("dtype", "stored"), [("?", "u1"), ("f2", "f4")])
def test_types_that_ome_lacks_are_widened(
    tmp_path: Path, rng: np.random.Generator, dtype: str, stored: str
) -> None:
    pixels = rng.integers(0, 2, (9, 8)).astype(dtype)
    drain(write_micrograph(tmp_path / "a.tif", Micrograph(pixels, "YX")))
    read = read_micrograph(tmp_path / "a.tif").pixels
    np.testing.assert_array_equal(read, pixels.astype(stored), strict=True)


@pytest.mark.parametrize("suffix", [".ome.tif", ".ome.zarr"])
def test_odd_names_do_not_keep_a_file_from_being_written(
    tmp_path: Path, suffix: str
) -> None:
    name = "caf\udce9 \x02"  # Latin-1 in the name of a file, and a control character
    image = Micrograph(
        np.ones((4, 5), "u1"),
        "YX",
        channels=(Channel(name),),
        name=name,
        provenance={"source": name, name: 1},
    )
    path = drain(write_micrograph(tmp_path / f"a{suffix}", image))
    result = read_micrograph(path)
    assert result.provenance["source"] == name
    assert result.channels[0].name in (name, "caf\ufffd \ufffd")
    np.testing.assert_array_equal(result.pixels, image.pixels)


def test_provenance_that_nests_too_deeply_comes_back_as_text(tmp_path: Path) -> None:
    image = Micrograph(np.ones((4, 5), "u1"), "YX", provenance={"key": 123456789})
    path = drain(write_micrograph(tmp_path / "a.ome.tif", image))
    deep = "[" * 100_000
    description = tifffile.tiffcomment(path).replace("123456789", deep)
    tifffile.tiffcomment(path, description.encode())
    assert read_micrograph(path).provenance["key"] == deep


def test_integers_that_ome_cannot_hold_are_refused(tmp_path: Path) -> None:
    image = Micrograph(np.zeros((9, 8), "i8"), "YX")
    with pytest.raises(OutputError, match="int64 do not fit OME-TIFF"):
        drain(write_micrograph(tmp_path / "a.tif", image))
    assert list(tmp_path.iterdir()) == []


def test_other_libraries_read_the_tiff(
    tmp_path: Path, rng: np.random.Generator
) -> None:
    pixels = rng.normal(size=(2, 600, 520)).astype("f4")
    image = Micrograph(
        pixels,
        "ZYX",
        VoxelSize(0.3, 0.1, 0.1),
        channels=(Channel("GFP", 510.0),),
        microscope=Microscope(Modality.WIDE_FIELD, 1.3, 1.515),
    )
    path = drain(write_micrograph(tmp_path / "a.ome.tif", image))
    np.testing.assert_array_equal(tifffile.imread(path), pixels)
    with tifffile.TiffFile(path) as file:
        page = file.pages[0]
        assert page.is_tiled
        assert page.tile == (512, 512)
        assert page.compression.name == "ADOBE_DEFLATE"
        xml = file.ome_metadata
    ome = ome_types.from_xml(xml, validate=True)
    assert ome.images[0].pixels.physical_size_z == 0.3
    assert ome.images[0].pixels.channels[0].emission_wavelength == 510.0
    assert ome.instruments[0].objectives[0].lens_na == 1.3


def test_large_files_are_big_tiff(
    tmp_path: Path, rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tiff_writing, "CLASSIC_LIMIT", 0)
    planes = rng.integers(0, 999, (3, 40, 30), dtype="u2")
    path = drain(write_micrograph(tmp_path / "big.tif", Micrograph(planes, "ZYX")))
    with tifffile.TiffFile(path) as file:
        assert file.is_bigtiff
        np.testing.assert_array_equal(file.asarray(), planes)


def test_stopping_leaves_nothing(tmp_path: Path) -> None:
    job = write_micrograph(tmp_path / "a.tif", Micrograph(np.zeros((2000, 600)), "YX"))
    for _ in range(3):
        next(job)
    job.close()
    assert list(tmp_path.iterdir()) == []


def test_zarr_follows_the_specification(
    tmp_path: Path, rng: np.random.Generator
) -> None:
    pixels = rng.integers(0, 99, (2, 3, 40, 30), dtype="u2")
    image = Micrograph(pixels, "CZYX", VoxelSize(0.3, 0.1, 0.1))
    path = drain(write_micrograph(tmp_path / "a.ome.zarr", image))
    yaozarrs.validate_zarr_store(path)
    axes = yaozarrs.open_group(path).ome_metadata().multiscales[0].axes
    assert [(a.name, a.unit) for a in axes[1:]] == [(a, "micrometer") for a in "zyx"]


def test_progress_counts_every_tile(tmp_path: Path) -> None:
    image = Micrograph(np.zeros((2, 600, 520), "u1"), "ZYX")
    reports = list(write_micrograph(tmp_path / "a.tif", image))
    # two planes of 2 x 2 tiles of 512, after one report before the first
    assert [r.done for r in reports] == list(range(9))
    assert {(r.total, r.stage) for r in reports} == {(8, "writing")}


def test_zarr_of_many_chunks_takes_no_memory_for_their_list(tmp_path: Path) -> None:
    planes = np.broadcast_to(np.uint8(1), (100, 20, 100, 2, 2))
    job = write_zarr(tmp_path / "many.zarr", Micrograph(planes, "TCZYX"))
    tracemalloc.start()
    first = next(job)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    job.close()
    assert (first.done, first.total) == (1, 200_000)
    assert peak < 20e6  # a list of all windows takes 74 MB


@pytest.mark.parametrize("suffix", [".tif", ".zarr"])
def test_existing_output_is_refused_or_replaced(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    first = Micrograph(np.zeros((4, 5), "u1"), "YX")
    drain(write_micrograph(path, first))
    second = Micrograph(np.ones((6, 7), "u1"), "YX")
    with pytest.raises(OutputError, match="already exists"):
        drain(write_micrograph(path, second))
    assert read_micrograph(path).shape == (4, 5)
    drain(write_micrograph(path, second, overwrite=True))
    assert read_micrograph(path).shape == (6, 7)
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


def test_folder_that_is_no_zarr_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "a.zarr"
    path.mkdir()
    (path / "raw.tif").touch()
    with pytest.raises(OutputError, match=r"'a\.zarr' in .* holds 'raw\.tif'"):
        check_output(path, overwrite=True)
    image = Micrograph(np.zeros((4, 5), "u1"), "YX")
    job = write_micrograph(path, image, overwrite=True)
    with pytest.raises(OutputError, match=r"holds 'raw\.tif'"):
        drain(job)
    assert [p.name for p in tmp_path.rglob("*")] == ["a.zarr", "raw.tif"]


@pytest.mark.parametrize("is_there", [True, False])
def test_what_a_link_leads_to_is_replaced(tmp_path: Path, is_there: bool) -> None:
    store, link = tmp_path / "store", tmp_path / "a.zarr"
    store.mkdir()
    link.symlink_to(store / "b.zarr", target_is_directory=True)
    old, new = (Micrograph(np.zeros((n, 5), "u1"), "YX") for n in (4, 6))
    if is_there:
        drain(write_micrograph(store / "b.zarr", old))
    with pytest.raises(OutputError, match="already exists"):
        drain(write_micrograph(link, new))
    drain(write_micrograph(link, new, overwrite=True))
    assert link.is_symlink()
    assert [p.name for p in store.iterdir()] == ["b.zarr"]
    assert read_micrograph(link).shape == (6, 5)


@pytest.mark.parametrize("suffix", [".tif", ".zarr"])
def test_closing_the_job_leaves_nothing(tmp_path: Path, suffix: str) -> None:
    image = Micrograph(np.zeros((600, 520), "u1"), "YX")
    job = write_micrograph(tmp_path / f"a{suffix}", image)
    next(job)
    next(job)
    job.close()
    assert list(tmp_path.iterdir()) == []


class _FullDisk:
    """Pixels whose second tile meets a full disk."""

    shape = (600, 520)
    dtype = np.dtype("u1")

    def __getitem__(self, index: Any) -> Any:
        if index[0].start:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return np.zeros(self.shape, self.dtype)[index]


@pytest.mark.parametrize("suffix", [".tif", ".zarr"])
def test_full_disk_leaves_the_old_file(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    drain(write_micrograph(path, Micrograph(np.zeros((4, 5), "u1"), "YX")))
    job = write_micrograph(path, Micrograph(_FullDisk(), "YX"), overwrite=True)
    with pytest.raises(OutputError, match=r"'a\..*No space left.*free some space"):
        drain(job)
    assert [p.name for p in tmp_path.iterdir()] == [path.name]
    assert read_micrograph(path).shape == (4, 5)


@pytest.mark.parametrize(
    ("name", "error", "match"),
    [
        ("a.png", InputError, "no suffix that says how to write it"),
        (".ome.tif", InputError, "no suffix"),
        ("missing/a.tif", OutputError, r"'a\.tif' cannot be written .*No such file"),
        ("file/a.tif", OutputError, "cannot be written"),
    ],
)
def test_output_is_refused_early(
    tmp_path: Path, name: str, error: type[Exception], match: str
) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(error, match=match):
        check_output(tmp_path / name, overwrite=False)


def test_read_only_folder_is_refused_early(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Permission bits do not stop root, so the answer of the system is given instead.
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    with pytest.raises(OutputError, match=r"Permission denied.*you may write to"):
        check_output(tmp_path / "a.tif", overwrite=False)


def test_empty_image_is_refused(tmp_path: Path) -> None:
    image = Micrograph(np.zeros((0, 5), "u1"), "YX")
    for name in ("a.tif", "a.zarr"):
        with pytest.raises(OutputError, match="holds no pixels"):
            drain(write_micrograph(tmp_path / name, image))
    assert list(tmp_path.iterdir()) == []


def test_channels_and_color_do_not_fit_zarr(tmp_path: Path) -> None:
    image = replace(Micrograph(np.zeros((2, 4, 5, 3), "u1"), "CYXS"))
    with pytest.raises(OutputError, match="channels and RGB samples"):
        drain(write_micrograph(tmp_path / "a.zarr", image))
    assert (
        read_micrograph(drain(write_micrograph(tmp_path / "a.tif", image))).axes
        == "CYXS"
    )


@pytest.mark.parametrize(("dtype", "predictor"), [("f4", 1), ("f8", 1), ("u2", 2)])
def test_floats_are_written_as_other_programs_can_read_them(
    tmp_path, dtype, predictor
) -> None:
    """Bio-Formats, and so Fiji and OMERO, knows the predictors 1 and 2 of TIFF 6.0."""
    path = tmp_path / "result.ome.tif"
    image = Micrograph(np.ones((9, 8), dtype), "YX")
    drain(write_micrograph(path, image))
    with tifffile.TiffFile(path) as file:
        assert file.pages[0].predictor == predictor
