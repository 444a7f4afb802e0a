"""`psf`, `deconvolve` and `evaluate` as a shell would call them."""

from __future__ import annotations

import json

import numpy as np
import pytest
import tifffile

from napari_gan_enhance.io.read import read_micrograph

OIL = ("--numerical-aperture", 1.4, "--immersion-index", 1.515)
AIR = ("--numerical-aperture", 0.75, "--immersion-index", 1.0)


@pytest.fixture
def make_psf(cli, tmp_path):
    def run(*more: object, shape: str = "5,9,9"):
        return cli(
            "psf",
            *("-o", tmp_path / "psf.ome.tif", *OIL, "--emission-nm", 520),
            *("--voxel-size-um", "0.3,0.1,0.1", "--shape", shape, *more),
        )

    return run


def test_psf_is_written_with_its_optics(make_psf, tmp_path) -> None:
    done = make_psf("--json")
    assert done.code == 0
    assert json.loads(done.out)["shape"] == [5, 9, 9]
    psf = read_micrograph(tmp_path / "psf.ome.tif")
    pixels = np.asarray(psf.pixels[:])
    assert pixels.dtype == np.float32
    assert pixels.sum() == pytest.approx(1, abs=1e-6)
    assert np.unravel_index(pixels.argmax(), pixels.shape) == (2, 4, 4)
    assert tuple(psf.voxel_size_um) == pytest.approx((0.3, 0.1, 0.1))
    assert psf.microscope.numerical_aperture == 1.4
    assert psf.channels[0].emission_nm == 520


def test_psf_options_change_the_result(make_psf, tmp_path) -> None:
    found = []
    for more in ((), ("--point",), ("--model", "born-wolf")):
        assert make_psf("--overwrite", *more).code == 0
        found.append(read_micrograph(tmp_path / "psf.ome.tif").pixels[:])
    widths = [float(p[:, 4, 4].sum() / p.max()) for p in found]
    # a point sample is narrower, the paraxial defocus longer
    assert widths[1] < widths[0] < widths[2]


def test_psf_refuses_what_cannot_be(make_psf) -> None:
    assert make_psf(shape="4,9,9").failed_with("odd")
    assert make_psf(shape="4,a,9").code == 2
    assert make_psf().code == 0
    assert make_psf().failed_with("already exists")


def test_deconvolve_writes_every_channel(cli, image, tmp_path) -> None:
    done = cli(
        "deconvolve",
        *(image, "-o", tmp_path / "rl.ome.tif", *AIR, "--json"),
        *("--emission-nm", 461, "--emission-nm", 520, "--iterations", 2),
    )
    assert done.code == 0, done.err
    result = read_micrograph(tmp_path / "rl.ome.tif")
    assert result.shape == (2, 40, 50)
    assert result.pixels.dtype == np.float32
    assert [c.emission_nm for c in result.channels] == [461, 520]
    assert result.voxel_size_um.x == pytest.approx(0.16)
    assert result.provenance["settings"]["iterations"] == 2
    assert json.loads(done.out)["files"][0]["status"] == "done"


@pytest.mark.parametrize(
    "wavelengths", [("--emission-nm", 461, 520), ("--emission-nm", "461,520")]
)
def test_wavelengths_may_follow_one_option(cli, image, tmp_path, wavelengths) -> None:
    out = tmp_path / "rl.ome.tif"
    done = cli("deconvolve", image, "-o", out, *AIR, "--iterations", 1, *wavelengths)
    assert done.code == 0, done.err
    assert [c.emission_nm for c in read_micrograph(out).channels] == [461, 520]


def test_deconvolve_names_the_options_that_are_missing(cli, image, tmp_path) -> None:
    out = tmp_path / "rl.ome.tif"
    done = cli("deconvolve", image, "-o", out, *AIR)
    assert done.code == 1
    assert "--emission-nm" in done.err
    assert "--numerical-aperture" not in done.err
    assert not out.exists()


def test_deconvolve_several_files_into_a_folder(cli, image, tmp_path) -> None:
    other = tmp_path / "other.tif"
    other.write_bytes(image.read_bytes())
    arguments = ("deconvolve", image, other, "-o", tmp_path / "rl", *AIR)
    given = ("--emission-nm", "461,520", "--iterations", 1, "--json")
    assert cli(*arguments, *given).code == 0
    names = sorted(p.name for p in (tmp_path / "rl").iterdir())
    assert names == ["cells.ome.tif", "other.ome.tif"]
    again = json.loads(cli(*arguments, *given).out)
    assert [f["status"] for f in again["files"]] == ["skipped"] * 2


def test_deconvolve_does_each_image_of_a_file(cli, positions, tmp_path) -> None:
    arguments = ("deconvolve", positions, "-o", tmp_path / "rl", *AIR)
    given = ("--emission-nm", "520", "--voxel-size-um", "1,0.16,0.16")
    done = cli(*arguments, *given, "--iterations", 1)
    assert done.code == 0, done.err
    names = sorted(p.name for p in (tmp_path / "rl").iterdir())
    assert names == [f"positions_s{n}.ome.tif" for n in range(3)]


def test_deconvolve_with_a_measured_psf(cli, image, make_psf, tmp_path) -> None:
    stack = tmp_path / "stack.tif"
    tifffile.imwrite(
        stack, np.random.default_rng(1).poisson(9, (6, 20, 20)).astype(np.uint16)
    )
    assert make_psf().code == 0
    out = tmp_path / "rl.ome.tif"
    done = cli("deconvolve", stack, "-o", out, "--psf", tmp_path / "psf.ome.tif")
    assert done.code == 0, done.err
    assert read_micrograph(out).shape == (6, 20, 20)


def test_other_psf_of_the_same_name_is_another_job(cli, tmp_path, rng) -> None:
    (tmp_path / "planes").mkdir()
    for name in ("a.tif", "b.tif"):
        tifffile.imwrite(
            tmp_path / "planes" / name, rng.integers(9, 99, (20, 20), dtype=np.uint16)
        )
    psf = tmp_path / "psf.tif"
    given = ("--psf", psf, "--iterations", 1, "--json")
    run = ("deconvolve", tmp_path / "planes", "-o", tmp_path / "rl", *given)
    found = []
    for side in (1, 1, 3):
        tifffile.imwrite(psf, np.pad(np.ones((side, side), np.uint8), 4 - side // 2))
        found += [f["status"] for f in json.loads(cli(*run).out)["files"]]
    assert found == ["done"] * 2 + ["skipped"] * 2 + ["failed"] * 2


def test_deconvolve_passes_every_option_on(cli, image, tmp_path) -> None:
    out = tmp_path / "rl.ome.tif"
    done = cli(
        "deconvolve",
        *(image, "-o", out, *AIR, "--emission-nm", "461,520", "--iterations", 2),
        *("--algorithm", "total-variation", "--tv-weight", 0.01, "--background", 3),
        *("--model", "gibson-lanni", "--depth-um", 2, "--sample-index", 1.0),
    )
    assert done.code == 0, done.err
    settings = read_micrograph(out).provenance["settings"]
    wanted = {
        "algorithm": "total-variation",
        "tv_weight": 0.01,
        "background": 3,
        "model": "gibson-lanni",
        "depth_um": 2,
        "sample_index": 1.0,
        "convention": "fair",
    }
    assert {name: settings[name] for name in wanted} == wanted


def test_preset_fills_what_is_not_given(cli, image, tmp_path) -> None:
    out = tmp_path / "rl.ome.tif"
    done = cli(
        "deconvolve",
        *(image, "-o", out, "--preset", "panek", "--iterations", 3),
        *("--immersion-index", 1.515, "--emission-nm", "461,520"),
    )
    assert done.code == 0, done.err
    made = read_micrograph(out).provenance
    assert made["settings"]["convention"] == "deconvolutionlab2"
    assert made["settings"]["model"] == "born-wolf"
    assert made["settings"]["numerical_aperture"] == 1.4
    assert made["iterations"] == [3, 3]


def test_iterations_are_chosen_for_each_channel(cli, image, tmp_path) -> None:
    out = tmp_path / "rl.ome.tif"
    given = ("--emission-nm", "461,520", "--iterations", "auto", *AIR)
    done = cli("deconvolve", image, "-o", out, *given)
    assert done.code == 0, done.err
    made = read_micrograph(out).provenance
    assert made["settings"]["iterations"] == "auto"
    for channel, iterations in enumerate(made["iterations"]):
        assert f"Channel {channel + 1}: {iterations} iterations" in done.err


@pytest.mark.parametrize(
    ("given", "code", "word"),
    [
        (("--iterations", "0"), 2, "from 1 on"),
        (("--voxel-size-um", "1,2,3,4"), 2, "--voxel-size-um"),
        (("--voxel-size-um", "1,-2,3"), 2, "positive"),
        (("--emission-nm", "green"), 2, "--emission-nm"),
        (("--device", "tpu"), 2, "tpu"),
        (("--algorithm", "magic"), 2, "magic"),
        (("--tv-weight", "0.5"), 2, "0.1"),
        ((*AIR, "--emission-nm", "461,520", "--background", 1e6), 1, "--background"),
        (("--background", "nan"), 2, "--background nan:"),
        (("--depth-um", "-1"), 2, "--depth-um -1.0:"),
        (("--sample-index", "0.5"), 2, "--sample-index 0.5:"),
        (("--depth-um", "5", "--sample-index", "1.33"), 2, "gibson-lanni"),
        (("--sample-index", "1.33"), 2, "gibson-lanni"),
    ],
)
def test_wrong_options(cli, image, tmp_path, given, code: int, word: str) -> None:
    out = tmp_path / "rl.ome.tif"
    done = cli("deconvolve", image, "-o", out, *given)
    assert done.code == code
    assert word in done.err
    assert not out.exists()


@pytest.fixture
def planes(tmp_path, rng):
    reference = rng.integers(0, 1000, (3, 20, 24)).astype(np.uint16)
    grey = {"photometric": "minisblack"}
    tifffile.imwrite(tmp_path / "reference.tif", reference, **grey)
    result = (reference * 2 + 50).astype(np.float32)
    tifffile.imwrite(tmp_path / "result.tif", result, **grey)
    return tmp_path / "result.tif", tmp_path / "reference.tif"


def test_evaluate_prints_planes_and_median(cli, planes) -> None:
    done = cli("evaluate", *planes, "--fit", "none", "--data-range", 1000)
    assert done.code == 0
    rows = [line.split() for line in done.out.splitlines()]
    assert rows[0][:2] == ["plane", "mse"]
    assert [row[0] for row in rows[1:]] == ["Z0", "Z1", "Z2", "median"]


def test_evaluate_json_has_no_infinity(cli, planes) -> None:
    result, reference = planes
    fitted = json.loads(cli("evaluate", result, reference, "--json").out)
    assert fitted["median"]["ssim"] == pytest.approx(1)
    assert len(fitted["planes"]) == 3
    same = cli("evaluate", reference, reference, "--fit", "none", "--json")
    assert json.loads(same.out, parse_constant=pytest.fail)["median"]["psnr"] is None


def test_evaluate_refuses_other_sizes(cli, planes, image) -> None:
    assert cli("evaluate", planes[0], image).failed_with("same size")
