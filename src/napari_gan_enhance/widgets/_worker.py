"""Run a job in a thread: the only place with threads.

A run ends with exactly one of `returned`, `stopped` and `failed`, and then `idle`.
Buttons are given back by `idle` alone, so no way a job can end leaves one dead.
"""

from __future__ import annotations

import logging
import os
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from napari.qt.threading import WorkerBase, WorkerBaseSignals, create_worker
from qtpy.QtCore import QObject, Signal

from napari_gan_enhance.errors import DeviceError, GanEnhanceError, InputError
from napari_gan_enhance.progress import Job, Progress

logger = logging.getLogger(__name__)

# OpenMP threads that spin while they wait take the core that the window needs. Read
# once, when torch is imported, which happens in the first job.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")


@dataclass(frozen=True, slots=True)
class _Outcome:
    signal: str
    value: tuple[object, ...] = ()


class _Task:
    """A callable with a readable name: napari shows it when asked to close."""

    def __init__(self, make_job: Callable[[], Job[Any]], title: str) -> None:
        self.make_job = make_job
        self.title = title

    def __call__(self) -> Job[Any]:
        return self.make_job()

    def __str__(self) -> str:
        return self.title


class _JobSignals(WorkerBaseSignals):
    reported = Signal()
    ended = Signal(object)


class _JobWorker(WorkerBase):
    """Build, drain and close one job, all in the worker's thread.

    napari's own generator worker drops every RuntimeError (torch's out-of-memory error
    is one) and leaves a stopped generator open, so only its shell is used: it is what
    lets napari ask before a window with a running job is closed.
    """

    def __init__(self, task: _Task) -> None:
        super().__init__(SignalsClass=_JobSignals)
        self._task = task
        self._reports: deque[Progress] = deque()
        self._is_announced = False

    def run(self) -> None:
        """Run the job and tell of it, unless the window has gone meanwhile."""
        try:
            super().run()
        except RuntimeError:  # Qt has deleted the signals: nobody is there to hear
            logger.debug("A job ended after its window", exc_info=True)

    def work(self) -> None:
        """Run the job to its end; called by the thread pool."""
        self.ended.emit(self._outcome())

    def take_reports(self) -> list[Progress]:
        """Return what was reported since the last call; called by the window."""
        self._is_announced = False
        return [self._reports.popleft() for _ in range(len(self._reports))]

    def _outcome(self) -> _Outcome:
        try:
            return self._drain()
        except Exception as error:  # noqa: BLE001 - no failure may leave a dead button
            return _Outcome("failed", (_for_the_user(error),))

    def _drain(self) -> _Outcome:
        job = self._task()
        try:
            while not self.abort_requested:
                self._report(next(job))
        except StopIteration as end:
            return _Outcome("returned", (end.value,))
        finally:
            job.close()
        return _Outcome("stopped")

    def _report(self, progress: Progress) -> None:
        if self.abort_requested:  # nobody listens, and the window may be gone
            return
        # One event stands for all reports the window has not read yet: a fast job
        # cannot flood the event loop, and no report is lost.
        self._reports.append(progress)
        if not self._is_announced:
            self._is_announced = True
            self.reported.emit()


class JobRunner(QObject):
    """Run one job at a time and tell the window about it.

    All signals arrive in the window's thread.

    Parameters
    ----------
    parent : QObject, optional
    """

    reported = Signal(object)
    """A Progress."""
    returned = Signal(object)
    """The job's result."""
    stopped = Signal()
    failed = Signal(object)
    """A GanEnhanceError."""
    idle = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._worker: _JobWorker | None = None

    @property
    def is_running(self) -> bool:
        """Whether a job was started and has not reported that it is idle."""
        return self._worker is not None

    def start(
        self, make_job: Callable[[], Job[Any]], *, title: str | None = None
    ) -> None:
        """Start a job; does nothing while another one runs.

        Parameters
        ----------
        make_job : callable returning a job
            Called in the worker's thread, so that loading torch and a checkpoint does
            not hold up the window.
        title : str, optional
            What is being done, for napari's question before closing; None where
            nobody would miss the result.
        """
        if self._worker is not None:
            return
        task = _Task(make_job, title or "")
        worker = (
            _JobWorker(task)
            if title is None
            else create_worker(task, _worker_class=_JobWorker, _ignore_errors=True)
        )
        worker.reported.connect(self._on_reported)
        worker.ended.connect(self._on_ended)
        worker.finished.connect(self._on_finished)
        self._worker = worker
        worker.start()

    def stop(self) -> None:
        """Ask the job to stop; it does so at its next report."""
        if self._worker is not None:
            self._worker.quit()

    def abandon(self, *, may_finish: bool = False) -> None:
        """Stop the job and hear no more of it: the window is going away.

        Parameters
        ----------
        may_finish : bool
            Let it come to its end, unheard.
        """
        worker, self._worker = self._worker, None
        if worker is not None:
            if not may_finish:
                worker.quit()
            worker.reported.disconnect(self._on_reported)
            worker.ended.disconnect(self._on_ended)
            worker.finished.disconnect(self._on_finished)

    def _on_reported(self) -> None:
        if self._worker is not None:
            for progress in self._worker.take_reports():
                self.reported.emit(progress)

    def _on_ended(self, outcome: _Outcome) -> None:
        if self._worker is not None:  # else abandoned while this was on its way
            self._on_reported()
            getattr(self, outcome.signal).emit(*outcome.value)

    def _on_finished(self) -> None:
        if self._worker is not None:
            self._worker = None
            self.idle.emit()


def _for_the_user(error: Exception) -> GanEnhanceError:
    """Return an error that says in one sentence what to do."""
    if isinstance(error, GanEnhanceError):
        return error
    if isinstance(error, MemoryError):
        return DeviceError(
            "The computer ran out of memory - source, result and one tile must fit - "
            "close other programs or enhance the current view only."
        )
    logger.error("A job failed", exc_info=error)
    return _unforeseen(error)


def _unforeseen(error: Exception) -> GanEnhanceError:
    reason = (str(error).splitlines() or [""])[0]
    if isinstance(error, RuntimeError):  # what torch raises for shape and device faults
        return DeviceError(
            f"The device reported {reason!r} - it must stay available during the whole "
            "run - try again with device 'cpu'."
        )
    if isinstance(error, OSError):  # mostly pixels of a layer that others opened
        return InputError(
            f"A file could not be written or be read ({reason}) - it must stay "
            "reachable during the whole run - open the image again."
        )
    return GanEnhanceError(
        f"The run ended with {type(error).__name__}: {reason} - this is a fault of the "
        "plugin - please report it with 'Copy diagnostics'."
    )
