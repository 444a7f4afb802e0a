"""The confocal PSF against closed forms and plain summation."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.signal import fftconvolve
from scipy.special import j1

from napari_gan_enhance.errors import InputError
from napari_gan_enhance.optics.psf import point_spread_function
from napari_gan_enhance.optics.psf_confocal import confocal_point_spread_function
from napari_gan_enhance.optics.psf_width import fwhm_um

OBJECTIVE = {"numerical_aperture": 1.4, "immersion_index": 1.515}
COLORS = {"excitation_nm": 488.0, "emission_nm": 525.0}

ROUNDING = 2e-6  # of the peak: float32 and the radial table
STAIRCASE = 3e-3  # of the peak: the rim of the pinhole drawn in pixels of 10 nm


def airy(r: np.ndarray, wavelength_um: float) -> np.ndarray:
    v = np.maximum(2 * np.pi * 1.4 * np.abs(r) / wavelength_um, 1e-9)
    return (2 * j1(v) / v) ** 2


def test_closed_pinhole_is_the_product_of_both_airy_patterns() -> None:
    psf = confocal_point_spread_function(
        (1, 101), (0.02, 0.02), pinhole_airy=0, integrate=False, **OBJECTIVE, **COLORS
    )
    r = (np.arange(101) - 50) * 0.02
    expected = airy(r, 0.488) * airy(r, 0.525)
    assert np.abs(psf[0] / psf.max() - expected).max() < ROUNDING


def test_closed_pinhole_at_one_wavelength_is_the_wide_field_psf_squared() -> None:
    shape, voxel = (15, 21, 19), (0.2, 0.07, 0.05)
    psf = confocal_point_spread_function(
        shape, voxel, excitation_nm=525, emission_nm=525, pinhole_airy=0,
        integrate=False, **OBJECTIVE,
    )  # fmt: skip
    wide = point_spread_function(
        shape, voxel, emission_nm=525, integrate=False, **OBJECTIVE
    )
    expected = (wide / wide.max()).astype(float) ** 2
    assert np.abs(psf / psf.max() - expected).max() < ROUNDING


@pytest.mark.parametrize("airy_units", [0.3, 1.0, 3.0])
def test_pinhole_averages_the_emission(airy_units: float) -> None:
    """Sum over a disk of pixels, 10 nm wide, in and out of focus."""
    n, step, z = 401, 0.01, 0.6
    wide = {
        nm: point_spread_function(
            (3, n, n), (z, step, step), emission_nm=nm, integrate=False, **OBJECTIVE
        )
        for nm in COLORS.values()
    }
    y, x = (np.indices((n, n)) - n // 2) * step
    pinhole = np.hypot(y, x) <= airy_units * 1.2197 / 2 * 0.525 / 1.4
    expected = [
        excitation * fftconvolve(emission.astype(float), pinhole, mode="same")
        for excitation, emission in zip(wide[488.0], wide[525.0], strict=True)
    ]
    expected = np.array(expected)[:, 150:251, 150:251]
    psf = confocal_point_spread_function(
        (3, 101, 101), (z, step, step), pinhole_airy=airy_units, integrate=False,
        **OBJECTIVE, **COLORS,
    )  # fmt: skip
    assert np.abs(psf / psf.max() - expected / expected.max()).max() < STAIRCASE


def test_open_pinhole_leaves_the_excitation() -> None:
    voxel = (0.1, 0.03, 0.03)
    open_width, wide_width = (
        fwhm_um(psf, voxel)
        for psf in (
            confocal_point_spread_function(
                (15, 31, 31), voxel, pinhole_airy=20, **OBJECTIVE, **COLORS
            ),
            point_spread_function((15, 31, 31), voxel, emission_nm=488, **OBJECTIVE),
        )
    )
    # 1 % of the emission misses a pinhole so wide, most of it out of focus
    assert open_width == pytest.approx(wide_width, rel=0.01)


def test_light_out_of_focus_is_rejected() -> None:
    """Wide field keeps it: each of its planes holds the same light."""
    shape, voxel = (21, 81, 81), (0.3, 0.1, 0.1)
    psf = confocal_point_spread_function(shape, voxel, **OBJECTIVE, **COLORS)
    planes = psf.sum((1, 2), dtype=float)
    assert psf.sum(dtype=float) == pytest.approx(1, abs=1e-5)
    assert np.unravel_index(psf.argmax(), shape) == (10, 40, 40)
    # Far from focus a small pinhole passes light as 1 / z^2.
    assert planes[0] < 0.01 * planes[10]


def test_depth_blurs_the_confocal_psf_too() -> None:
    given = {**OBJECTIVE, **COLORS, "model": "gibson-lanni", "sample_index": 1.33}
    shape, voxel = (31, 15, 15), (0.1, 0.05, 0.05)
    at_slip, deep = (
        confocal_point_spread_function(shape, voxel, depth_um=depth, **given)
        for depth in (0, 10)
    )
    assert np.unravel_index(deep.argmax(), shape) == (15, 7, 7)
    assert deep.max() < 0.7 * at_slip.max()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"pinhole_airy": -1}, "0 to 20"),
        ({"pinhole_airy": float("nan")}, "0 to 20"),
        ({"excitation_nm": 600}, "exchange or"),
        ({"excitation_nm": 0.488}, "nanometres"),
    ],
)
def test_impossible_confocal_is_refused(change: dict, message: str) -> None:
    given = {**OBJECTIVE, **COLORS, **change}
    with pytest.raises(InputError, match=message):
        confocal_point_spread_function((3, 5, 5), (0.3, 0.1, 0.1), **given)
