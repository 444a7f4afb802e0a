"""Tests of ranks against their formulas, worked by hand."""

from __future__ import annotations

import math
import sys

import numpy as np
import pytest
from scipy.stats import chi2, norm

from napari_gan_enhance.errors import InputError, MissingExtraError
from napari_gan_enhance.metrics.significance import (
    Quartiles,
    compare_methods,
    quartiles,
)

posthocs = pytest.mark.usefixtures("scikit_posthocs")


@pytest.fixture
def scikit_posthocs() -> None:
    pytest.importorskip("scikit_posthocs", reason="extra 'stats' is not installed")


def test_quartiles_are_those_of_numpy(rng) -> None:
    scores = list(rng.random(17))
    expected = np.percentile(scores, [25, 50, 75])
    found = quartiles(scores)
    assert (found.lower, found.median, found.upper) == pytest.approx(tuple(expected))


def test_quartiles_of_infinite_scores() -> None:
    assert quartiles([math.inf] * 3) == Quartiles(3, math.inf, math.inf, math.inf)
    with pytest.raises(InputError, match="no scores"):
        quartiles([])


@posthocs
def test_kruskal_wallis_and_dunn_by_hand() -> None:
    """Ranks 1-4, 5-8 and 9-12: sums 10, 26 and 42 of 12 values."""
    groups = {"a": [1, 2, 3, 4.0], "b": [5, 6, 7, 8.0], "c": [9, 10, 11, 12.0]}
    found = compare_methods(groups)
    h = 12 / (12 * 13) * (10**2 + 26**2 + 42**2) / 4 - 3 * 13
    assert found.statistic == pytest.approx(h)
    assert found.p == pytest.approx(chi2.sf(h, 2))
    error = math.sqrt(12 * 13 / 12 * (1 / 4 + 1 / 4))
    near, far = (2 * norm.sf(d / error) for d in (4, 8))
    # Holm: the smallest of three times 3, then the others times 2, never falling.
    assert found.pairs["a", "c"] == pytest.approx(3 * far)
    assert found.pairs["a", "b"] == pytest.approx(2 * near)
    assert found.pairs["b", "c"] == pytest.approx(2 * near)


@posthocs
def test_infinite_scores_have_the_highest_rank() -> None:
    finite = {"a": [1.0, 2, 3], "b": [4.0, 5, 6]}
    infinite = {"a": [1.0, 2, 3], "b": [4.0, 5, math.inf]}
    assert compare_methods(infinite) == compare_methods(finite)


@pytest.mark.parametrize(
    "groups",
    [
        {"a": [1.0, 2, 3]},
        {"a": [1.0, 2], "b": [3.0, 4]},
        {"a": [1.0] * 4, "b": [1.0] * 4},
    ],
    ids=["one method", "two fields", "equal scores"],
)
def test_too_little_is_not_tested(groups) -> None:
    assert compare_methods(groups) is None


def test_missing_library_names_the_extra(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "scikit_posthocs", None)
    with pytest.raises(MissingExtraError, match=r"napari-gan-enhance\[stats\]"):
        compare_methods({"a": [1.0, 2, 3], "b": [4.0, 5, 6]})
