"""Pairs: on the source's grid, without borders, without what does not correlate."""

from __future__ import annotations

import errno
import json
import os
import tracemalloc
from typing import TYPE_CHECKING

import numpy as np
import pytest
import tifffile
from scipy.ndimage import gaussian_filter

from napari_gan_enhance.errors import InputError, OutputError, TrainingError
from napari_gan_enhance.io.read import read_micrograph
from napari_gan_enhance.micrograph.micrograph import Micrograph, VoxelSize
from napari_gan_enhance.micrograph.microscope import Channel, Microscope
from napari_gan_enhance.progress import drain
from napari_gan_enhance.registration import pair_set
from napari_gan_enhance.registration.canvas import PlacedImage
from napari_gan_enhance.registration.levels import PERCENTS
from napari_gan_enhance.registration.pair_description import read_pair_set
from napari_gan_enhance.registration.pair_set import (
    add_to_pair_set,
    check_pair_free,
    remove_from_pair_set,
    source_range,
)
from napari_gan_enhance.registration.pairing import cut_aligned, cut_channels
from napari_gan_enhance.registration.resample import inner_box, resample, sampled
from napari_gan_enhance.registration.transform import Transform

if TYPE_CHECKING:
    from pathlib import Path

SPLINE = 0.02
"""Share of the height by which a cubic spline misses a Gaussian of 2 pixels or wider
when it is sampled on a grid twice as coarse, which averages over its pixels first."""


@pytest.fixture
def field(rng) -> np.ndarray:
    smooth = gaussian_filter(rng.standard_normal((256, 320)), 2)
    return 100 + 100 * smooth / smooth.std()


def placed(pixels, y=0.0, x=0.0, size=1.0) -> PlacedImage:
    world = np.diag([*[1.0] * (pixels.ndim - 2), size, size, 1.0])
    world[-3:-1, -1] = y, x
    return PlacedImage(pixels, world)


def test_target_lies_on_the_sources_pixels(field) -> None:
    source, target = field[:200, :250], field[10:, 20:] * 3 + 7
    cut = drain(cut_channels([placed(source)], [placed(target, 10, 20)]))
    # Overlap 190 x 230: two by three patches of 64.
    assert (cut.accepted, cut.rejected) == (6, 0)
    (piece,) = cut.pieces
    assert piece.origin_px == (10, 20)
    np.testing.assert_array_equal(piece.source, field[10:138, 20:212])
    np.testing.assert_allclose(
        piece.target, 3 * field[10:138, 20:212] + 7, rtol=1e-4, atol=0.01
    )


def test_patches_that_show_something_else_are_left_out(field, rng) -> None:
    target = field.copy()
    other = gaussian_filter(rng.standard_normal((64, 64)), 2)
    target[64:128, 128:192] = 100 + 100 * other / other.std()
    cut = drain(cut_channels([placed(field)], [placed(target)]))
    assert (cut.accepted, cut.rejected) == (19, 1)
    kept = np.zeros(field.shape, int)
    for piece in cut.pieces:
        y, x = piece.origin_px
        height, width = piece.source.shape
        kept[y : y + height, x : x + width] += 1
    assert kept.max() == 1
    assert kept.sum() == 19 * 64**2
    assert not kept[64:128, 128:192].any()


def test_places_without_anything_spoil_no_pair() -> None:
    """A spline leaves next to nothing there, the squares of which vanish in float32."""
    rng = np.random.default_rng(0)
    points = np.zeros((256, 256))
    points[rng.integers(0, 116, 300), rng.integers(0, 256, 300)] = 1
    target = (255 * gaussian_filter(points, 1.5, truncate=3) / 0.07).clip(0, 255)
    source = rng.poisson(20 + gaussian_filter(target, 3))
    cut = drain(cut_channels([placed(source)], [placed(target.astype(np.float32))]))
    assert cut.accepted >= 8  # of 16 patches, half of which show points


def framed(pixels: np.ndarray, width: int = 16) -> np.ndarray:
    inner = pixels[width:-width, width:-width]
    return np.pad(inner, width)


@pytest.mark.parametrize("sides", [(0,), (1,), (0, 1)], ids=str)
def test_empty_borders_are_in_no_pair(field, sides) -> None:
    pair = [field + 1000, field * 3 + 4000]
    for side in sides:
        pair[side] = framed(pair[side])
    cut = drain(cut_channels(*([placed(pixels)] for pixels in pair)))
    # Of 256 x 320 pixels 224 x 288 are left: three by four patches of 64.
    assert (cut.accepted, cut.rejected) == (12, 0)
    assert all(p.source.all() and p.target.all() for p in cut.pieces)


def test_turned_border_does_not_shine_through(field) -> None:
    target, world = field + 4000, np.eye(3)
    world[:2, :2] = [[0.9998, -0.02], [0.02, 0.9998]]
    same = sampled(target, world, field.shape, np.eye(3))
    source = placed(np.nan_to_num(same, nan=target.mean()))
    cut = drain(cut_channels([source], [PlacedImage(framed(target), world)], patch=16))
    # Splines and their cut to the range of the plane stay within 1 % of the step.
    assert min(p.target.min() for p in cut.pieces) > 0.99 * target.min()


def test_unrelated_and_separate_images_are_refused(field, rng) -> None:
    noise = rng.poisson(50, field.shape).astype(float)
    with pytest.raises(TrainingError, match="correlate"):
        drain(cut_channels([placed(field)], [placed(noise)]))
    with pytest.raises(TrainingError, match="share no 64 x 64 pixels"):
        drain(cut_channels([placed(field)], [placed(field, 500, 0)]))
    with pytest.raises(TrainingError, match="as many in both"):
        drain(cut_channels([placed(field)] * 2, [placed(field)]))


@pytest.mark.parametrize("count", [1, 3])
def test_no_more_patches_than_by_chance_are_refused(rng, count) -> None:
    """Of 64 patches 1 % pass by construction: 3 or more in 2.7 of a hundred pairs."""
    pair = gaussian_filter(rng.standard_normal((2, 512, 512)), (0, 2, 2))
    pair[1, :64, : 64 * count] = pair[0, :64, : 64 * count]
    source, target = (placed(pixels) for pixels in pair)
    with pytest.raises(TrainingError, match=r"Of 64 patches .* than by chance"):
        drain(cut_channels([source], [target]))
    cut = drain(cut_channels([source, source], [target, source]))
    assert (cut.accepted, cut.rejected) == (64, 64)
    assert {piece.channel for piece in cut.pieces} == {1}


def test_memory_grows_with_the_pixels_only(rng) -> None:
    """A table of 4096 patches against each other took 64 MiB, and its parts as much."""
    pixels = gaussian_filter(rng.standard_normal((1024, 1024)), 2).astype(np.float32)
    pair = pixels, pixels.copy()
    pair[1][:16] = rng.standard_normal((16, 1024))
    tracemalloc.start()
    try:
        cut = drain(cut_channels(*([placed(side)] for side in pair), patch=16))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    # Of the row that shows something else 1 % may pass.
    assert cut.accepted + cut.rejected == 64 * 64
    assert 60 <= cut.rejected <= 64
    assert peak < 16 * pixels.nbytes


def test_few_patches_that_correlate_are_kept(rng) -> None:
    pair = gaussian_filter(rng.standard_normal((2, 512, 512)), (0, 2, 2))
    pair[1, :64] = pair[0, :64]
    cut = drain(cut_channels(*([placed(pixels)] for pixels in pair)))
    assert cut.accepted >= 8


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_source_that_is_not_finite_is_refused(field, value) -> None:
    broken = field.copy()
    broken[100, 100] = value
    with pytest.raises(InputError, match="The source holds NaN or infinite"):
        drain(cut_channels([placed(broken)], [placed(field)]))


def test_planes_that_face_no_target_may_be_nan(field) -> None:
    source = np.stack([field, field, np.full_like(field, np.nan)])
    cut = drain(cut_channels([placed(source)], [placed(source[:2])]))
    assert (cut.accepted, cut.rejected) == (40, 0)
    np.testing.assert_allclose(cut.levels[0], np.percentile(source[:2], PERCENTS))
    away = np.eye(4)
    away[0, 3] = 9.0
    with pytest.raises(TrainingError, match="share no 64 x 64 pixels"):
        drain(cut_channels([placed(source[2:])], [PlacedImage(source[:2], away)]))


def test_planes_of_stacks_are_paired_where_they_lie(field) -> None:
    source = np.stack([field, 2 * field, 3 * field])
    world = np.eye(4)
    world[0, 3] = -1.0  # target plane 1 lies on source plane 0
    target = PlacedImage(np.stack([field * 9, field, 2 * field]), world)
    cut = drain(cut_channels([placed(source)], [target]))
    assert sorted({p.plane for p in cut.pieces}) == [0, 1]
    second = next(p for p in cut.pieces if p.plane == 1)
    np.testing.assert_allclose(second.target, 2 * field[:256, :320], rtol=1e-4)


def depth_shift(planes: float) -> Transform:
    """Return a shift along Z by planes of 0.5 µm."""
    matrix = np.eye(4)
    matrix[0, 3] = 0.5 * planes
    return Transform(matrix, "translation")


def test_aligned_micrographs_are_cut_where_they_face_each_other(field, rng) -> None:
    size = VoxelSize(0.5, 0.16, 0.16)
    planes = [100 + gaussian_filter(rng.random(field.shape), 2) for _ in range(4)]
    deep = Micrograph(np.stack(planes), "ZYX", size)
    flat = Micrograph(planes[2], "YX", size._replace(z=None))
    upper = Micrograph(np.stack(planes[1:]), "ZYX", size)
    cuts = [
        drain(cut_aligned(flat, deep, depth_shift(2))),
        drain(cut_aligned(deep, flat, depth_shift(-2))),
        drain(cut_aligned(upper, deep, depth_shift(1))),
    ]
    assert [[p.plane for p in cut.pieces] for cut in cuts] == [[0], [0], [0, 1, 2]]
    for piece in (p for cut in cuts for p in cut.pieces):
        assert (piece.source.shape, piece.channel) == ((256, 320), 0)
        np.testing.assert_allclose(piece.target, piece.source, rtol=1e-5)
    np.testing.assert_array_equal(cuts[1].pieces[0].source, planes[2])


def test_channels_are_cut_each_for_itself(field, rng, tmp_path) -> None:
    left, right = field[:64], field[64:]
    noise = rng.poisson(50, field.shape).astype(float)
    source = [placed(x) for x in (field, np.vstack([left, noise[64:]]), noise)]
    target = [placed(x) for x in (field, np.vstack([left, right]), field)]
    cut = drain(cut_channels(source, target))
    # 4 x 5 patches; of the second channel the upper row; nothing of the third.
    assert [p.channel for p in cut.pieces] == [0, 1]
    assert (cut.accepted, cut.rejected) == (25, 35)
    drain(add_to_pair_set(tmp_path, "a", cut, like=_micrograph(field), provenance={}))
    ranges = source_range(tmp_path / "source" / "a-z000-01.tif", (3.0, 99.8))
    # Of the whole channel, not of the row that was cut from it.
    wanted = np.percentile(np.vstack([left, noise[64:]]), [3.0, 99.8])
    assert ranges[0] == pytest.approx(tuple(wanted))
    assert source_range(tmp_path / "source" / "other.tif", (3.0, 99.8)) is None


def _micrograph(field) -> Micrograph:
    return Micrograph(np.stack([field] * 3), "CYX", VoxelSize(None, 0.16, 0.16))


def test_data_set_is_what_the_trainer_takes(field, tmp_path) -> None:
    from napari_gan_enhance.training.pairs import find_pairs

    cut = drain(
        cut_channels(
            [placed(np.clip(field, 0, None).astype(np.uint16))], [placed(field)]
        )
    )
    like = Micrograph(
        field,
        "YX",
        VoxelSize(None, 0.16, 0.16),
        channels=(Channel(emission_nm=520.0),),
        microscope=Microscope(numerical_aperture=1.3),
    )
    for name in ("cell_1 a", "cell 2"):
        drain(
            add_to_pair_set(tmp_path, name, cut, like=like, provenance={"from": name})
        )
    described = read_pair_set(tmp_path)
    assert [p.field for p in described.pairs] == ["cell-1-a", "cell-2"]
    assert described.pairs[0].files[0].origin_px == (0, 0)
    pairs = find_pairs(tmp_path / "source", tmp_path / "target")
    assert {p.field for p in pairs} == {"cell-1-a", "cell-2"}
    assert tifffile.imread(pairs[0].source).dtype == np.uint16
    source = read_micrograph(pairs[0].source)
    assert source.microscope.numerical_aperture == 1.3
    assert source.channels[0].emission_nm == 520.0
    again = drain(add_to_pair_set(tmp_path, "Cell 2", cut, like=like, provenance={}))
    assert again == "Cell-2-1"  # many disks take upper and lower case for one
    # Names of files have at most 255 bytes, and a part of them is not the field.
    long = drain(add_to_pair_set(tmp_path, "é" * 300, cut, like=like, provenance={}))
    assert long.startswith("é" * 40)
    assert len(long) == 50
    json.loads((tmp_path / "pairs.json").read_text(encoding="utf-8"))


def files_of(folder: Path) -> list[str]:
    return sorted(p.name for p in folder.rglob("*") if p.is_file())


def test_pair_that_is_not_finished_leaves_nothing(field, tmp_path) -> None:
    cut = drain(cut_channels([placed(field)] * 2, [placed(field)] * 2))
    like = _micrograph(field)
    job = add_to_pair_set(tmp_path, "a", cut, like=like, provenance={})
    while next(job).done < 1:  # of two rectangles, one for each channel
        pass
    assert files_of(tmp_path) == ["a-z000-00.tif"] * 2
    job.close()
    assert files_of(tmp_path) == []


def test_pair_that_fails_leaves_nothing_and_can_be_tried_again(
    field, tmp_path, monkeypatch
) -> None:
    cut = drain(cut_channels([placed(field)], [placed(field)]))
    like = _micrograph(field)
    drain(add_to_pair_set(tmp_path, "a", cut, like=like, provenance={}))
    before = files_of(tmp_path)

    room = ["a file", "its name in the folder"]

    def full(_: int) -> None:
        if not room:
            raise OSError(errno.ENOSPC, "")
        room.pop()

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(OutputError, match="free some space"):
            drain(add_to_pair_set(tmp_path, "b", cut, like=like, provenance={}))
    assert files_of(tmp_path) == before
    drain(add_to_pair_set(tmp_path, "b", cut, like=like, provenance={}))
    assert [pair.field for pair in read_pair_set(tmp_path).pairs] == ["a", "b"]


def test_long_names_that_begin_alike_are_two(field, tmp_path) -> None:
    cut = drain(cut_channels([placed(field)], [placed(field)]))
    like, series = (
        _micrograph(field),
        "2026-11-30 experiment, fixation series, plate 03",
    )
    for position in ("well B07 position 01", "well B07 position 02"):
        name = f"{series}, {position}"
        check_pair_free(tmp_path, name, overwrite=False)
        add = add_to_pair_set(
            tmp_path, name, cut, like=like, provenance={}, overwrite=True
        )
        drain(add)
        with pytest.raises(InputError, match="has a pair"):
            check_pair_free(tmp_path, name, overwrite=False)
    described = read_pair_set(tmp_path)
    assert [pair.name[-2:] for pair in described.pairs] == ["01", "02"]
    assert len({pair.field for pair in described.pairs}) == 2


def test_only_the_pair_of_the_same_name_gives_way(field, tmp_path) -> None:
    """Two names may look alike as names of files."""
    cut = drain(cut_channels([placed(field)], [placed(field)]))
    fields = []
    for name in ("cell (1)", "cell [1]", "cell (1)", "cell [1]"):
        add = add_to_pair_set(
            tmp_path, name, cut, like=_micrograph(field), provenance={}, overwrite=True
        )
        fields.append(drain(add))
    assert fields == ["cell-1", "cell-1-1", "cell-1", "cell-1-1"]
    assert len(read_pair_set(tmp_path).pairs) == 2
    assert len(list((tmp_path / "source").iterdir())) == 2


def test_pair_that_cannot_be_replaced_stays(field, tmp_path, monkeypatch) -> None:
    cut = drain(cut_channels([placed(field)], [placed(field)]))
    options = {"like": _micrograph(field), "provenance": {}, "overwrite": True}
    drain(add_to_pair_set(tmp_path, "a", cut, **options))
    before = read_pair_set(tmp_path), files_of(tmp_path)

    def full(path: Path, *_: object, **__: object) -> None:
        raise OutputError(f"{path.name} - free some space")

    with monkeypatch.context() as patch:
        patch.setattr(pair_set, "write_micrograph", full)
        with pytest.raises(OutputError, match="free some space"):
            drain(add_to_pair_set(tmp_path, "a", cut, **options))
    assert (read_pair_set(tmp_path), files_of(tmp_path)) == before
    drain(add_to_pair_set(tmp_path, "a", cut, **options))
    (pair,) = read_pair_set(tmp_path).pairs
    assert files_of(tmp_path) == sorted(["pairs.json", *[pair.files[0].name] * 2])


def test_files_without_description_neither_count_nor_block(field, tmp_path) -> None:
    """What a killed process leaves behind."""
    from napari_gan_enhance.training.pairs import find_pairs

    cut = drain(cut_channels([placed(field)], [placed(field)]))
    folders = tmp_path / "source", tmp_path / "target"
    for folder in folders:
        folder.mkdir()
        for name in ("a", "b"):
            (folder / f"{name}-z000-00.tif").write_bytes(b"half")
    job = add_to_pair_set(tmp_path, "a", cut, like=_micrograph(field), provenance={})
    assert drain(job) == "a"
    assert [pair.source.name for pair in find_pairs(*folders)] == ["a-z000-00.tif"]
    assert read_micrograph(folders[0] / "a-z000-00.tif").shape == field.shape
    remove_from_pair_set(tmp_path, "a")
    with pytest.raises(TrainingError, match=r"'pairs\.json' names"):
        find_pairs(*folders)


def test_pairs_laid_by_hand_are_not_hidden(field, tmp_path) -> None:
    cut = drain(cut_channels([placed(field)], [placed(field)]))
    for side in ("source", "target"):
        (tmp_path / side).mkdir()
        (tmp_path / side / "f00.tif").write_bytes(b"")
    reason = r"holds images that no 'pairs\.json' names, such as 'f00\.tif' - "
    with pytest.raises(InputError, match=reason):
        check_pair_free(tmp_path, "a", overwrite=True)
    add = add_to_pair_set(tmp_path, "a", cut, like=_micrograph(field), provenance={})
    with pytest.raises(InputError, match=reason):
        drain(add)
    assert files_of(tmp_path) == ["f00.tif"] * 2


def test_inner_box_holds_covered_pixels_only() -> None:
    rows, columns = np.mgrid[:60, :80]
    covered = (rows + 0.1 * columns > 9) & (columns < 70)
    box = inner_box(covered)
    assert covered[box].all()
    assert covered[box].size > 0.9 * (60 - 9) * 70


def test_moving_is_averaged_onto_a_coarser_grid() -> None:
    y, x = np.mgrid[:120, :160] * 0.1
    spot = np.exp(-((y - 6.0) ** 2 + (x - 8.0) ** 2) / (2 * 0.8**2))
    moving = Micrograph(spot, "YX", VoxelSize(None, 0.1, 0.1), name="m")
    grid = Micrograph(np.zeros((70, 90)), "YX", VoxelSize(None, 0.2, 0.2))
    move = np.eye(3)
    move[:2, 2] = 1.0, -0.6
    found = drain(resample(moving, grid, Transform(move, "translation"), provenance={}))
    y, x = np.mgrid[:70, :90] * 0.2
    # Averaging over pixels of 0.2 µm adds (0.2² - 0.1²) / 12 to the variance.
    variance = 0.8**2 + (0.2**2 - 0.1**2) / 12
    wanted = (
        0.8**2 / variance * np.exp(-((y - 7.0) ** 2 + (x - 7.4) ** 2) / (2 * variance))
    )
    inside = found.overlap
    np.testing.assert_allclose(
        found.micrograph.pixels[inside], wanted[inside], atol=SPLINE
    )
    # Moving covers 1.0 to 12.9 µm and -0.6 to 15.3 µm.
    assert (inside[0].start, inside[0].stop) == (5, 65)
    assert (inside[1].start, inside[1].stop) == (0, 77)
    assert found.micrograph.voxel_size_um == (None, 0.2, 0.2)
    assert found.micrograph.pixels[0, 0] == 0
