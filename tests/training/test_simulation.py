"""Simulated pairs: objects, the confocal target, and what is written."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest
import tifffile

from napari_gan_enhance.errors import InputError, OutputError
from napari_gan_enhance.io.read import read_micrograph
from napari_gan_enhance.optics.sectioning import confocal_transfer
from napari_gan_enhance.optics.transfer import FormationOptics
from napari_gan_enhance.progress import drain
from napari_gan_enhance.training import simulation
from napari_gan_enhance.training.images import load_pairs
from napari_gan_enhance.training.objects import Grid, draw, draw_mixture
from napari_gan_enhance.training.pairs import find_pairs
from napari_gan_enhance.training.simulation import (
    FIELD_PATTERN,
    SimulationSettings,
    simulate,
)

KINDS = ("filaments", "tubes", "puncta", "membranes", "nuclei")
GRID = Grid((5, 64, 64), (0.3, 0.08, 0.08))
SMALL = SimulationSettings(fields=3, size=64, seed=5)

NARROWING = 1 / np.sqrt(2)
"""A squared Gaussian is narrower by the root of two; an Airy core is nearly one."""

CORE = 0.05
"""How far the Airy pattern is from a Gaussian at half maximum."""


@pytest.mark.parametrize("kind", KINDS)
def test_an_object_is_light_of_unit_peak_and_repeats(kind):
    first, second, other = (
        draw(kind, GRID, np.random.default_rng(s)) for s in (1, 1, 2)
    )
    assert first.shape == GRID.shape
    assert first.dtype == np.float32
    assert first.min() >= 0
    assert first.max() == pytest.approx(1)
    np.testing.assert_array_equal(first, second)
    assert not np.array_equal(first, other)


def test_objects_have_a_size_in_micrometers():
    """A grid of half the voxel shows the same light twice as wide."""
    coarse = draw(
        "nuclei", Grid((5, 64, 64), (0.3, 0.2, 0.2)), np.random.default_rng(3)
    )
    fine = draw("nuclei", Grid((5, 64, 64), (0.3, 0.1, 0.1)), np.random.default_rng(3))
    assert (fine > 0).mean() > 1.5 * (coarse > 0).mean()


def test_a_mixture_has_unit_peak(rng):
    assert draw_mixture(GRID, rng).max() == pytest.approx(1)


def test_confocal_point_is_narrower_and_dimmer_out_of_focus():
    optics = FormationOptics(
        numerical_aperture=0.8,
        immersion_index=1.0,
        emission_nm=520,
        pixel_um=0.05,
        plane_um=1.0,
    )
    point = np.zeros((3, 65, 65), np.float32)
    point[1, 32, 32] = 1
    shown = confocal_transfer(
        optics,
        excitation_nm=519.9,  # as good as equal: then the Airy pattern is squared
        pinhole_airy=0,
        sampling=1,
        depth=2,
        shape=(65, 65),
    )
    focused, blurred = shown.blur(point, 1)[0], shown.blur(point, 0)[0]
    assert np.unravel_index(focused.argmax(), focused.shape) == (32, 32)
    assert focused.sum() == pytest.approx(1, abs=1e-3)  # float32 transforms
    assert blurred.sum() < 0.7  # a wide-field microscope would keep all of it
    width = np.interp(0.5, *_falling(focused))
    expected = NARROWING * 0.514 * 0.520 / 0.8 / 0.05 / 2
    assert width == pytest.approx(expected, rel=CORE)


def _falling(plane):
    """Return profile values (rising, as numpy wants them) and radii."""
    profile = plane[32, 32:50] / plane.max()
    return profile[::-1], np.arange(18)[::-1]


def test_pairs_on_disk_say_their_microscope(tmp_path):
    seen = [report.done for report in simulate(tmp_path / "data", SMALL)]
    assert seen == [1, 2, 3]
    names = sorted(p.name for p in (tmp_path / "data" / "source").iterdir())
    assert names == ["drawn_0000.tif", "drawn_0001.tif", "drawn_0002.tif"]
    record = json.loads((tmp_path / "data" / "simulation.json").read_text())
    for entry in record["pairs"]:
        source = read_micrograph(tmp_path / "data" / "source" / entry["name"])
        target = read_micrograph(tmp_path / "data" / "target" / entry["name"])
        optics = entry["formation"]["optics"]
        assert source.shape == target.shape == (64, 64)
        assert source.pixels.dtype == np.uint16
        assert source.voxel_size_um.x == pytest.approx(optics["pixel_um"], rel=1e-5)
        assert source.channels[0].emission_nm == pytest.approx(optics["emission_nm"])
        assert source.microscope.numerical_aperture == pytest.approx(
            optics["numerical_aperture"]
        )


def test_the_same_seed_makes_the_same_pairs(tmp_path):
    for name in "ab":
        drain(simulate(tmp_path / name, SMALL))
    for path in sorted((tmp_path / "a" / "source").iterdir()):
        twin = tmp_path / "b" / "source" / path.name
        np.testing.assert_array_equal(tifffile.imread(path), tifffile.imread(twin))


def test_crops_of_one_sharp_image_are_one_field(tmp_path, rng):
    sharp = tmp_path / "nice_01.tif"
    tifffile.imwrite(sharp, rng.integers(0, 255, (100, 200), dtype=np.uint8))
    settings = SMALL.model_copy(update={"sharp_share": 1.0})
    data = drain(simulate(tmp_path / "data", settings, [sharp]))
    pairs = find_pairs(data / "source", data / "target")
    assert len(pairs) == 3
    assert {pair.field for pair in pairs} == {"nice_01"}


def test_drawn_objects_are_fields_of_their_own(tmp_path):
    data = drain(simulate(tmp_path / "data", SMALL))
    pairs = find_pairs(data / "source", data / "target")
    assert len({pair.field for pair in pairs}) == 3


def test_training_loads_simulated_pairs(tmp_path):
    """Their description must not be taken for that of a set of aligned pairs."""
    data = drain(simulate(tmp_path / "data", SMALL))
    pairs = find_pairs(data / "source", data / "target")
    assert [i.source.shape for i in load_pairs(pairs, (3.0, 99.8))] == [(1, 64, 64)] * 3


def test_a_folder_with_files_is_refused(tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "mine.txt").write_text("keep")
    with pytest.raises(OutputError, match="holds files already"):
        next(simulate(tmp_path / "data", SMALL))


def test_cameras_suit_their_objectives(tmp_path):
    """0.514 wavelength / NA spans 0.8 to 4.5 pixels, as any pixel may be asked for."""
    settings = SMALL.model_copy(update={"fields": 8, "pixel_um": (0.01, 1.0)})
    drain(simulate(tmp_path / "pairs", settings))
    record = json.loads((tmp_path / "pairs" / "simulation.json").read_text("utf-8"))
    for pair in record["pairs"]:
        optics = pair["formation"]["optics"]
        width_um = 0.514e-3 * optics["emission_nm"] / optics["numerical_aperture"]
        assert 0.8 <= width_um / optics["pixel_um"] <= 4.5


def test_a_camera_that_suits_no_objective_is_taken_as_asked(tmp_path):
    settings = SMALL.model_copy(update={"fields": 1, "pixel_um": (2.0, 2.0)})
    drain(simulate(tmp_path / "pairs", settings))
    record = json.loads((tmp_path / "pairs" / "simulation.json").read_text("utf-8"))
    assert record["pairs"][0]["formation"]["optics"]["pixel_um"] == pytest.approx(2.0)


def test_a_field_without_an_object_is_drawn_again(tmp_path, monkeypatch):
    """A membrane may lie around the whole of a small field."""
    drawn = []

    def sometimes(grid, rng):
        drawn.append(len(drawn))
        volume = draw_mixture(grid, rng)
        return np.zeros_like(volume) if len(drawn) == 1 else volume

    monkeypatch.setattr(simulation, "draw_mixture", sometimes)
    drain(simulate(tmp_path / "data", SimulationSettings(fields=2, size=64)))
    assert len(drawn) >= 3
    assert (tmp_path / "data" / "simulation.json").exists()


def test_crops_of_a_sharp_image_are_one_field_in_large_sets():
    names = ("nice_0001", "nice_9999", "nice_10000", "nice_123456")
    assert {re.search(FIELD_PATTERN, name).group() for name in names} == {"nice"}


@pytest.mark.parametrize(
    ("shape", "keywords"),
    [
        ((80, 80, 3), {"photometric": "rgb"}),
        ((5, 80, 80), {"metadata": {"axes": "ZYX"}}),
    ],
)
def test_a_sharp_image_is_one_plane_of_one_channel(tmp_path, shape, keywords):
    path = tmp_path / "sharp.tif"
    tifffile.imwrite(path, np.ones(shape, np.uint8), **keywords)
    with pytest.raises(InputError, match=r"'sharp\.tif' has axes"):
        drain(simulate(tmp_path / "data", SimulationSettings(fields=1), [path]))
    assert not (tmp_path / "data").exists()


def constant(path):
    tifffile.imwrite(path, np.full((80, 80), 7, np.uint8))


def not_finite(path):
    pixels = np.ones((80, 80), np.float32)
    pixels[3, 4] = np.nan
    tifffile.imwrite(path, pixels)


def next_to_empty(path):
    pixels = np.zeros((80, 80), np.uint8)
    pixels[40, 40:43] = 200
    tifffile.imwrite(path, pixels)


@pytest.mark.parametrize(
    ("write", "reason"),
    [
        (constant, "is 7 in nearly all"),
        (not_finite, "NaN"),
        (next_to_empty, "is 0 in nearly all"),
    ],
)
def test_a_sharp_image_that_shows_nothing_is_refused_first(tmp_path, write, reason):
    path = tmp_path / "sharp.tif"
    write(path)
    with pytest.raises(InputError, match=rf"Sharp image 'sharp\.tif'.*{reason}"):
        drain(simulate(tmp_path / "data", SimulationSettings(fields=1), [path]))
    assert not (tmp_path / "data").exists()


def test_a_crop_of_a_sharp_image_shows_something(tmp_path):
    pixels = np.zeros((600, 600), np.uint8)
    pixels[500:520, 30:50] = 200  # most crops of 128 pixels miss it
    tifffile.imwrite(tmp_path / "sharp.tif", pixels)
    settings = SMALL.model_copy(update={"fields": 8, "sharp_share": 1.0})
    data = drain(simulate(tmp_path / "data", settings, [tmp_path / "sharp.tif"]))
    targets = [tifffile.imread(path) for path in (data / "target").iterdir()]
    assert len(targets) == 8
    assert all(np.ptp(target) > 0 for target in targets)


@pytest.mark.parametrize("photons", [3e3, 1e5, 1e9])
def test_no_light_is_too_much_for_the_camera(tmp_path, photons):
    settings = SMALL.model_copy(update={"photons": (photons, photons)})
    data = drain(simulate(tmp_path / "data", settings))
    for path in (data / "source").iterdir():
        pixels = tifffile.imread(path)
        assert pixels.max() < 2**16 - 1
        assert np.ptp(pixels) > 1000


def test_crops_stay_together_in_a_set_that_was_broken_off(tmp_path, rng):
    tifffile.imwrite(tmp_path / "nice.tif", rng.integers(0, 255, (200, 200), np.uint8))
    settings = SMALL.model_copy(update={"sharp_share": 1.0})
    job = simulate(tmp_path / "data", settings, [tmp_path / "nice.tif"])
    next(job), next(job)
    job.close()
    pairs = find_pairs(tmp_path / "data" / "source", tmp_path / "data" / "target")
    assert len(pairs) == 2
    assert {pair.field for pair in pairs} == {"nice"}


def test_a_sharp_image_is_told_from_what_is_drawn(tmp_path, rng):
    sharp = tmp_path / "drawn.tif"
    tifffile.imwrite(sharp, rng.integers(0, 255, (200, 200), np.uint8))
    settings = SMALL.model_copy(update={"sharp_share": 1.0})
    data = drain(simulate(tmp_path / "data", settings, [sharp]))
    pairs = find_pairs(data / "source", data / "target")
    assert {pair.field for pair in pairs} == {"drawn-image"}
    record = json.loads((data / "simulation.json").read_text("utf-8"))
    assert {pair["object"] for pair in record["pairs"]} == {str(sharp)}
    modalities = {read_micrograph(pair.target).microscope.modality for pair in pairs}
    assert modalities == {None}


def test_the_record_gives_the_seed_of_each_image(tmp_path):
    data = drain(simulate(tmp_path / "data", SMALL))
    record = json.loads((data / "simulation.json").read_text("utf-8"))
    assert [pair["seed"] for pair in record["pairs"]] == [[5, 0], [5, 1], [5, 2]]
    assert all("seed" not in pair["formation"] for pair in record["pairs"])


@pytest.mark.parametrize("place", ["file", "file/data"])
def test_a_place_that_is_no_folder_is_refused(tmp_path, place):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(OutputError, match="cannot be written"):
        next(simulate(tmp_path / place, SMALL))
    assert (tmp_path / "file").read_text() == "mine"
