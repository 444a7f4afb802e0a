"""Optics are completed from the micrograph; what is missing is named."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from pydantic import ValidationError

from napari_gan_enhance.errors import InputError
from napari_gan_enhance.micrograph.micrograph import Micrograph, VoxelSize
from napari_gan_enhance.micrograph.microscope import Channel, Microscope
from napari_gan_enhance.optics.settings import (
    PRESETS,
    DeconvolveSettings,
    complete,
)

KNOWN = Micrograph(
    np.zeros((2, 4, 5, 6), np.uint16),
    "CZYX",
    VoxelSize(0.3, 0.1, 0.1),
    channels=(Channel("DAPI", 461), Channel("GFP", 520)),
    microscope=Microscope(None, 1.3, 1.515),
)
PLANE = Micrograph(np.zeros((5, 6)), "YX")
RGB = Micrograph(
    np.zeros((5, 6, 3), np.uint8),
    "YXS",
    VoxelSize(None, 0.1, 0.1),
    channels=(Channel(emission_nm=520),),
    microscope=Microscope(None, 0.5, 1.0),
)


def test_all_may_come_from_the_file() -> None:
    optics = complete(DeconvolveSettings(), KNOWN)
    assert optics.numerical_aperture == 1.3
    assert optics.immersion_index == 1.515
    assert optics.emission_nm == (461, 520)
    assert optics.voxel_size_um == (0.3, 0.1, 0.1)
    assert optics.is_volume


def test_what_is_given_wins() -> None:
    settings = DeconvolveSettings(
        numerical_aperture=1.2,
        emission_nm=(None, 600),
        voxel_size_um=(None, 0.2, 0.2),
    )
    optics = complete(settings, KNOWN)
    assert optics.numerical_aperture == 1.2
    assert optics.emission_nm == (461, 600)
    assert optics.voxel_size_um == (0.3, 0.2, 0.2)


def test_everything_missing_is_named_by_its_option() -> None:
    with pytest.raises(InputError, match="nothing is guessed") as caught:
        complete(DeconvolveSettings(), PLANE)
    for option in (
        "--numerical-aperture",
        "--immersion-index",
        "--emission-nm",
        "--voxel-size-um",
        "--psf",
    ):
        assert option in str(caught.value)


def test_only_what_is_missing_is_named() -> None:
    micrograph = KNOWN.with_pixels(
        KNOWN.pixels, channels=(Channel("DAPI", 461), Channel("GFP"))
    )
    with pytest.raises(InputError, match=r"of channel 2 \(GFP\) \(--emission-nm\) -"):
        complete(DeconvolveSettings(), micrograph)


def test_stack_needs_the_distance_of_planes_and_a_plane_does_not() -> None:
    lateral = VoxelSize(None, 0.1, 0.1)
    stack = KNOWN.with_pixels(KNOWN.pixels, voxel_size_um=lateral)
    with pytest.raises(InputError, match="distance between planes"):
        complete(DeconvolveSettings(), stack)
    plane = KNOWN.with_pixels(KNOWN.pixels[:, :1], voxel_size_um=lateral)
    assert not complete(DeconvolveSettings(), plane).is_volume


def test_each_sample_of_an_rgb_image_needs_a_wavelength() -> None:
    with pytest.raises(InputError, match="sample 1, sample 2, sample 3"):
        complete(DeconvolveSettings(), RGB)
    optics = complete(DeconvolveSettings(emission_nm=(600, 520, 450)), RGB)
    assert optics.emission_nm == (600, 520, 450)


def test_psf_from_a_file_needs_no_optics() -> None:
    optics = complete(DeconvolveSettings(psf_path="psf.tif"), PLANE)
    assert optics.psf_path is not None
    assert optics.emission_nm == (None,)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"emission_nm": (500,)}, "1 emission wavelengths were given for 2 channels"),
        ({"numerical_aperture": 1.6}, "below the index"),
        ({"emission_nm": (0.5, 0.6)}, "nanometres"),
    ],
)
def test_impossible_values_are_refused(given: dict, message: str) -> None:
    with pytest.raises(InputError, match=message):
        complete(DeconvolveSettings(**given), KNOWN)


def test_presets_are_won_over_by_what_is_given() -> None:
    assert PRESETS["fair"]() == DeconvolveSettings(iterations=10)
    published = PRESETS["panek"](iterations=7, model="exact")
    assert published.iterations == 7
    assert published.model == "exact"
    assert published.numerical_aperture == 1.4
    assert published.convention == "deconvolutionlab2"


@pytest.mark.parametrize(
    "given",
    [
        {"tv_weight": 0.2},
        {"background": np.inf},
        {"algorithm": "magic"},
        {"depth_um": -1},
        {"iterations": 0},
        {"tile": 0},
        {"device": "tpu"},
        {"unknown": 1},
    ],
)
def test_settings_check_themselves(given: dict) -> None:
    with pytest.raises(ValidationError, match=next(iter(given))):
        DeconvolveSettings(**given)


def test_settings_do_not_load_torch_or_scipy() -> None:
    code = (
        "import sys, napari_gan_enhance.optics.settings;"
        "sys.exit(bool({'torch', 'scipy'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
