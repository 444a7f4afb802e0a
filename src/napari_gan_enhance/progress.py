"""How a long job reports: a plain generator that yields Progress, returns its result.

The command line, the batch runner, the tests and the widget's worker drain the same
generator. Closing it stops the job at its next yield and frees what it held.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Any, TypeAlias, TypeVar

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Progress:
    """One report of a running job.

    Parameters
    ----------
    done, total : int, 0 <= done <= total
        Finished and expected units of work (tiles, iterations, steps); the total may
        grow while the job runs.
    stage : str
        What is being done, as a participle: "enhancing", "deconvolving".
    remaining_s : float or None, seconds
        Estimated time to the end; None while unknown.
    note : str
        A sentence for the user when something changed, such as a smaller tile.
    detail : object
        What this unit produced, for a caller that knows the job (the tile written).
    """

    done: int
    total: int
    stage: str
    remaining_s: float | None = None
    note: str = ""
    detail: Any = None


Job: TypeAlias = Generator[Progress, None, Result]


def drain(
    job: Job[Result], on_progress: Callable[[Progress], object] | None = None
) -> Result:
    """Run a job to its end and return its result.

    Parameters
    ----------
    job : generator of Progress
    on_progress : callable, optional
        Called with every report; an exception in it closes the job.

    Returns
    -------
    object
        What the job returned.
    """
    try:
        while True:
            try:
                report = next(job)
            except StopIteration as end:
                result: Result = end.value
                return result
            if on_progress is not None:
                on_progress(report)
    finally:
        job.close()


def changed(job: Job[Result], change: Callable[[Progress], Progress]) -> Job[Result]:
    """Run a job as part of another one, which tells of it in its own way.

    Parameters
    ----------
    job : generator of Progress
        Closed with the job that this function returns.
    change : callable
        From a report to the one that is passed on.

    Yields
    ------
    Progress

    Returns
    -------
    object
        What the job returned.
    """
    try:
        while True:
            try:
                report = next(job)
            except StopIteration as end:
                result: Result = end.value
                return result
            yield change(report)
    finally:
        job.close()


class RemainingTime:
    """Estimate the time to the end of a job from the work done so far.

    Parameters
    ----------
    clock : callable returning float, seconds
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._start = clock()

    def after(self, done: float, total: float) -> float | None:
        """Return the seconds left after `done` of `total` equal units of work."""
        if done <= 0:
            return None
        return (self._clock() - self._start) * (total - done) / done
