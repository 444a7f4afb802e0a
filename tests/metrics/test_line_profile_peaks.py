"""Widths of filaments of known width, and verdicts on pairs of known distance."""

from __future__ import annotations

import math

import numpy as np
import pytest

from napari_gan_enhance.metrics.line_profile import line_profile
from napari_gan_enhance.metrics.line_profile_peaks import (
    Verdict,
    find_peaks,
    noise_of,
    separation,
    with_fitted_widths,
)

SIZE = 80
MIDDLE = SIZE / 2
HALF_LENGTH = 20.0
FWHM_PER_SIGMA = 2 * math.sqrt(2 * math.log(2))

FWHM = 0.02
"""Asked for: 2 % on any single filament from 3 pixels on."""

FWHM_IN_NOISE = 0.03
"""Of the mean of 40 filaments with noise: they scatter by 5 %, their mean by 1."""

NOISE = 0.25
"""noise_of samples between pixels, where white noise is a little smoother."""

RAYLEIGH_DISTANCE = 1.19
"""In FWHM: two Gaussians so far apart have a dip of 26.6 %."""


def filaments(angle, offsets, fwhm, *, noise=0.0, rng=None):
    """Return an image of straight Gaussian ridges of height 1, and a unit normal."""
    y, x = np.indices((SIZE, SIZE)) - MIDDLE
    normal = np.array([math.cos(angle), math.sin(angle)])
    across, sigma = y * normal[0] + x * normal[1], fwhm / FWHM_PER_SIGMA
    ridges = [np.exp(-((across - o) ** 2) / (2 * sigma**2)) for o in offsets]
    image = 0.2 + np.sum(ridges, axis=0)
    if noise:
        image = image + rng.normal(0, noise, image.shape)
    return image, normal


def profile(image, normal, width=1):
    return line_profile(
        image, MIDDLE - HALF_LENGTH * normal, MIDDLE + HALF_LENGTH * normal, width
    )


@pytest.mark.parametrize("measure", ["curve", "fit"])
@pytest.mark.parametrize("fwhm", [3.0, 4.0, 6.5, 10.0])
def test_width_of_filaments_at_any_angle(fwhm, measure, rng) -> None:
    for _ in range(20):
        offset = rng.uniform(-0.5, 0.5)
        image, normal = filaments(rng.uniform(0, math.pi), [offset], fwhm)
        distance, values = profile(image, normal)
        peaks = find_peaks(distance, values)
        if measure == "fit":
            peaks = with_fitted_widths(distance, values, peaks)
        (peak,) = peaks
        assert peak.fwhm == pytest.approx(fwhm, rel=FWHM)
        assert peak.position == pytest.approx(HALF_LENGTH + offset, abs=0.02)
        assert peak.height == pytest.approx(1, rel=0.02)


def test_fitted_width_in_noise_is_unbiased_and_knows_its_error(rng) -> None:
    found = []
    for _ in range(40):
        image, normal = filaments(
            rng.uniform(0, math.pi), [0.2], 4.0, noise=0.05, rng=rng
        )
        distance, values = profile(image, normal, width=3)
        peaks = find_peaks(distance, values)
        found += with_fitted_widths(distance, values, peaks)
    widths = np.array([peak.fwhm for peak in found])
    errors = np.array([peak.fwhm_error for peak in found])
    assert widths.mean() == pytest.approx(4, rel=FWHM_IN_NOISE)
    # Standard deviation of 40 normal numbers: within a third of the true one.
    assert widths.std() == pytest.approx(errors.mean(), rel=0.35)


def test_overlapping_peaks_are_fitted_together(rng) -> None:
    image, normal = filaments(0.4, [-3.0, 3.0], 5.0)
    distance, values = profile(image, normal)
    peaks = find_peaks(distance, values)
    one, two = with_fitted_widths(distance, values, peaks)
    assert one.fwhm == pytest.approx(5, rel=FWHM)
    assert two.position - one.position == pytest.approx(6, rel=FWHM)
    # The curve between them does not fall to half: wider, if anything.
    assert peaks[0].fwhm > 5 * (1 + FWHM) or math.isnan(peaks[0].fwhm)


def test_bump_without_a_fit_leaves_the_others_theirs() -> None:
    x = np.linspace(0, 40, 121)
    values = np.exp(-((x - 15) ** 2) / 8) + 0.2 * (np.abs(x - 21) < 0.5)
    peaks = with_fitted_widths(x, values, find_peaks(x, values))
    assert peaks[0].fwhm == pytest.approx(2 * FWHM_PER_SIGMA, rel=FWHM)


@pytest.mark.parametrize(
    ("apart", "verdict"),
    [
        (1.6, Verdict.RAYLEIGH),
        (RAYLEIGH_DISTANCE + 0.03, Verdict.RAYLEIGH),
        (RAYLEIGH_DISTANCE - 0.06, Verdict.SPARROW),
        (1.0, Verdict.SPARROW),
        (0.8, Verdict.ONE),  # below 2 sigma = 0.85 FWHM there is no dip
    ],
)
def test_verdict_on_two_filaments(apart: float, verdict: Verdict) -> None:
    image, normal = filaments(0.3, [-2.5 * apart, 2.5 * apart], 5.0)
    distance, values = profile(image, normal)
    assert separation(distance, values, find_peaks(distance, values)).verdict is verdict


def test_dip_is_a_share_of_the_lower_peak() -> None:
    def pair(x):
        return 10 * np.exp(-((x - 40) ** 2) / 72) + 8 * np.exp(-((x - 60) ** 2) / 72)

    distance = np.arange(100.0)
    values = 1 + pair(distance)
    found = separation(distance, values, find_peaks(distance, values))
    valley, lower = pair(np.linspace(45, 55, 999)).min(), pair(60.0)
    assert found.dip == pytest.approx(1 - valley / lower, rel=FWHM)
    assert found.distance == pytest.approx(20, rel=FWHM)


def test_a_valley_below_the_background_is_a_dip_of_all() -> None:
    distance = np.linspace(0, 10, 201)
    values = 1 + 5 * sum(np.exp(-(((distance - at) / 0.6) ** 2)) for at in (3, 7))
    values[100] = 0.2  # one dark pixel between the peaks
    found = separation(distance, values, find_peaks(distance, values))
    assert found.dip == 1


def test_closest_neighbors_are_judged() -> None:
    image, normal = filaments(0.0, [-14.0, -3.0, 3.0], 4.0)
    distance, values = profile(image, normal)
    found = separation(distance, values, find_peaks(distance, values))
    assert found.distance == pytest.approx(6, rel=FWHM)


def test_noise_alone_holds_no_peak(rng) -> None:
    noise = 10 + rng.normal(0, 1, (110, 110))
    held = 0
    for _ in range(100):
        angle = rng.uniform(0, math.pi)
        step = 50 * np.array([math.cos(angle), math.sin(angle)])
        held += bool(find_peaks(*line_profile(noise, 54.5 - step, 54.5 + step)))
    assert held <= 5  # 1 % each


def test_noise_makes_one_filament_no_pair(rng) -> None:
    pairs = 0
    for _ in range(60):
        image, normal = filaments(
            rng.uniform(0, math.pi), [0.0], 8.0, noise=0.15, rng=rng
        )
        pairs += len(find_peaks(*profile(image, normal))) > 1
    assert pairs <= 3


def test_dip_within_the_noise_is_said_to_be(rng) -> None:
    image, normal = filaments(0.3, [-2.7, 2.7], 5.0)
    distance, values = profile(image, normal)
    peaks = find_peaks(distance, values)
    error = np.full_like(values, 0.2)
    found = separation(distance, values, peaks, error)
    assert found.verdict is Verdict.UNCERTAIN


def test_noise_is_measured_beside_peaks(rng) -> None:
    image, normal = filaments(0.3, [0.0], 4.0, noise=0.05, rng=rng)
    assert noise_of(profile(image, normal)[1]) == pytest.approx(0.05, rel=2 * NOISE)
    assert noise_of(np.arange(50.0)) == pytest.approx(0, abs=1e-9)
    assert noise_of(np.ones(4)) == 0


def test_peak_at_the_end_or_beside_a_gap_has_no_width() -> None:
    x = np.arange(40.0)
    values = np.exp(-((x - 15) ** 2) / 50)
    values[18:] = np.nan
    (peak,) = find_peaks(x, values)
    assert math.isnan(peak.fwhm)
    assert find_peaks(x, np.exp(-(x**2) / 50)) == ()


@pytest.mark.parametrize("values", [np.ones(9), np.full(9, np.nan), np.array([1.0, 2])])
def test_flat_empty_and_short_profiles_hold_no_peak(values: np.ndarray) -> None:
    distance = np.arange(float(len(values)))
    assert find_peaks(distance, values) == ()
    assert separation(distance, values, ()).verdict is Verdict.NONE
