"""Widths of point spread functions and the sampling they need."""

from __future__ import annotations

import numpy as np
import pytest

from napari_gan_enhance.errors import InputError
from napari_gan_enhance.optics.psf import point_spread_function
from napari_gan_enhance.optics.psf_width import coarse_axes, fwhm_um, nyquist_um

OIL = {"numerical_aperture": 1.4, "immersion_index": 1.515, "emission_nm": 520.0}

SPLINE = 0.005  # of a width: a cubic spline through 3 samples for each FWHM
THEORY = 0.02  # of a width: closed forms, and voxels of a fifth of it


def gaussian(shape: tuple[int, ...], sigmas: tuple[float, ...]) -> np.ndarray:
    grids = np.meshgrid(*(np.arange(n) - n // 2 for n in shape), indexing="ij")
    return np.exp(-sum((g / s) ** 2 for g, s in zip(grids, sigmas, strict=True)) / 2)


def test_width_of_a_gaussian_along_each_axis() -> None:
    psf = gaussian((31, 15, 17), (4.0, 1.3, 1.7))
    expected = np.sqrt(8 * np.log(2)) * np.array([4.0 * 0.3, 1.3 * 0.1, 1.7 * 0.15])
    assert fwhm_um(psf, (0.3, 0.1, 0.15)) == pytest.approx(expected, rel=SPLINE)
    assert fwhm_um(psf[15], (0.3, 0.1, 0.15)) == pytest.approx(expected[1:], rel=SPLINE)


def test_width_of_the_computed_psf_is_that_of_theory() -> None:
    psf = point_spread_function((25, 21, 21), (0.05, 0.04, 0.04), **OIL)
    # axial: 2000-point quadrature, see dependencies table 1
    expected = (0.5124, 0.514 * 0.52 / 1.4, 0.514 * 0.52 / 1.4)
    assert fwhm_um(psf, (0.05, 0.04, 0.04)) == pytest.approx(expected, rel=THEORY)


def test_width_that_is_not_in_the_array_is_none() -> None:
    psf = gaussian((5, 21, 21), (9.0, 2.0, 2.0))
    assert fwhm_um(psf, (0.3, None, 0.1))[:2] == (None, None)
    assert fwhm_um(psf[:1], (0.3, 0.1, 0.1))[0] is None


@pytest.mark.parametrize(
    ("psf", "voxel"), [(np.zeros((3, 3)), (0.1, 0.1)), (np.ones((3, 3)), (0.1,))]
)
def test_width_of_nothing_is_refused(psf: np.ndarray, voxel: tuple) -> None:
    with pytest.raises(InputError, match="has no width"):
        fwhm_um(psf, voxel)


def test_nyquist_is_half_the_finest_period() -> None:
    # by hand: cos alpha = 0.38216, 0.52 / (2 * 1.515 * 0.61784); 0.52 / 5.6
    assert nyquist_um(**OIL) == pytest.approx((0.27777, 0.092857), rel=1e-4)


def test_coarse_axes_are_named() -> None:
    nyquist = nyquist_um(**OIL)
    assert coarse_axes((0.3, 0.09, 0.1), nyquist) == "ZX"
    assert coarse_axes((None, 0.1, 0.09), nyquist) == "Y"
    assert coarse_axes((0.09, 0.09), nyquist) == ""
