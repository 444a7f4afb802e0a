"""Gain and offset of a result do not matter to these scores."""

from __future__ import annotations

import math
import warnings

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from napari_gan_enhance.metrics.scale_free import (
    MicroSsim,
    fit_micro_ssim,
    scale_invariant_psnr,
)
from napari_gan_enhance.progress import drain

SCALE = 1e-3  # the solver's, relative; the loss is flat at its maximum
PARITY = 1e-3  # of the score: the other solver is a bisection


@pytest.fixture
def reference(rng: np.random.Generator) -> np.ndarray:
    return gaussian_filter(rng.random((60, 70)), 2) * 1000 + 100


@pytest.mark.parametrize(("gain", "offset"), [(1, 0), (0.01, 5), (40, -300)])
def test_gain_and_offset_do_not_matter(reference, rng, gain, offset) -> None:
    result = reference + rng.normal(0, 10, reference.shape)
    plain = scale_invariant_psnr(result, reference)
    changed = scale_invariant_psnr(gain * result + offset, reference)
    assert changed == pytest.approx(plain, rel=1e-9)


def test_si_psnr_is_that_of_the_correlation(reference, rng) -> None:
    """After the best fit the rest of the variance is 1 - r²."""
    result = reference + rng.normal(0, 20, reference.shape)
    r = np.corrcoef(result.ravel(), reference.ravel())[0, 1]
    span = (reference.max() - reference.min()) / reference.std()
    expected = 10 * math.log10(span**2 / (1 - r**2))
    assert scale_invariant_psnr(result, reference) == pytest.approx(expected)


def test_perfect_and_blank_results(reference) -> None:
    assert scale_invariant_psnr(2 * reference + 1, reference) == math.inf
    span = (reference.max() - reference.min()) / reference.std()
    blank = scale_invariant_psnr(np.zeros_like(reference), reference)
    assert blank == pytest.approx(20 * math.log10(span))


@pytest.mark.parametrize("factor", [0.02, 1, 300])
def test_micro_ssim_finds_the_scale(reference, factor) -> None:
    """Anchor: the scale is 1 / s for a result of s * reference + offset."""
    pairs = [(factor * reference + 17, reference)]
    micro = drain(fit_micro_ssim(pairs))
    assert micro.scale == pytest.approx(1 / factor, rel=SCALE)
    assert drain(micro.score(*pairs[0])) == pytest.approx(1, abs=1e-5)


def test_micro_ssim_agrees_with_cubic(reference, rng) -> None:
    cubic = pytest.importorskip("cubic", reason="extra 'metrics' is not installed")
    assert cubic
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # no GPU library
        from cubic.metrics.microssim import MicroSSIM

        result = 0.3 * gaussian_filter(reference, 1) + rng.normal(0, 5, reference.shape)
        other = MicroSSIM().fit(reference, result)
        expected = other.score(reference, result)
    micro = drain(fit_micro_ssim([(result, reference)]))
    assert drain(micro.score(result, reference)) == pytest.approx(expected, abs=PARITY)


def test_scale_is_one_for_the_data_set(reference, rng) -> None:
    """A plane at twice the scale of the others is seen as wrong."""
    others = [reference + rng.normal(0, 5, reference.shape) for _ in range(4)]
    pairs = [(a, reference) for a in others] + [(2 * others[0], reference)]
    micro = drain(fit_micro_ssim(pairs))
    right, wrong = drain(micro.score(*pairs[0])), drain(micro.score(*pairs[-1]))
    assert right > wrong + 0.05


def test_large_data_sets_are_sampled(reference, rng, monkeypatch) -> None:
    module = "napari_gan_enhance.metrics.scale_free.MOST_SAMPLES"
    pairs = [(0.5 * reference + rng.normal(0, 2, reference.shape), reference)] * 3
    whole = drain(fit_micro_ssim(pairs))
    monkeypatch.setattr(module, 4000)
    sampled = drain(fit_micro_ssim(pairs))
    assert sampled.scale == pytest.approx(whole.scale, rel=0.03)  # of 1400 pixels each
    assert sampled != whole


def test_nearly_empty_reference_still_has_a_scale() -> None:
    truth = np.full((20, 20), 7.0)
    truth[0, 0] = 0
    micro = drain(fit_micro_ssim([(truth, truth)]))
    assert isinstance(micro, MicroSsim)
    assert micro.maximum == 7
