"""`align` as a shell would call it."""

from __future__ import annotations

import json

import numpy as np
import pytest
import tifffile
from scipy.ndimage import gaussian_filter

from napari_gan_enhance.io.read import read_micrograph
from napari_gan_enhance.registration.transform import Transform, save_transform
from napari_gan_enhance.training.pairs import find_pairs

FOUND_UM = 0.05
"""A third of a pixel of 0.16 µm: what 128² noisy pixels allow."""


@pytest.fixture
def pair(tmp_path, rng):
    """Moving shows at (0, 0) what fixed shows at (6, -4)."""
    field = gaussian_filter(rng.standard_normal((160, 170)), 2)
    field = 900 * np.clip(field / field.std(), 0, None) + 100
    cuts = {"moving": field[16:144, 16:144], "fixed": field[10:140, 20:150]}
    for name, cut in cuts.items():
        tifffile.imwrite(
            tmp_path / f"{name}.tif",
            rng.poisson(cut / 10).astype(np.uint16),
            imagej=True,
            resolution=(1 / 0.16, 1 / 0.16),
            metadata={"axes": "YX", "unit": "um"},
        )
    return tmp_path / "moving.tif", tmp_path / "fixed.tif"


def test_moving_is_put_on_the_fixed_grid(cli, pair, tmp_path) -> None:
    out, saved = tmp_path / "out.ome.tif", tmp_path / "t.json"
    done = cli(
        *("align", *pair, "-o", out, "--transform", "translation"),
        *("--save", saved, "--json"),
    )
    assert done.code == 0, done.err
    found = json.loads(done.out)
    shift = np.array(found["matrix"])[:2, 2]
    assert shift == pytest.approx([6 * 0.16, -4 * 0.16], abs=FOUND_UM)
    assert found["unit"] == "µm"
    assert 0 <= found["residual_um"] < 1
    result, fixed = read_micrograph(out), read_micrograph(pair[1])
    assert result.shape == fixed.shape
    assert result.voxel_size_um == fixed.voxel_size_um
    assert result.provenance["transform"]["kind"] == "translation"
    inside = (slice(10, 120), slice(0, 120))
    both = result.pixels[inside].ravel(), fixed.pixels[inside].ravel()
    assert np.corrcoef(*both)[0, 1] > 0.9
    again = tmp_path / "again.ome.tif"
    done = cli("align", *pair, "-o", again, "--apply", saved)
    assert done.code == 0
    assert "what is left" not in done.err  # that was measured on other images
    np.testing.assert_array_equal(read_micrograph(again).pixels, result.pixels)


def test_pairs_hold_only_what_both_show(cli, pair, tmp_path) -> None:
    out, folder, shift = tmp_path / "cell 1.ome.tif", tmp_path / "set", "translation"
    wanted = ("align", *pair, "-o", out, "--transform", shift, "--pairs", folder)
    done = cli(*wanted, "--json")
    assert done.code == 0, done.err
    report = json.loads(done.out)["pairs"]
    assert report == {
        "folder": str(folder),
        "field": "cell-1",
        "accepted": 1,
        "rejected": 0,
    }
    assert (read_micrograph(out).pixels[:4] == 0).any()  # what must not be learned
    (found,) = find_pairs(folder / "source", folder / "target")
    assert found.field == "cell-1"
    moving, fixed = (tifffile.imread(p) for p in pair)
    # Both reach over 124² pixels, from (0, 4) of moving: one patch of 64.
    source, target = read_micrograph(found.source), read_micrograph(found.target)
    np.testing.assert_array_equal(source.pixels, moving[:64, 4:68])
    assert source.voxel_size_um == target.voxel_size_um
    both = target.pixels.ravel(), fixed[6:70, :64].ravel()
    assert np.corrcoef(*both)[0, 1] > 0.9
    assert cli(*wanted, "--overwrite").code == 0
    assert len(find_pairs(folder / "source", folder / "target")) == 1
    out.unlink()
    assert cli(*wanted).failed_with("has a pair 'cell-1' already")
    assert not out.exists()


def test_transform_does_not_replace_the_image(cli, pair, tmp_path) -> None:
    out = tmp_path / "out.ome.tif"
    done = cli("align", *pair, "-o", out, "--save", out, "--overwrite")
    assert done.code == 2
    assert "--save and --output are one file" in done.err
    assert not out.exists()


def test_pairs_that_do_not_fit_are_refused_before_anything_is_written(
    cli, pair, tmp_path
) -> None:
    out, saved, folder = (tmp_path / n for n in ("out.tif", "far.json", "set"))
    far = np.eye(3)
    far[:2, 2] = 100.0
    save_transform(saved, Transform(far, "translation"))
    done = cli("align", *pair, "-o", out, "--apply", saved, "--pairs", folder)
    assert done.failed_with("share no 64 x 64 pixels")
    assert not out.exists()
    assert not folder.exists()


@pytest.mark.parametrize("place", [0, 1])
@pytest.mark.parametrize("option", ["-o", "--save"])
def test_inputs_are_never_replaced(cli, pair, tmp_path, place, option) -> None:
    before = [path.read_bytes() for path in pair]
    other = () if option == "-o" else ("-o", tmp_path / "out.ome.tif")
    done = cli("align", *pair, *other, option, pair[place], "--overwrite")
    assert done.failed_with(repr(pair[place].name), "inputs are never replaced")
    assert [path.read_bytes() for path in pair] == before


def test_missing_folder_of_the_transform_is_found_first(cli, pair, tmp_path) -> None:
    out = tmp_path / "out.ome.tif"
    done = cli("align", *pair, "-o", out, "--save", tmp_path / "no" / "t.json")
    assert done.failed_with("'t.json' cannot be written", "No such file")
    assert not out.exists()


@pytest.mark.parametrize(
    ("file", "folder"), [("set", "set"), ("set", "set/new"), ("set/source", "set")]
)
def test_pairs_that_cannot_be_written_are_found_first(
    cli, pair, tmp_path, file, folder
) -> None:
    (tmp_path / file).parent.mkdir(exist_ok=True)
    (tmp_path / file).touch()
    out = tmp_path / "out.ome.tif"
    done = cli("align", *pair, "-o", out, "--pairs", tmp_path / folder)
    assert done.failed_with("cannot be written to", "Not a directory", "is a file")
    assert not out.exists()


def test_noise_and_existing_results_are_refused(cli, pair, tmp_path, rng) -> None:
    out, noise = tmp_path / "out.ome.tif", tmp_path / "noise.tif"
    tifffile.imwrite(noise, rng.poisson(50, (128, 128)).astype(np.uint16))
    done = cli("align", noise, pair[1], "-o", out, "--transform", "translation")
    assert done.code == 1
    assert "the same structures must show in both" in done.err
    assert not out.exists()
    out.write_bytes(b"mine")
    assert cli("align", *pair, "-o", out).failed_with("already exists")


def test_spacing_of_planes_is_taken_from_the_stack_that_has_it(
    cli, tmp_path, rng
) -> None:
    field = gaussian_filter(rng.standard_normal((7, 96, 96)), (0.7, 2, 2))
    planes = (1000 * np.clip(field / field.std(), 0, None) + 100).astype(np.uint16)
    for name, spacing in (("has", {"spacing": 0.5}), ("lacks", {})):
        metadata = {"axes": "ZYX", "unit": "um", **spacing}
        size = (1 / 0.16, 1 / 0.16)
        file = tmp_path / f"{name}.tif"
        tifffile.imwrite(file, planes, imagej=True, resolution=size, metadata=metadata)
    done = cli(
        *("align", tmp_path / "has.tif", tmp_path / "lacks.tif"),
        *("-o", tmp_path / "out.ome.tif", "--transform", "translation", "--json"),
    )
    assert done.code == 0, done.err
    assert "The fixed image is taken to have the other's distance between" in done.err
    assert np.array(json.loads(done.out)["matrix"])[0, 3] == pytest.approx(0, abs=0.05)
    result = read_micrograph(tmp_path / "out.ome.tif")
    assert result.voxel_size_um == pytest.approx((0.5, 0.16, 0.16))


def test_a_transform_in_pixels_does_not_fit_images_of_known_size(
    cli, pair, tmp_path
) -> None:
    plain = [tmp_path / f"plain {path.name}" for path in pair]
    for path, copy in zip(pair, plain, strict=True):
        tifffile.imwrite(copy, tifffile.imread(path))
    saved, out = tmp_path / "t.json", tmp_path / "out.ome.tif"
    shift = ("--transform", "translation")
    done = cli("align", *plain, "-o", out, *shift, "--save", saved)
    assert "pixel (RMS)" in done.err
    assert json.loads(saved.read_text(encoding="utf-8"))["unit"] == "pixel"
    again = ("-o", tmp_path / "again.ome.tif", "--apply", saved)
    assert cli("align", *pair, *again).failed_with("in units of pixel")
    assert cli("align", *plain, *again).code == 0


def test_a_set_says_under_which_name_it_took_a_pair(cli, pair, tmp_path, rng) -> None:
    """Names that differ by case only are one on many file systems."""
    shift = ("--transform", "translation", "--pairs", tmp_path / "set", "--json")
    names = []
    for name in ("cell", "CELL"):
        (tmp_path / name).mkdir()
        out = tmp_path / name / f"{name}.ome.tif"
        done = cli("align", *pair, "-o", out, *shift)
        assert done.code == 0, done.err
        names.append(json.loads(done.out)["pairs"]["field"])
    assert names == ["cell", "CELL-1"]


def test_file_whose_name_is_no_utf8_can_be_paired(cli, pair, tmp_path) -> None:
    odd = pair[0].rename(tmp_path / b"f\xfcr.tif".decode("utf-8", "surrogateescape"))
    out, folder = tmp_path / "cell.ome.tif", tmp_path / "pairs"
    done = cli("align", odd, pair[1], "-o", out, "--pairs", folder, "--json")
    assert done.code == 0, done.err
    assert len(find_pairs(folder / "source", folder / "target")) == 1


def test_movies_are_aligned_by_their_first_time_point_and_say_so(
    cli, pair, tmp_path
) -> None:
    frames = [np.stack([tifffile.imread(path)] * 2) for path in pair]
    for path, movie in zip(pair, frames, strict=True):
        tifffile.imwrite(path, movie, imagej=True, metadata={"axes": "TYX"})
    done = cli("align", *pair, "-o", tmp_path / "out.ome.tif")
    assert done.code == 0, done.err
    assert "the first is aligned by" in done.err


def test_size_of_one_side_of_a_pixel_is_none(cli, pair, tmp_path) -> None:
    """Lengths are in pixels then, along X too."""
    halves = []
    for path in pair:
        halves.append(tmp_path / f"{path.stem}-x.ome.tif")
        sizes = {"axes": "YX", "PhysicalSizeX": 0.16, "PhysicalSizeXUnit": "µm"}
        tifffile.imwrite(halves[-1], tifffile.imread(path), ome=True, metadata=sizes)
    out = tmp_path / "out.ome.tif"
    done = cli("align", *halves, "-o", out, "--transform", "translation", "--json")
    found = json.loads(done.out)
    assert found["unit"] == "pixel"
    pixels = FOUND_UM / 0.16
    assert np.array(found["matrix"])[:2, 2] == pytest.approx([6, -4], abs=pixels)
