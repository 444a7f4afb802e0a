"""Intensity behind a pupil against theory and an independent implementation."""

from __future__ import annotations

import numpy as np
import pytest

from napari_gan_enhance.errors import InputError
from napari_gan_enhance.optics.psf_mounting import Mounting
from napari_gan_enhance.optics.psf_pupil import pupil

# of the peak: the other implementation holds paths of 1e3 radians in float32
ORACLE = 2e-3
QUADRATURE = 1e-5  # of the peak: 20,000 steps of the trapezoidal rule

WATER = (1.2, 1.333, 520.0)
MOUNTING = Mounting(
    cover_index=1.5,
    actual_cover_um=175,
    actual_cover_index=1.53,
    design_immersion_index=1.34,
    working_distance_um=100,
)


def test_aberrated_intensity_agrees_with_psf_generator() -> None:
    from psf_generator import ScalarSphericalPropagator

    n, planes, index, sample = 9, 41, 1.333, 1.38
    # It writes defocus and radius with the sample's index for the immersion's, and
    # spreads n pixels over n * pitch.
    scale = index / sample
    pitch, step = 80 * (n - 1) / n, 100 * (planes - 1) / planes
    oracle = ScalarSphericalPropagator(
        n_pix_pupil=1025,
        n_pix_psf=n,
        wavelength=520,
        na=1.2,
        pix_size=pitch * scale,
        defocus_step=step * scale,
        n_defocus=planes,
        gibson_lanni=True,
        z_p=8e3,
        n_s=sample,
        n_g=1.53,
        n_g0=1.5,
        t_g=175e3,
        t_g0=170e3,
        n_i=index,
        n_i0=1.34,
        t_i0=100e3,
        cos_factor=True,
    )
    # Its angles end where NA is reached in the designed medium.
    edge = float(oracle.s_max) * index
    field = oracle.compute_focus_field()
    expected = (field.abs() ** 2).numpy().reshape(planes, n, n)[:, n // 2, n // 2 :]
    z = oracle.t_i * 1e-3 - 100 + 0.1 * (np.arange(planes) - planes // 2)
    found = pupil(
        edge, *WATER[1:], "gibson-lanni", depth_um=8, sample_index=sample,
        mounting=MOUNTING,
    ).intensity(0.08 * np.arange(n // 2 + 1), z)  # fmt: skip
    assert np.abs(found.T / found.max() - expected / expected.max()).max() < ORACLE


@pytest.mark.parametrize(("na", "depth"), [(1.4, 4.0), (1.49, 0.3), (1.2, 4.0)])
def test_light_beyond_total_reflection_is_damped(na: float, depth: float) -> None:
    """Plain quadrature of Gibson and Lanni's integral, oil into water."""
    from scipy.special import j0

    # denser where the root turns imaginary
    t = np.linspace(
        -np.sqrt(1.33), np.sign(na - 1.33) * np.sqrt(abs(na - 1.33)), 20_001
    )
    s = 1.33 + np.sign(t) * t**2
    k = 2 * np.pi / 0.52
    path = depth * np.sqrt(1.33**2 - s**2 + 0j)
    r, z = np.array([0.0, 0.15, 0.6]), np.linspace(-7, 0, 15)
    field = j0(k * r[:, None, None] * s) * s
    field = field * np.exp(1j * k * (path + z[:, None] * np.sqrt(1.515**2 - s**2)))
    expected = np.abs(np.trapezoid(field, s)) ** 2
    found = pupil(
        na, 1.515, 520.0, "gibson-lanni", depth_um=depth, sample_index=1.33
    ).intensity(r, z)
    scale = (na**2 / 2) ** 2  # of an unaberrated peak
    assert np.abs(found / found.max() - expected / expected.max()).max() < QUADRATURE
    assert found.max() == pytest.approx(expected.max(), abs=QUADRATURE * scale)


def test_what_equals_the_design_cancels() -> None:
    same = Mounting(actual_cover_um=170, actual_cover_index=1.515)
    assert pupil(*WATER, "gibson-lanni", mounting=same).path is None
    matched = pupil(*WATER, "gibson-lanni", depth_um=9, sample_index=1.333)
    # Depth in a medium of the same index is defocus and nothing else.
    first, last = matched.focus_range
    assert (first, last) == pytest.approx((-9, -9))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"depth_um": 5}, "needs the refractive index of the sample"),
        ({"depth_um": -5, "sample_index": 1.33}, "0 or more"),
        ({"depth_um": 5, "sample_index": 0.9}, "between 1 and 3"),
        ({"depth_um": 5, "sample_index": 1.33, "model": "exact"}, "only 'gibson-lanni"),
        ({"mounting": Mounting(cover_index=1.1, actual_cover_um=160)}, "above the ap"),
    ],
)
def test_impossible_mounting_is_refused(change: dict, message: str) -> None:
    given = {"model": "gibson-lanni", **change}
    with pytest.raises(InputError, match=message):
        pupil(*WATER, **given)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"cover_um": 0.0}, "cover_um 0.0 cannot be - it is positive"),
        ({"actual_cover_index": 4.0}, "actual_cover_index 4.0 .* between 1 and 3"),
        ({"working_distance_um": float("nan")}, "positive"),
    ],
)
def test_mounting_checks_itself(change: dict, message: str) -> None:
    with pytest.raises(InputError, match=message):
        Mounting(**change)
