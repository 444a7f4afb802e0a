"""Whether methods differ by more than their fields of view do."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_gan_enhance.errors import InputError, MissingExtraError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

LEAST_FIELDS = 3
"""Below this no test of ranks can find anything."""


@dataclass(frozen=True, slots=True)
class Quartiles:
    """The middle of some scores and their spread; infinite scores are allowed."""

    count: int
    lower: float
    median: float
    upper: float


@dataclass(frozen=True, slots=True)
class Significance:
    """Tests of ranks between methods.

    Parameters
    ----------
    statistic : float
        H of Kruskal and Wallis.
    p : float, 0 to 1
        That all methods have the same distribution.
    pairs : mapping of (method, method) to float, 0 to 1
        p of Dunn's test of each pair, adjusted after Holm for their number.
    """

    statistic: float
    p: float
    pairs: Mapping[tuple[str, str], float]


def quartiles(scores: Sequence[float]) -> Quartiles:
    """Return quartiles by linear interpolation.

    Raises
    ------
    InputError
        If there are no scores.
    """
    if not len(scores):
        raise InputError("There are no scores - quartiles need one - evaluate a field.")
    # Between two infinite scores there is nothing to interpolate.
    ordered = sorted(scores)
    cuts = []
    for share in (0.25, 0.5, 0.75):
        at = share * (len(ordered) - 1)
        low, high = ordered[int(at)], ordered[int(np.ceil(at))]
        cuts.append(low if low == high else low + (at - int(at)) * (high - low))
    return Quartiles(len(ordered), *map(float, cuts))


def compare_methods(scores: Mapping[str, Sequence[float]]) -> Significance | None:
    """Test whether methods differ: Kruskal-Wallis, then Dunn for each pair.

    The tests take fields as independent samples. Ours are the same fields for all
    methods, which the tests do not use: they find less than there is, not more.

    Parameters
    ----------
    scores : mapping of method to scores, one for each field of view

    Returns
    -------
    Significance or None
        None with fewer than two methods, fewer than three fields, or equal scores.

    Raises
    ------
    MissingExtraError
        If scikit-posthocs is not installed.

    References
    ----------
    Kruskal and Wallis (1952), doi:10.1080/01621459.1952.10483441;
    Dunn (1964), doi:10.1080/00401706.1964.10490181
    """
    groups = [np.asarray(values, np.float64) for values in scores.values()]
    few = len(groups) < 2 or min(len(g) for g in groups) < LEAST_FIELDS
    if few or len(np.unique(np.concatenate(groups))) == 1:
        return None
    from scipy.stats import kruskal, rankdata

    # Ranks are all that the tests use, and have no infinity.
    ranks = rankdata(np.concatenate(groups))
    parts = np.split(ranks, np.cumsum([len(g) for g in groups])[:-1])
    statistic, p = kruskal(*parts)
    table = _posthocs().posthoc_dunn(parts, p_adjust="holm").to_numpy()
    pairs = {
        (a, b): float(table[i, j])
        for (i, a), (j, b) in itertools.combinations(enumerate(scores), 2)
    }
    return Significance(float(statistic), float(p), pairs)


def check_installed() -> None:
    """Refuse to start what could not be finished.

    Raises
    ------
    MissingExtraError
        If scikit-posthocs is not installed.
    """
    _posthocs()


def _posthocs() -> Any:
    try:
        import scikit_posthocs
    except ImportError as error:
        raise MissingExtraError(
            "Dunn's test needs scikit-posthocs, which is not installed - it comes with "
            "the extra 'stats' - pip install 'napari-gan-enhance[stats]'."
        ) from error
    return scikit_posthocs
