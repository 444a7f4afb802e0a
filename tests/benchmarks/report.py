"""What every benchmark hands to the runner: one row of the table of budgets."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict, dataclass
from time import perf_counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True, slots=True)
class Row:
    """One budget and what was measured.

    Parameters
    ----------
    what, budget, measured : str
        As they stand in the table.
    is_within : bool
    details : str
        Sizes, counts and single values behind the figure.
    """

    what: str
    budget: str
    measured: str
    is_within: bool
    details: str = ""


def emit(row: Row) -> None:
    """Print a row as one line of JSON, the last on standard output."""
    sys.stdout.write(json.dumps(asdict(row), ensure_ascii=False) + "\n")


def seconds(call: Callable[[], object]) -> float:
    """Return how long a call took."""
    start = perf_counter()
    call()
    return perf_counter() - start


def percentile(values: list[float], share: float) -> float:
    """Return the smallest value that is not below `share` of all values."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
