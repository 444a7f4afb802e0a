"""Scores against values worked by hand and against their formulas."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.ndimage import correlate1d, gaussian_filter

from napari_gan_enhance.errors import InputError
from napari_gan_enhance.metrics.fidelity import (
    FidelityScores,
    affine_fit,
    evaluate,
    median_scores,
    reference_range,
)

EXACT = 1e-12  # float64 arithmetic on a few hundred pixels
SSIM_PARITY = 1e-6  # anchor: architectures, section 12


@pytest.fixture
def pair(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    reference = gaussian_filter(rng.random((40, 50)), 2) * 1000
    return reference + rng.normal(0, 5, reference.shape), reference


def test_hand_worked_values() -> None:
    """Reference 0 and 2 in equal parts, result 1 off everywhere."""
    reference = np.tile([0.0, 2.0], (12, 6))
    scores = evaluate(reference + 1, reference, data_range=2, fit="none")
    assert scores.mse == pytest.approx(1, rel=EXACT)
    assert scores.nrmse_euclidean == pytest.approx(1 / math.sqrt(2), rel=EXACT)
    assert scores.nrmse_minmax == pytest.approx(0.5, rel=EXACT)
    assert scores.psnr == pytest.approx(10 * math.log10(4), rel=EXACT)


def test_identical_planes(pair) -> None:
    _, reference = pair
    scores = evaluate(reference, reference, fit="none")
    assert (scores.mse, scores.nrmse_euclidean, scores.nrmse_minmax) == (0, 0, 0)
    assert scores.ssim == pytest.approx(1, rel=EXACT)
    assert scores.psnr == math.inf


def ssim_by_formula(a: np.ndarray, b: np.ndarray, data_range: float) -> float:
    """Wang et al. (2004), eq. (13), 11 taps of sigma 1.5, borders left out."""
    x = np.arange(-5, 6)
    taps = np.exp(-(x**2) / (2 * 1.5**2))
    taps /= taps.sum()

    def blur(image: np.ndarray) -> np.ndarray:
        rows = correlate1d(image, taps, axis=0)
        return correlate1d(rows, taps, axis=1)

    ma, mb = blur(a), blur(b)
    va, vb = blur(a * a) - ma**2, blur(b * b) - mb**2
    covariance = blur(a * b) - ma * mb
    c1, c2 = (0.01 * data_range) ** 2, (0.03 * data_range) ** 2
    index = (2 * ma * mb + c1) * (2 * covariance + c2)
    index /= (ma**2 + mb**2 + c1) * (va + vb + c2)
    return float(index[5:-5, 5:-5].mean())


def test_ssim_is_that_of_the_formula(pair) -> None:
    result, reference = pair
    scores = evaluate(result, reference, data_range=300, fit="none")
    expected = ssim_by_formula(reference, result, 300)
    assert scores.ssim == pytest.approx(expected, abs=SSIM_PARITY)


def test_affine_fit_undoes_gain_and_offset(pair) -> None:
    result, reference = pair
    plain = evaluate(result, reference)
    scaled = evaluate(result * -3 + 70, reference)
    for name in FidelityScores.__dataclass_fields__:
        assert getattr(scaled, name) == pytest.approx(getattr(plain, name), rel=1e-9)


def test_affine_fit_is_least_squares(pair) -> None:
    result, reference = pair
    gain, offset = np.polyfit(result.ravel(), reference.ravel(), 1)
    fitted = affine_fit(result, reference)
    np.testing.assert_allclose(fitted, gain * result + offset, rtol=1e-8)


def test_constant_result_is_fitted_by_the_mean(pair) -> None:
    _, reference = pair
    scores = evaluate(np.zeros_like(reference), reference)
    assert scores.mse == pytest.approx(reference.var(), rel=1e-9)


def test_default_range_is_between_percentiles_of_the_reference(pair) -> None:
    result, reference = pair
    low, high = np.percentile(reference, [3, 99.8])
    assert reference_range(reference) == pytest.approx(high - low, rel=1e-9)
    default = evaluate(result, reference)
    assert default == evaluate(result, reference, data_range=float(high - low))


def test_integers_do_not_wrap() -> None:
    reference = np.tile(np.array([0, 200], np.uint8), (12, 6))
    scores = evaluate(200 - reference, reference, data_range=255, fit="none")
    assert scores.mse == 200**2


def test_median_is_taken_score_by_score() -> None:
    scores = [FidelityScores(1, 6, 3, 0.5, 20), FidelityScores(2, 5, 9, 0.7, 10)]
    scores.append(FidelityScores(7, 4, 1, 0.6, math.inf))
    assert median_scores(scores) == FidelityScores(2, 5, 3, 0.6, 20)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"result": np.zeros((12, 13))}, "same size"),
        ({"result": np.full((12, 12), np.nan)}, "NaN"),
        ({"reference": np.ones((12, 12))}, "value 1"),
        ({"data_range": 0}, "positive number"),
        ({"data_range": math.nan}, "positive number"),
        (dict.fromkeys(("result", "reference"), np.eye(8)), "at least 11 x 11"),
        (dict.fromkeys(("result", "reference"), np.ones((2, 12, 12))), "planes"),
    ],
)
def test_what_cannot_be_compared_is_refused(change: dict, message: str) -> None:
    legal = {"result": np.eye(12), "reference": np.eye(12), "data_range": 1.0}
    with pytest.raises(InputError, match=message):
        evaluate(**{**legal, **change})
