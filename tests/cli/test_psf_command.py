"""`psf` below the cover slip and of a confocal microscope."""

from __future__ import annotations

import json

import pytest

from napari_gan_enhance.io.read import read_micrograph
from napari_gan_enhance.micrograph.microscope import Modality


@pytest.fixture
def make_psf(cli, tmp_path):
    def run(*more: object):
        return cli(
            "psf",
            *("-o", tmp_path / "psf.ome.tif", "--shape", "5,9,9"),
            *("--numerical-aperture", 1.4, "--immersion-index", 1.515),
            *("--emission-nm", 520, "--voxel-size-um", "0.3,0.1,0.1", *more),
        )

    return run


def test_psf_deep_in_the_sample(make_psf, tmp_path) -> None:
    deep = ("--model", "gibson-lanni", "--depth-um", 10, "--sample-index", 1.33)
    assert json.loads(make_psf(*deep, "--json").out)["depth_um"] == 10
    psf = read_micrograph(tmp_path / "psf.ome.tif")
    assert psf.provenance["sample_index"] == 1.33
    # Peak of the same PSF at the cover slip, computed without a depth.
    assert make_psf("--overwrite").code == 0
    at_slip = read_micrograph(tmp_path / "psf.ome.tif").pixels[:]
    assert psf.pixels[:].max() < 0.5 * at_slip.max()


def test_psf_of_a_confocal_microscope(make_psf, tmp_path) -> None:
    done = make_psf("--excitation-nm", 488, "--json")
    assert json.loads(done.out)["pinhole_airy"] == 1
    psf = read_micrograph(tmp_path / "psf.ome.tif")
    assert psf.microscope.modality is Modality.CONFOCAL
    assert psf.channels[0].excitation_nm == 488
    one = psf.pixels[:]
    confocal = ("--excitation-nm", 488, "--pinhole-airy", 0, "--overwrite")
    assert make_psf(*confocal).code == 0
    # a closed pinhole is sharper
    assert read_micrograph(tmp_path / "psf.ome.tif").pixels[:].max() > one.max()


def test_what_does_not_go_together_is_refused(make_psf) -> None:
    assert make_psf("--pinhole-airy", 1).code == 2
    assert make_psf("--depth-um", 5).failed_with("gibson-lanni")
    deep = make_psf("--depth-um", 5, "--model", "gibson-lanni")
    assert deep.failed_with("index of the sample")
