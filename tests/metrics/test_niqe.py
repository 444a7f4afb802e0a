"""NIQE against distributions of known shape and images of known quality."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from napari_gan_enhance.errors import InputError
from napari_gan_enhance.metrics.niqe import (
    FEATURES,
    NiqeModel,
    block_features,
    fit_asymmetric,
    niqe,
)
from napari_gan_enhance.metrics.unreferenced import fit_niqe_model, measure_niqe
from napari_gan_enhance.micrograph.micrograph import Micrograph
from napari_gan_enhance.progress import drain

SAMPLED = 0.02  # relative: moments of 200,000 draws


def cells(rng: np.random.Generator, side: int = 240) -> np.ndarray:
    """Filaments and spots, sharp, with a little noise."""
    spots = (rng.random((side, side)) < 0.01) * rng.random((side, side))
    lines = np.abs(gaussian_filter(rng.normal(0, 1, (side, side)), 6)) < 0.002
    image = gaussian_filter(spots + 0.2 * lines, 1.2)
    return 1000 * image + rng.normal(20, 1, image.shape)


@pytest.fixture(scope="module")
def model() -> NiqeModel:
    rng = np.random.default_rng(0)
    return drain(fit_niqe_model(Micrograph(cells(rng), "YX") for _ in range(12)))


def test_gaussian_and_laplace_have_their_shapes(rng) -> None:
    shape, left, right = fit_asymmetric(rng.normal(0, 3, 200_000))
    # For shape 2 the density is exp(-(x / scale)²): scale² = 2 sigma².
    assert (shape, left, right) == pytest.approx((2, 18**0.5, 18**0.5), rel=SAMPLED)
    shape, left, right = fit_asymmetric(rng.laplace(0, 3, 200_000))
    assert (shape, left, right) == pytest.approx((1, 3, 3), rel=SAMPLED)


def test_two_halves_may_have_two_scales(rng) -> None:
    """Halves of Gaussians of sigma 1 and 4, as frequent as they are wide."""
    left = -np.abs(rng.normal(0, 1, 40_000))
    right = np.abs(rng.normal(0, 4, 160_000))
    shape, low, high = fit_asymmetric(np.concatenate([left, right]))
    assert shape == pytest.approx(2, rel=0.05)
    assert high / low == pytest.approx(4, rel=SAMPLED)


def test_one_sided_values_have_no_fit() -> None:
    assert np.isnan(fit_asymmetric(np.arange(1.0, 9))).all()


def test_score_is_the_distance_of_two_normal_distributions(rng, monkeypatch) -> None:
    """Features are replaced by draws whose distance is known in closed form."""
    draws = rng.normal(0, 1, (20_000, FEATURES))
    module = "napari_gan_enhance.metrics.niqe.block_features"
    monkeypatch.setattr(module, lambda plane: (draws, np.ones(len(draws))))
    mean = np.zeros(FEATURES)
    mean[3] = 5
    model = NiqeModel(mean, 3 * np.eye(FEATURES), 100)
    # (mean difference)² over the mean of the variances 1 and 3.
    found = niqe(np.zeros((99, 99)), model)
    assert found == pytest.approx(5 / 2**0.5, rel=SAMPLED)


def test_worse_images_score_higher(model) -> None:
    rng = np.random.default_rng(99)
    sharp = cells(rng)
    scores = {
        "sharp": niqe(sharp, model),
        "blurred": niqe(gaussian_filter(sharp, 3), model),
        "noisy": niqe(sharp + rng.normal(0, 30, sharp.shape), model),
    }
    assert scores["sharp"] < 0.7 * scores["blurred"]
    assert scores["sharp"] < 0.7 * scores["noisy"]


def test_gain_and_offset_do_not_matter(model) -> None:
    plane = cells(np.random.default_rng(3))
    assert niqe(7 * plane + 1000, model) == pytest.approx(niqe(plane, model), rel=1e-6)


def test_features_are_one_row_for_each_block_with_structure(rng) -> None:
    plane = cells(rng, 48 * 3 + 17)
    plane[:52, :52] = 20.0  # the window reaches 3 px beyond the block
    features, sharpness = block_features(plane)
    assert features.shape == (8, FEATURES)
    assert len(sharpness) == 8
    assert np.isfinite(features).all()


def test_planes_are_scored_one_by_one(model) -> None:
    rng = np.random.default_rng(7)
    stack = np.stack([cells(rng), gaussian_filter(cells(rng), 3)])
    planes = drain(measure_niqe(Micrograph(stack, "TYX"), model))
    assert [dict(p.position) for p in planes] == [{"T": 0}, {"T": 1}]
    assert planes[0].niqe == niqe(stack[0], model)


def test_too_little_is_refused(rng, model) -> None:
    with pytest.raises(InputError, match="sharp blocks of 48 x 48"):
        drain(fit_niqe_model([Micrograph(cells(rng), "YX")]))
    with pytest.raises(InputError, match="has 1 blocks of 48 x 48"):
        niqe(cells(rng, 60), model)
    with pytest.raises(InputError, match="value 4"):
        niqe(np.full((200, 200), 4.0), model)
