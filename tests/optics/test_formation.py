from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from scipy.ndimage import center_of_mass

from napari_gan_enhance.errors import InputError
from napari_gan_enhance.optics.formation import (
    FormationSettings,
    expected_photons,
    form_image,
)
from napari_gan_enhance.optics.psf import point_spread_function
from napari_gan_enhance.optics.transfer import FormationOptics, Haze, transfer

if TYPE_CHECKING:
    from numpy.typing import NDArray

OPTICS = FormationOptics(
    numerical_aperture=1.3, emission_nm=520, pixel_um=0.159, plane_um=0.3
)
AIR = OPTICS.model_copy(update={"numerical_aperture": 0.5, "immersion_index": 1.0})

FLUX = 1e-4
"""Relative, as for Richardson-Lucy (anchor in the specifications); the tails of haze
beyond its margin come back at another place, 3e-5 of the light."""

SHIFT = 1e-3
"""Pixels, as for the PSF itself (anchor in the specifications)."""

NOISE = 0.05
"""Anchor in the specifications: variance / mean within 5 % of the gain. Over the 40,000
pixels used the ratio itself scatters by 0.7 %."""

SAME = 2e-5
"""Of the peak: two ways to the same convolution in float32."""


def point(shape: tuple[int, ...]) -> NDArray[np.float32]:
    image = np.zeros(shape, np.float32)
    image[tuple(n // 2 for n in shape)] = 1000
    return image


def settings(**changes: object) -> FormationSettings:
    return FormationSettings(**{"optics": OPTICS, **changes})


def fwhm(profile: NDArray[np.float32]) -> float:
    """Full width at half maximum in samples, by linear interpolation."""
    half, peak = profile.max() / 2, int(profile.argmax())
    right = peak + int(np.argmax(profile[peak:] < half))
    left = peak - int(np.argmax(profile[peak::-1] < half))

    def crossing(inner: int, outer: int) -> float:
        a, b = profile[inner], profile[outer]
        return inner + (outer - inner) * float((a - half) / (a - b))

    return crossing(right - 1, right) - crossing(left + 1, left)


def test_point_in_focus_becomes_the_psf() -> None:
    psf = point_spread_function(
        (41, 41),
        (0.159, 0.159),
        numerical_aperture=1.3,
        immersion_index=1.515,
        emission_nm=520,
    )
    image = expected_photons(point((41, 41)), settings())
    # The PSF is cut off at its 98 % radius, 13 pixels.
    middle = slice(10, 31)
    ratio = image[middle, middle] / psf[middle, middle]
    np.testing.assert_allclose(ratio, ratio[10, 10], rtol=0.005)


def test_sampled_finely_a_point_has_the_width_of_theory() -> None:
    fine = OPTICS.model_copy(update={"pixel_um": 0.02})
    image = expected_photons(point((201, 201)), settings(optics=fine))
    # 0.514 wavelength / NA; 2 % as for the PSF (anchor in the specifications)
    assert 0.02 * fwhm(image[100]) == pytest.approx(0.514 * 0.52 / 1.3, rel=0.02)


@pytest.mark.parametrize("shape", [(41, 57), (9, 41, 57)], ids=["plane", "stack"])
@pytest.mark.parametrize(
    "haze",
    [None, Haze(share=0.4, width_um=2), Haze(share=0.4, width_um=2, kind="defocus")],
    ids=["sharp", "gaussian", "defocus"],
)
def test_point_stays_where_it_is_and_keeps_its_light(
    shape: tuple[int, ...], haze: Haze | None
) -> None:
    focus = None if len(shape) == 2 else 4
    image = expected_photons(point(shape), settings(haze=haze), focus=focus)
    assert image.sum() == pytest.approx(1000, rel=FLUX)
    assert center_of_mass(image) == pytest.approx((20, 28), abs=SHIFT)


def test_planes_out_of_focus_give_all_their_light_to_each_focal_plane() -> None:
    image = expected_photons(point((9, 64, 64)), settings())
    np.testing.assert_allclose(image.sum((1, 2)), 1000, rtol=1e-5)
    peaks = image.max((1, 2))
    assert (np.diff(peaks[4:]) < 0).all()
    np.testing.assert_allclose(peaks, peaks[::-1], rtol=1e-4)


def test_focal_plane_is_that_plane_of_the_whole_stack(
    rng: np.random.Generator,
) -> None:
    stack = rng.random((7, 40, 48), np.float32)
    whole = expected_photons(stack, settings())
    for focus in (0, 3, 6):
        one = expected_photons(stack, settings(), focus=focus)
        # Another depth has another margin, in which a cut-off cone differs slightly.
        np.testing.assert_allclose(one, whole[focus], rtol=2e-3)


def test_stack_is_convolved_plane_by_plane(rng: np.random.Generator) -> None:
    from scipy.signal import fftconvolve

    stack = np.zeros((3, 60, 60), np.float32)
    stack[:, 25:35, 25:35] = rng.random((3, 10, 10))
    image = expected_photons(stack, settings(optics=AIR))
    psf = point_spread_function(
        (5, 121, 121),
        (0.3, 0.159, 0.159),
        numerical_aperture=0.5,
        immersion_index=1.0,
        emission_nm=520,
    ).astype(np.float64)
    psf /= psf.sum((1, 2), keepdims=True)
    expected = fftconvolve(stack, psf, "same")
    inside = (slice(None), slice(22, 38), slice(22, 38))
    # The tails beyond the 98 % radius are cut off and their light is shared out.
    np.testing.assert_allclose(image[inside], expected[inside], rtol=0.03)


def test_constant_stays_constant_to_the_edge() -> None:
    image = expected_photons(np.full((50, 61), 7.0), settings())
    np.testing.assert_allclose(image, 7, rtol=FLUX)


def test_finer_object_is_binned_to_the_camera() -> None:
    fine = np.zeros((164, 164), np.float32)
    fine[80:84, 80:84] = 1  # just the camera pixel (20, 20)
    image = expected_photons(fine, settings(sampling=4))
    assert image.shape == (41, 41)
    assert image.sum() == pytest.approx(16, rel=FLUX)
    assert center_of_mass(image) == pytest.approx((20, 20), abs=SHIFT)
    shifted = expected_photons(np.roll(fine, 2, 1), settings(sampling=4))
    assert center_of_mass(shifted) == pytest.approx((20, 20.5), abs=SHIFT)


def test_gaussian_haze_has_its_share_and_width() -> None:
    haze = Haze(share=0.5, width_um=1.0)
    hazy = expected_photons(point((101, 101)), settings(haze=haze))
    clear = expected_photons(point((101, 101)), settings())
    spread = 2 * hazy - clear
    # sigma = 1 / 0.159 pixels; peak of a Gaussian of sum 1000
    assert spread[50, 50] == pytest.approx(1000 * 0.159**2 / (2 * np.pi), rel=1e-3)


def test_peak_is_the_photon_budget_and_background_comes_on_top() -> None:
    image = expected_photons(point((41, 41)), settings(photons=80, background=5))
    assert image.max() == pytest.approx(85, rel=1e-6)
    assert image[0, 0] == pytest.approx(5, rel=1e-2)


def test_dark_object_gives_background_only() -> None:
    image = expected_photons(np.zeros((20, 20)), settings(photons=80, background=5))
    assert (image == 5).all()


@pytest.mark.parametrize("gain", [0.3, 2.5])
def test_variance_over_mean_is_the_gain(gain: float) -> None:
    camera = settings(gain=gain, offset=100)
    image = form_image(np.full((200, 200), 50.0), camera)
    assert image.dtype == np.float32
    assert image.mean() == pytest.approx(100 + 50 * gain, rel=0.01)
    assert image.var() / (image.mean() - 100) == pytest.approx(gain, rel=NOISE)


def test_read_noise_is_in_electrons() -> None:
    dark = form_image(np.zeros((200, 200)), settings(gain=2, offset=100, read_noise=3))
    assert dark.mean() == pytest.approx(100, abs=0.2)
    assert dark.std() == pytest.approx(6, rel=0.02)


@pytest.mark.parametrize(
    ("bits", "dtype", "top"),
    [(8, np.uint8, 255), (12, np.uint16, 4095), (16, np.uint16, 65535)],
)
def test_camera_rounds_and_saturates(bits: int, dtype: type, top: int) -> None:
    bright = np.full((32, 32), 1e5)
    image = form_image(bright, settings(bits=bits))
    assert image.dtype == dtype
    assert (image == top).all()
    dark = form_image(np.zeros((32, 32)), settings(bits=bits, offset=3, read_noise=9))
    assert dark.min() == 0


def test_rounded_image_differs_from_the_real_one_by_half_a_level() -> None:
    sharp = np.full((32, 32), 20.0)
    real = form_image(sharp, settings(gain=1.7, offset=10, read_noise=1))
    rounded = form_image(sharp, settings(gain=1.7, offset=10, read_noise=1, bits=16))
    assert np.abs(real - rounded).max() <= 0.5 + 1e-5
    assert np.abs(real - rounded).max() > 0.4


def test_noise_follows_the_seed(rng: np.random.Generator) -> None:
    sharp = 100 * rng.random((32, 32))
    first, again, other = (form_image(sharp, settings(seed=s)) for s in (1, 1, 2))
    assert (first == again).all()
    assert (first != other).any()
    drawn = form_image(sharp, settings(), rng=np.random.default_rng(1))
    assert (drawn == first).all()


def test_expectation_is_the_mean_of_images(rng: np.random.Generator) -> None:
    sharp = 100 * rng.random((24, 24))
    camera = settings(gain=2, offset=50, background=3)
    images = [form_image(sharp, camera, rng=rng) for _ in range(400)]
    difference = np.mean(images, 0) - camera.levels(expected_photons(sharp, camera))
    # Standard error: gain sqrt(about 53 / 400) = 0.73 levels.
    assert difference.std() == pytest.approx(2 * np.sqrt(53 / 400), rel=0.15)
    assert abs(difference.mean()) < 4 * 0.73 / 24


def test_object_is_not_changed(rng: np.random.Generator) -> None:
    sharp = rng.random((5, 24, 24), np.float32)
    before = sharp.copy()
    form_image(sharp, settings(photons=10))
    assert (sharp == before).all()


def test_transfer_functions_are_computed_once() -> None:
    first, again, other = (
        transfer(OPTICS, None, sampling=1, depth=depth, shape=(32, 32))
        for depth in (4, 4, 5)
    )
    assert first is again
    assert other is not first
    with pytest.raises(ValueError, match="read-only"):
        first.functions[0] = 0


@pytest.mark.parametrize(
    ("sharp", "changes", "focus", "message"),
    [
        (np.zeros(4), {}, None, r"axes \(Y, X\) or \(Z, Y, X\)"),
        (np.zeros((0, 4)), {}, None, "at least one pixel"),
        (np.zeros((9, 8)), {"sampling": 4}, None, "multiples of the sampling, 4"),
        (np.zeros((3, 8, 8)), {}, 3, "planes 0 to 2"),
        (np.full((8, 8), -1.0), {}, None, r"down to -1\b"),
        (np.full((8, 8), np.nan), {}, None, "NaN"),
        (
            np.zeros((3, 8, 8)),
            {"optics": OPTICS.model_copy(update={"plane_um": None})},
            None,
            "give plane_um",
        ),
    ],
    ids=["line", "empty", "sampling", "focus", "negative", "nan", "planes"],
)
def test_impossible_objects_are_refused(
    sharp: NDArray[np.float64],
    changes: dict[str, object],
    focus: int | None,
    message: str,
) -> None:
    with pytest.raises(InputError, match=message):
        form_image(sharp, settings(**changes), focus=focus)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"gain": 0}, "gain"),
        ({"read_noise": -1}, "read_noise"),
        ({"background": -1}, "background"),
        ({"photons": 0}, "photons"),
        ({"bits": 10}, "bits"),
        ({"bits": 8, "offset": 255}, "beyond 8 bits"),
        ({"photons": float("nan")}, "photons"),
        ({"haze": {"share": 1, "width_um": 1}}, "share"),
        ({"optics": {**OPTICS.model_dump(), "numerical_aperture": 1.6}}, "aperture"),
        ({"colour": 1}, "colour"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_impossible_settings_are_refused(
    changes: dict[str, object], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        settings(**changes)
