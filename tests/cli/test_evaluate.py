"""`evaluate` beyond its fixed options: conventions, overlap, maps, no reference."""

from __future__ import annotations

import json

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from napari_gan_enhance.io.read import read_micrograph
from napari_gan_enhance.io.write import write_micrograph
from napari_gan_enhance.metrics.fidelity import evaluate
from napari_gan_enhance.micrograph.micrograph import Micrograph, VoxelSize
from napari_gan_enhance.progress import drain


@pytest.fixture
def save(tmp_path):
    def write(name, pixels, size=0.1, axes="YX", **changes):
        voxel = VoxelSize(None, size, size)
        micrograph = Micrograph(pixels.astype(np.float32), axes, voxel, **changes)
        path = tmp_path / f"{name}.ome.tif"
        drain(write_micrograph(path, micrograph))
        return path

    return write


@pytest.fixture
def truth(rng):
    image = gaussian_filter(rng.random((64, 72)), 2)
    return (image - image.min()) / np.ptp(image)


@pytest.fixture
def pair(save, truth, rng):
    noisy = truth + rng.normal(0, 0.02, truth.shape)
    return save("result", noisy), save("reference", truth)


def test_convention_is_said_and_used(cli, pair):
    done = cli("evaluate", *pair, "--convention", "panek", "--json")
    content = json.loads(done.out)
    assert (content["convention"], content["fit"]) == ("panek", "none")
    assert content["ssim_window"] == "uniform 7 px"
    standard = json.loads(cli("evaluate", *pair, "--fit", "none", "--json").out)
    assert content["median"]["ssim"] > standard["median"]["ssim"]
    assert "micro_ssim" in standard["median"]
    assert "micro_ssim" not in content["median"]
    refused = cli("evaluate", *pair, "--convention", "panek", "--fit", "affine")
    assert refused.failed_with("'panek' came with a fit")


def test_both_fits_at_once(cli, pair, save, truth):
    doubled = save("doubled", 2 * truth)
    content = json.loads(
        cli("evaluate", doubled, pair[1], "--fit", "both", "--json").out
    )
    assert content["affine"]["median"]["mse"] < 1e-10
    assert content["none"]["median"]["mse"] > 0.1
    text = cli("evaluate", doubled, pair[1], "--fit", "both").out
    assert text.index("fit: none") < text.index("fit: affine")


def test_maps_are_images_of_the_size_of_the_reference(cli, pair, tmp_path, truth):
    folder = tmp_path / "maps"
    options = ["--map", folder, "--fit", "none"]
    assert cli("evaluate", *pair, *options).code == 0
    error = read_micrograph(folder / "error.ome.tif")
    expected = read_micrograph(pair[0]).pixels[:] - read_micrograph(pair[1]).pixels[:]
    np.testing.assert_allclose(error.pixels[:], expected, atol=1e-6)
    assert error.voxel_size_um.x == pytest.approx(0.1)
    assert read_micrograph(folder / "ssim.ome.tif").shape == truth.shape
    assert cli("evaluate", *pair, *options).failed_with("already exists")
    assert cli("evaluate", *pair, *options, "--overwrite").code == 0
    (folder / "raw.tif").touch()
    done = cli("evaluate", *pair, *options, "--overwrite")
    assert done.failed_with("'maps' in", "holds 'raw.tif'")
    assert (folder / "raw.tif").exists()


def test_overlap_is_found_in_the_world(cli, save, truth):
    reference = save("reference", truth)
    part = save("part", truth[10:50, 20:60] + 1)
    assert cli("evaluate", part, reference).failed_with("same size", "overlap")
    options = ["--overlap", "--offset-um", "0,1,2", "--json"]
    content = json.loads(cli("evaluate", part, reference, *options).out)
    assert content["median"]["mse"] < 1e-10
    away = cli("evaluate", part, reference, "--overlap", "--offset-um", "0,90,0")
    assert away.failed_with("do not overlap on axis Y")


def test_scores_are_those_of_the_library(cli, pair):
    content = json.loads(cli("evaluate", *pair, "--json").out)
    planes = [read_micrograph(path).pixels[:] for path in pair]
    assert content["median"]["ssim"] == pytest.approx(evaluate(*planes).ssim)


def test_frc_of_two_recordings(cli, save, rng):
    pytest.importorskip("cubic", reason="extra 'metrics' is not installed")
    image = gaussian_filter((rng.random((128, 128)) < 0.02) * 500.0, 2)
    first, second = (save(n, image + rng.normal(0, 0.5, image.shape)) for n in "ab")
    options = ["--resolution", "frc", "--repeat", second, "--json"]
    content = json.loads(cli("evaluate", first, *options).out)["resolution"]
    assert (content["method"], content["threshold"]) == ("frc", "1/7")
    # Spots of power 5000 exp(-(2 pi f sigma)²) fall to a sixth of the noise, 0.25.
    expected = 2 * np.pi * 0.2 / np.log(5000 * 6 / 0.25) ** 0.5
    assert content["median_um"] == pytest.approx(expected, rel=0.1)
    done = cli("evaluate", first, "--resolution", "decorrelation")
    assert "true or invented" in done.err
    assert done.out.startswith("decorrelation")


def test_single_image_frc_of_a_result_is_refused(cli, save, truth):
    path = save("enhanced", truth, provenance={"operation": "enhance"})
    done = cli("evaluate", path, "--resolution", "single-image-frc")
    assert done.failed_with("is a result of 'enhance'", "raw")


def test_niqe_with_the_users_own_images(cli, save, rng, tmp_path):
    def sharp():
        spots = gaussian_filter((rng.random((240, 240)) < 0.01) * 900.0, 1.2)
        return spots + rng.normal(20, 1, spots.shape)

    (tmp_path / "sharp").mkdir()
    for number in range(10):
        save(f"sharp/{number}", sharp())
    good = sharp()
    scores = []
    for name, image in (("good", good), ("poor", gaussian_filter(good, 3))):
        done = cli(
            "evaluate", save(name, image), "--niqe", tmp_path / "sharp", "--json"
        )
        scores.append(json.loads(done.out)["niqe"]["median"])
    assert scores[0] < scores[1]
    kept = tmp_path / "sharp.json"
    for model, more in ((tmp_path / "sharp", ["--save-niqe", kept]), (kept, [])):
        done = cli(
            "evaluate", tmp_path / "good.ome.tif", "--niqe", model, *more, "--json"
        )
        assert json.loads(done.out)["niqe"]["median"] == scores[0]
    (tmp_path / "empty" / "old.tif").mkdir(parents=True)
    (tmp_path / "empty" / "._0.tif").write_bytes(b"of macOS")
    none = cli("evaluate", save("x", good), "--niqe", tmp_path / "empty")
    assert none.failed_with("holds no images")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ([], "A REFERENCE is needed"),
        (["--niqe", ".", "--map", "m"], "need a REFERENCE"),
        (["--resolution", "frc"], "go together"),
        (["r.tif", "--offset-um", "0,0,0"], "needs --overlap"),
        (["r.tif", "--overlap", "--offset-um", "1,2"], "takes 3 numbers"),
        (["r.tif", "--overlap", "--offset-um", "nan,0,0"], "finite numbers"),
        (["r.tif", "--overlap", "--offset-um", "0,0,-inf"], "finite numbers"),
        (["r.tif", "--fit", "both", "--map", "m"], "one fit"),
    ],
)
def test_wrong_usage_is_said(cli, pair, options, words):
    done = cli("evaluate", pair[0], *options)
    assert done.code == 2
    assert words in " ".join(done.err.replace("│", " ").split())
