"""Point spread functions against theory and an independent implementation."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import j1

from napari_gan_enhance.errors import InputError
from napari_gan_enhance.optics.psf import point_spread_function, psf_shape
from napari_gan_enhance.optics.psf_mounting import Mounting

NA, INDEX, WAVELENGTH_UM = 1.4, 1.515, 0.52
OIL = {
    "numerical_aperture": NA,
    "immersion_index": INDEX,
    "emission_nm": 1000 * WAVELENGTH_UM,
}

THEORY = 0.02  # of a FWHM: closed forms of the paraxial limit, rounded to 3 digits
GRID = 0.002  # of a FWHM: linear interpolation on the 10 nm grid
ORACLE = 2e-6  # of the peak: the other implementation integrates in float32
FOCUS = 1e-3  # of the peak: the focus is looked for in steps of 1e-4 um
FLOAT32_SUM = 1e-5  # a sum over 1e5 float32 values


def fwhm(values: np.ndarray, step: float) -> float:
    center = len(values) // 2
    half = values[center] / 2
    i = center + int(np.argmax(values[center:] < half))
    share = (values[i - 1] - half) / (values[i - 1] - values[i])
    return 2 * (i - 1 - center + share) * step


@pytest.fixture(scope="module", params=["exact", "born-wolf"])
def fine(request: pytest.FixtureRequest) -> tuple[str, np.ndarray]:
    shape, voxel = (201, 3, 101), (0.01, 0.01, 0.01)
    return request.param, point_spread_function(
        shape, voxel, model=request.param, **OIL
    )


def test_lateral_fwhm_is_that_of_the_airy_disk(fine: tuple[str, np.ndarray]) -> None:
    expected = 0.514 * WAVELENGTH_UM / NA
    assert fwhm(fine[1][100, 1], 0.01) == pytest.approx(expected, rel=THEORY)


def test_axial_fwhm_is_that_of_the_model(fine: tuple[str, np.ndarray]) -> None:
    # 2000-point quadrature of both models, see dependencies table 1
    expected = {"exact": 0.5124, "born-wolf": 0.7123}[fine[0]]
    assert fwhm(fine[1][:, 1, 50], 0.01) == pytest.approx(expected, rel=GRID)


def test_paraxial_profile_on_the_axis_is_a_squared_sinc() -> None:
    psf = point_spread_function(
        (121, 1, 1), (0.02, 0.02, 0.02), model="born-wolf", integrate=False, **OIL
    )
    z = (np.arange(121) - 60) * 0.02
    expected = np.sinc(NA**2 * z / (2 * INDEX * WAVELENGTH_UM)) ** 2
    assert np.abs(psf[:, 0, 0] / psf.max() - expected).max() < ORACLE


def test_plane_in_focus_is_the_airy_pattern_with_its_first_zero() -> None:
    psf = point_spread_function((1, 201), (0.005, 0.005), integrate=False, **OIL)
    v = 2 * np.pi * NA * np.abs(np.arange(201) - 100) * 0.005 / WAVELENGTH_UM
    v[100] = 1e-9
    assert np.abs(psf[0] / psf.max() - (2 * j1(v) / v) ** 2).max() < ORACLE
    dark = 100 + int(np.argmin(psf[0, 100:170]))
    assert (dark - 100) * 0.005 == pytest.approx(0.61 * WAVELENGTH_UM / NA, rel=THEORY)


def test_agrees_with_psf_generator() -> None:
    from psf_generator import ScalarSphericalPropagator

    n, depth = 21, 9
    # It spreads n pixels over n * pitch: the pitch is (n - 1) / n of what it is told.
    field = ScalarSphericalPropagator(
        n_pix_pupil=513,
        n_pix_psf=n,
        wavelength=520,
        na=NA,
        pix_size=50 * (n - 1) / n,
        defocus_step=150 * (depth - 1) / depth,
        n_defocus=depth,
        n_i=INDEX,
        n_i0=INDEX,
        cos_factor=True,
    ).compute_focus_field()
    expected = (field.abs() ** 2).numpy().reshape(depth, n, n)
    psf = point_spread_function(
        (depth, n, n), (0.15, 0.05, 0.05), integrate=False, **OIL
    )
    assert np.abs(psf / psf.max() - expected / expected.max()).max() < ORACLE


@pytest.mark.parametrize("model", ["exact", "born-wolf"])
@pytest.mark.parametrize("shape", [(9, 31, 27), (31, 31), (1, 1, 1), (65, 65, 65)])
def test_sum_centroid_and_symmetry(shape: tuple[int, ...], model: str) -> None:
    psf = point_spread_function(shape, (0.3, 0.159, 0.12), model=model, **OIL)
    assert psf.dtype == np.float32
    assert psf.shape == shape
    assert psf.min() >= 0
    assert psf.sum(dtype=float) == pytest.approx(1, abs=FLOAT32_SUM)
    middle = tuple(n // 2 for n in shape)
    assert np.unravel_index(psf.argmax(), shape) == middle
    for axis, grid in enumerate(np.indices(shape)):
        assert (grid * psf).sum(dtype=float) == pytest.approx(middle[axis], abs=1e-3)
        np.testing.assert_array_equal(psf, np.flip(psf, axis))


def test_gibson_lanni_as_designed_is_exact() -> None:
    shape, voxel = (9, 15, 15), (0.3, 0.1, 0.1)
    exact = point_spread_function(shape, voxel, **OIL)
    for more in ({}, {"depth_um": 0, "sample_index": 1.33}, {"mounting": Mounting()}):
        designed = point_spread_function(
            shape, voxel, model="gibson-lanni", **OIL, **more
        )
        np.testing.assert_array_equal(designed, exact)


def test_depth_in_the_immersion_medium_itself_changes_nothing() -> None:
    """Defocus only, and the focus is in the middle again."""
    shape, voxel = (9, 15, 15), (0.3, 0.1, 0.1)
    deep = point_spread_function(
        shape, voxel, model="gibson-lanni", depth_um=40, sample_index=INDEX, **OIL
    )
    exact = point_spread_function(shape, voxel, **OIL)
    assert np.abs(deep - exact).max() < FOCUS * exact.max()


@pytest.mark.parametrize("integrate", [True, False])
def test_spherical_aberration_of_oil_in_water(integrate: bool) -> None:
    """Rays at the edge of the pupil meet farther from the objective's focus."""
    shape, voxel = (81, 31, 31), (0.1, 0.08, 0.08)
    at_slip, deep = (
        point_spread_function(
            shape, voxel, model="gibson-lanni", integrate=integrate,
            depth_um=depth, sample_index=1.33, **OIL,
        )
        for depth in (0, 10)
    )  # fmt: skip
    assert deep.sum(dtype=float) == pytest.approx(1, abs=FLOAT32_SUM)
    assert np.unravel_index(deep.argmax(), shape) == (40, 15, 15)
    assert deep.max() < 0.5 * at_slip.max()
    np.testing.assert_array_equal(deep, deep[:, ::-1, ::-1])
    # A ray of n sin = s focuses at a stage travel of d sqrt(1.515^2 - s^2) / sqrt(
    # 1.33^2 - s^2), which grows with s: the long tail points into the sample.
    axis = deep[:, 15, 15].astype(float)
    assert axis[-20:].sum() > 3 * axis[:20].sum()


def test_shape_has_room_for_spherical_aberration() -> None:
    image, voxel = (128, 256, 256), (0.3, 0.1, 0.1)
    deep = psf_shape(
        image, voxel, model="gibson-lanni", depth_um=10, sample_index=1.33, **OIL
    )
    # Rays along the axis focus at 10 * 1.515 / 1.33 = 11.4 um, those of 0.95 * 1.33 at
    # 10 * 0.836 / 0.415 = 20.1 um: 8.7 um and twice 0.557 um make 33 planes.
    assert deep[0] == pytest.approx(2 * 33 + 1, abs=2)
    assert psf_shape(image, voxel, model="gibson-lanni", **OIL)[0] == 9


def test_integrated_pixel_is_the_mean_of_points_within_it() -> None:
    coarse = point_spread_function((3, 9, 9), (0.3, 0.16, 0.16), **OIL)
    points = point_spread_function(
        (45, 135, 135), (0.02, 0.16 / 15, 0.16 / 15), integrate=False, **OIL
    )
    means = points.reshape(3, 15, 9, 15, 9, 15).mean(axis=(1, 3, 5), dtype=float)
    # The mean of 15 points is the midpoint rule: 1e-3 of the peak here.
    assert np.abs(coarse / coarse.max() - means / means.max()).max() < 2e-3


def test_coarse_pixels_are_integrated_as_finely_as_they_need() -> None:
    """One pixel of 1.3 um holds three dark rings."""
    coarse = point_spread_function((3, 3), (1.3, 1.3), **OIL)
    points = point_spread_function((303, 303), (1.3 / 101,) * 2, integrate=False, **OIL)
    means = points.reshape(3, 101, 3, 101).mean(axis=(1, 3), dtype=float)
    # The midpoint rule of 101 points errs by 1e-5 of the peak here.
    assert np.abs(coarse / coarse.max() - means / means.max()).max() < 1e-4


def test_narrows_with_aperture_and_widens_with_wavelength() -> None:
    def width(na: float, nm: float) -> float:
        psf = point_spread_function(
            (1, 201),
            (0.01, 0.01),
            numerical_aperture=na,
            immersion_index=INDEX,
            emission_nm=nm,
        )
        return fwhm(psf[0], 0.01)

    assert width(1.4, 520) < width(1.2, 520) < width(1.2, 600)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"shape": (8, 31, 31)}, "odd"),
        ({"shape": (31,)}, "odd"),
        ({"voxel_size_um": (None, 0.1, 0.1)}, "3 positive"),
        ({"numerical_aperture": 1.6}, "below the index"),
        ({"numerical_aperture": -1.0}, "above 0"),
        ({"emission_nm": 0.52}, "nanometres"),
        ({"model": "gibson"}, "born-wolf"),
    ],
)
def test_impossible_optics_are_refused(change: dict, message: str) -> None:
    legal = {"shape": (9, 9, 9), "voxel_size_um": (0.3, 0.1, 0.1), **OIL}
    with pytest.raises(InputError, match=message):
        point_spread_function(**{**legal, **change})


def test_plane_takes_the_lateral_part_of_a_voxel_size() -> None:
    plane = point_spread_function((9, 9), (None, 0.1, 0.1), **OIL)
    np.testing.assert_array_equal(
        plane, point_spread_function((9, 9), (0.1, 0.1), **OIL)
    )


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        ((512, 512), (25, 25)),  # 5.1 * 0.52 / 1.4 = 1.89 um = 12 px
        ((7, 512), (7, 25)),  # never larger than the image
        # two axial zeros of 0.557 um = 4 planes; cone 1.2 um * 2.42 + 0.37 um = 21 px
        ((64, 512, 512), (9, 43, 43)),
        ((3, 512, 512), (3, 25, 25)),
    ],
)
def test_shape_holds_the_light(image: tuple[int, ...], expected: tuple) -> None:
    voxel = (0.3, 0.159, 0.159)[-len(image) :]
    assert psf_shape(image, voxel, **OIL) == expected


def test_plane_of_the_chosen_shape_holds_98_percent_of_the_light() -> None:
    size = psf_shape((999, 999), (0.1, 0.1), **OIL)[0]
    wide = point_spread_function((401, 401), (0.1, 0.1), **OIL)
    inner = slice(200 - size // 2, 201 + size // 2)
    y, x = np.indices(wide.shape) - 200
    # The disk of the same radius; 0.25 % of the light lies beyond 401 px as well.
    disk = np.hypot(y, x) <= size // 2
    assert wide[disk].sum() == pytest.approx(0.98, abs=0.005)
    assert wide[inner, inner].sum() > wide[disk].sum()
