"""Pairs on disk: found by name, split by field, brought to one scale."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile

from napari_gan_enhance.errors import InputError, TrainingError
from napari_gan_enhance.io.write import write_micrograph
from napari_gan_enhance.micrograph.micrograph import Micrograph, VoxelSize
from napari_gan_enhance.progress import drain
from napari_gan_enhance.training.images import load_pairs
from napari_gan_enhance.training.pairs import Pair, find_pairs, split_by_field
from napari_gan_enhance.training.report import check_texts


def test_exposures_find_their_target(folders):
    pairs = find_pairs(*folders)
    assert len(pairs) == 10
    assert all(p.source.stem.startswith(p.target.stem + "_") for p in pairs)
    assert {p.field for p in pairs} == set("01234")


def test_field_pattern_joins_channels(folders):
    source, target = folders
    for path in [*source.iterdir(), *target.iterdir()]:
        path.rename(path.with_name(f"cell{int(path.stem[0]) // 2}-{path.name}"))
    fields = {p.field for p in find_pairs(source, target, r"^cell\d")}
    assert fields == {"cell0", "cell1", "cell2"}


def test_pattern_that_matches_nothing_leaves_the_name(folders):
    assert {p.field for p in find_pairs(*folders, r"x*")} == set("01234")


@pytest.mark.parametrize(
    ("inside", "source", "target"),
    [
        (".", "source", "target"),
        ("..", "set/source", "set/target"),
        ("source", ".", "../target"),
        ("target", "../source", "."),
    ],
)
def test_data_set_has_its_name_wherever_it_is_called_from(
    folders, monkeypatch, inside, source, target
):
    monkeypatch.chdir(folders[0].parent / inside)
    pairs = find_pairs(Path(source), Path(target))
    assert {pair.data_set for pair in pairs} == {"set"}
    assert {pair.source.parent.name for pair in pairs} == {"source"}
    assert {pair.target.parent.name for pair in pairs} == {"target"}


def test_what_systems_leave_in_a_folder_is_no_image(folders):
    for folder in folders:
        (folder / "._0.tif").write_bytes(b"of macOS")
        (folder / "old.tif").mkdir()
    assert len(find_pairs(*folders)) == 10


def test_source_without_target_is_refused(folders):
    (folders[1] / "3.tif").unlink()
    with pytest.raises(TrainingError, match=r"'3_a.tif' has no target"):
        find_pairs(*folders)


def test_one_folder_for_both_sides_is_refused(folders, monkeypatch):
    monkeypatch.chdir(folders[1])
    with pytest.raises(TrainingError, match="Sources and targets are both in"):
        find_pairs(folders[1], Path())


def test_two_targets_of_one_name_are_refused(folders):
    target = folders[1]
    (target / "3.tiff").write_bytes((target / "2.tif").read_bytes())
    with pytest.raises(TrainingError, match=r"Targets '3\.tif' and '3\.tiff' have one"):
        find_pairs(*folders)


@pytest.mark.parametrize(
    ("sources", "targets"),
    [
        (["f_a.ome.tif"], ["f.ome.tif"]),
        (["f.ome.tif"], ["f.tif"]),
        (["f_a.tif"], ["f.ome.tiff"]),
        # As they have always been paired:
        (["f.ome.tif", "f.tif"], ["f.ome.tif", "f.tif"]),
        (["f_a.ome.tif", "g_b.tif"], ["f.tif", "g.tif", "g_b.ome.tif"]),
    ],
)
def test_double_suffix_is_no_part_of_a_name(tmp_path, sources, targets):
    for side, names in (("source", sources), ("target", targets)):
        (tmp_path / side).mkdir()
        for name in names:
            (tmp_path / side / name).touch()
    pairs = find_pairs(tmp_path / "source", tmp_path / "target")
    found = {pair.source.name: pair.target.name for pair in pairs}
    assert found == dict(zip(sources, targets, strict=False))


@pytest.mark.parametrize("seed", range(5))
def test_no_field_stands_on_two_sides(folders, seed):
    pairs = find_pairs(*folders)
    split = split_by_field(pairs, validation=0.2, test=0.2, seed=seed)
    sides = [split.train, split.validation, split.test]
    assert [len(side) for side in sides] == [6, 2, 2]
    fields = [{p.field for p in side} for side in sides]
    assert sum(map(len, fields)) == len(set.union(*fields)) == 5


@pytest.mark.parametrize(
    ("gain", "offset", "dtype"),
    [(20, -7, np.float32), (1e6, 4e9, np.uint32), (1e-3, 1e6, np.float64)],
    ids=["usual", "large numbers", "small differences"],
)
def test_target_is_brought_to_the_scale_of_the_source(
    tmp_path, rng, gain, offset, dtype
):
    clean = rng.random((64, 64))
    tifffile.imwrite(tmp_path / "s.tif", (3000 * clean + 500).astype(np.float32))
    tifffile.imwrite(tmp_path / "t.tif", (gain * clean + offset).astype(dtype))
    paths = Pair(tmp_path / "s.tif", tmp_path / "t.tif", "", "")
    (pair,) = load_pairs([paths], (3, 99.8))
    np.testing.assert_allclose(pair.source, pair.target, atol=1e-5)  # float32 files
    np.testing.assert_allclose(np.percentile(pair.source, [3, 99.8]), [0, 1], atol=1e-5)


@pytest.mark.parametrize("side", ["source", "target"])
def test_pixels_of_two_sizes_are_refused_along_each_axis(tmp_path, rng, side):
    for name in ("source", "target"):
        size = VoxelSize(None, 0.2 if name == side else 0.1, 0.1)
        pixels = rng.random((64, 64)).astype("f4")
        (tmp_path / name).mkdir()
        drain(
            write_micrograph(tmp_path / name / "a.tif", Micrograph(pixels, "YX", size))
        )
    pairs = find_pairs(tmp_path / "source", tmp_path / "target")
    with pytest.raises(TrainingError, match=r"pixels of 0\.[12] µm"):
        load_pairs(pairs, (3.0, 99.8))


def test_pattern_that_is_none_is_refused(folders):
    with pytest.raises(TrainingError, match=r"Field pattern '\('"):
        find_pairs(*folders, "(")


@pytest.mark.parametrize(
    ("texts", "reason"),
    [
        ([1], "no JSON object"),
        ({"steps": 5, "scores": []}, "scores, steps is filled in"),
        ({"name": 5}, "name: "),
        ({"data": {"set": "CC0"}}, "data maps"),
        ({"data": {"set": {"licence": None}}}, "licence: "),
        ({"data": {"set": {"fields": 999}}}, "fields of set is filled in"),
        (
            {"voxel_size_range_um": [float("nan"), 1]},
            "voxel_size_range_um is a smallest",
        ),
        ({"voxel_size_range_um": [0, 1]}, "voxel_size_range_um is a smallest"),
        ({"voxel_size_range_um": [2, 1]}, "voxel_size_range_um is a smallest"),
        ({"voxel_size_range_um": [1, float("inf")]}, "voxel_size_range_um is a sma"),
        ({"name": "\ud800"}, ".*surrogates not allowed"),
        ({"data": {"set": {"origin": "\ud800"}}}, ".*surrogates not allowed"),
    ],
)
def test_card_that_is_none_is_refused(texts, reason):
    with pytest.raises(InputError, match=rf"Card 'c.json' cannot be used \({reason}"):
        check_texts(texts, "c.json")
