"""An image stands in one field of view, also across data sets."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
import tifffile

from napari_gan_enhance.cli import app
from napari_gan_enhance.errors import TrainingError
from napari_gan_enhance.progress import drain
from napari_gan_enhance.training.pairs import find_pairs
from napari_gan_enhance.training.repeated import check_each_once
from napari_gan_enhance.training.run import run_training
from napari_gan_enhance.training.simulation import SimulationSettings, simulate


def pairs_of(*data_sets):
    return [p for d in data_sets for p in find_pairs(d / "source", d / "target")]


@pytest.fixture
def own(tmp_path, rng):
    """Three fields of a plain folder."""
    for side in ("source", "target"):
        (tmp_path / "own" / side).mkdir(parents=True)
        for field in "abc":
            pixels = rng.poisson(200, (96, 96)).astype(np.uint16)
            tifffile.imwrite(tmp_path / "own" / side / f"{field}.tif", pixels)
    return tmp_path / "own"


def test_a_folder_of_different_images_is_taken(own):
    check_each_once(pairs_of(own))


def test_exposures_of_one_target_are_one_field(own):
    pixels = tifffile.imread(own / "source" / "a.tif")
    tifffile.imwrite(own / "source" / "a_2.tif", pixels + 1)
    check_each_once(pairs_of(own))


@pytest.mark.parametrize("side", ["source", "target"])
def test_an_image_under_two_names_is_refused(own, side):
    shutil.copyfile(own / side / "a.tif", own / side / "c.tif")
    with pytest.raises(TrainingError, match="'c' of 'own' hold the same image"):
        check_each_once(pairs_of(own))


def test_a_folder_of_targets_that_two_sets_share_is_refused(own):
    """Each set is split for itself: one would learn what the other holds out."""
    (own.parent / "short" / "source").mkdir(parents=True)
    for path in (own / "source").iterdir():
        other = tifffile.imread(path) // 2
        tifffile.imwrite(own.parent / "short" / "source" / path.name, other)
    short = find_pairs(own.parent / "short" / "source", own / "target")
    with pytest.raises(TrainingError, match=r"'a' of .* hold the same image"):
        check_each_once([*pairs_of(own), *short])


def test_simulations_of_one_sharp_image_are_trained_on_together(tmp_path, rng):
    sharp = tmp_path / "nice.tif"
    tifffile.imwrite(sharp, rng.integers(0, 255, (128, 128), dtype=np.uint8))
    settings = SimulationSettings(fields=1, size=64, sharp_share=1.0)
    data_sets = [
        drain(simulate(tmp_path / name, settings, [sharp])) for name in ("one", "two")
    ]
    targets = [next((d / "target").iterdir()).read_bytes() for d in data_sets]
    assert targets[0] == targets[1]  # or there would be nothing to refuse
    check_each_once(pairs_of(*data_sets))


def test_a_training_refuses_before_it_learns(make_job, folders):
    source, _ = folders
    shutil.copyfile(source / "0_a.tif", source / "4_a.tif")
    with pytest.raises(TrainingError, match="field '4' of 'set' hold the same image"):
        drain(run_training(make_job()))


def test_a_pair_cut_from_an_image_of_a_folder_is_refused(own, tmp_path):
    from typer.testing import CliRunner

    scene = np.random.default_rng(1).normal(size=(24, 24)).repeat(6, 0).repeat(6, 1)
    for side, gain in (("source", 100), ("target", 300)):
        pixels = (1000 + gain * scene).clip(0).astype(np.uint16)
        tifffile.imwrite(own / side / "b.tif", pixels)
    files = [str(own / side / "b.tif") for side in ("source", "target")]
    aligned, cut = str(tmp_path / "b.ome.tif"), tmp_path / "cut"
    done = CliRunner().invoke(app, ["align", *files, "-o", aligned, "--pairs", cut])
    assert done.exit_code == 0, done.output
    check_each_once(pairs_of(cut))
    with pytest.raises(TrainingError, match=r"'b' of '(cut|own)' hold the same image"):
        check_each_once(pairs_of(cut, own))


def test_a_dark_channel_is_not_the_same_image(tmp_path, rng):
    """A detector that is off gives one image for all fields."""
    for side in ("source", "target"):
        (tmp_path / "dark" / side).mkdir(parents=True)
        for field in "ab":
            pixels = rng.poisson(200, (2, 96, 96)).astype(np.uint16)
            pixels[1] = 0
            file = tmp_path / "dark" / side / f"{field}.ome.tif"
            tifffile.imwrite(file, pixels, metadata={"axes": "CYX"})
    check_each_once(pairs_of(tmp_path / "dark"))
