"""A run ends with exactly one outcome and then idle, whatever the job does."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import pytest

from napari_gan_enhance.errors import DeviceError, GanEnhanceError, InputError
from napari_gan_enhance.progress import Progress
from napari_gan_enhance.widgets._worker import JobRunner, _JobWorker, _Task

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pytestqt.qtbot import QtBot

    from napari_gan_enhance.progress import Job

STEP_S = 0.002
WAIT_MS = 5000


class Log:
    """Write down every signal of a runner, in order."""

    def __init__(self, runner: JobRunner) -> None:
        self.events: list[tuple[str, object]] = []
        runner.reported.connect(lambda p: self.events.append(("reported", p.done)))
        runner.returned.connect(lambda r: self.events.append(("returned", r)))
        runner.stopped.connect(lambda: self.events.append(("stopped", None)))
        runner.failed.connect(lambda e: self.events.append(("failed", e)))
        runner.idle.connect(lambda: self.events.append(("idle", None)))

    @property
    def names(self) -> list[str]:
        return [name for name, _ in self.events]


@pytest.fixture
def runner(qtbot: QtBot) -> Iterator[JobRunner]:
    runner = JobRunner()
    yield runner
    runner.abandon()


def run_to_idle(
    qtbot: QtBot, runner: JobRunner, make_job: Callable[[], Job[object]]
) -> Log:
    log = Log(runner)
    with qtbot.waitSignal(runner.idle, timeout=WAIT_MS):
        runner.start(make_job, title="test")
    return log


def counting(n: int) -> Job[str]:
    for i in range(n):
        yield Progress(i + 1, n, "counting")
    return "result"


def test_job_reports_everything_then_returns_then_is_idle(
    qtbot: QtBot, runner: JobRunner
) -> None:
    log = run_to_idle(qtbot, runner, lambda: counting(50))
    assert log.events == [
        *(("reported", i + 1) for i in range(50)),
        ("returned", "result"),
        ("idle", None),
    ]
    assert not runner.is_running


def failing(error: Exception) -> Job[None]:
    yield Progress(0, 1, "failing")
    raise error


@pytest.mark.parametrize(
    ("error", "kind", "text"),
    [
        (InputError("our own sentence"), InputError, "our own sentence"),
        (RuntimeError("CUDA error\nlong trace"), DeviceError, "'CUDA error'"),
        (MemoryError(), DeviceError, "out of memory"),
        (StopIteration("stray"), DeviceError, "StopIteration"),
        (OSError(5, "no share"), InputError, "be read ([Errno 5] no share)"),
        (KeyError("weight"), GanEnhanceError, "KeyError: 'weight'"),
    ],
    ids=["ours", "runtime", "memory", "stray-stop", "unreadable", "fault"],
)
def test_error_is_reported_once_as_ours_then_idle(
    qtbot: QtBot, runner: JobRunner, error: Exception, kind: type, text: str
) -> None:
    log = run_to_idle(qtbot, runner, lambda: failing(error))
    assert log.names == ["reported", "failed", "idle"]
    reported = log.events[1][1]
    assert isinstance(reported, kind)
    assert text in str(reported)


def test_error_while_the_job_is_built_is_reported(
    qtbot: QtBot, runner: JobRunner
) -> None:
    def no_job() -> Job[None]:
        raise InputError("no such model")

    assert run_to_idle(qtbot, runner, no_job).names == ["failed", "idle"]


def test_job_is_built_drained_and_closed_in_one_other_thread(
    qtbot: QtBot, runner: JobRunner
) -> None:
    threads: list[threading.Thread] = []

    def endless() -> Job[None]:
        try:
            while True:
                threads.append(threading.current_thread())
                yield Progress(0, 1, "running")
                time.sleep(STEP_S)  # no real job reports without working
        finally:
            threads.append(threading.current_thread())

    def make() -> Job[None]:
        threads.append(threading.current_thread())
        return endless()

    runner.reported.connect(lambda _: runner.stop())
    log = run_to_idle(qtbot, runner, make)
    assert log.names[-2:] == ["stopped", "idle"]
    assert len(set(threads)) == 1
    assert threads[0] is not threading.main_thread()


def test_stopped_job_is_closed_before_stopped_is_reported(
    qtbot: QtBot, runner: JobRunner
) -> None:
    closed = threading.Event()

    def endless() -> Job[None]:
        try:
            while True:
                yield Progress(0, 1, "running")
                time.sleep(STEP_S)  # no real job reports without working
        finally:
            closed.set()

    seen: list[bool] = []
    runner.stopped.connect(lambda: seen.append(closed.is_set()))
    runner.reported.connect(lambda _: runner.stop())
    run_to_idle(qtbot, runner, endless)
    assert seen == [True]


def test_second_start_is_ignored_while_the_first_runs(
    qtbot: QtBot, runner: JobRunner
) -> None:
    first, second = threading.Event(), threading.Event()

    def waiting() -> Job[None]:
        first.wait(5)
        yield Progress(1, 1, "waiting")

    def other() -> Job[None]:
        second.set()
        yield Progress(1, 1, "other")

    with qtbot.waitSignal(runner.idle, timeout=WAIT_MS):
        runner.start(waiting, title="first")
        runner.start(other, title="second")
        first.set()
    assert not second.is_set()


def test_abandoned_job_is_closed_and_never_heard_of_again(
    qtbot: QtBot, runner: JobRunner
) -> None:
    started, closed = threading.Event(), threading.Event()

    def endless() -> Job[None]:
        try:
            while True:
                started.set()
                yield Progress(0, 1, "running")
                time.sleep(STEP_S)  # no real job reports without working
        finally:
            closed.set()

    log = Log(runner)
    runner.start(endless, title="test")
    qtbot.waitUntil(started.is_set, timeout=WAIT_MS)
    runner.abandon()
    heard = len(log.events)
    qtbot.waitUntil(closed.is_set, timeout=WAIT_MS)
    # What was under way when the job was abandoned has arrived after one more job.
    other = JobRunner()
    run_to_idle(qtbot, other, lambda: counting(1))
    assert len(log.events) == heard
    assert "idle" not in log.names


def test_job_that_outlives_its_window_ends_quietly(qtbot: QtBot) -> None:
    from PyQt6 import sip

    worker = _JobWorker(_Task(lambda: counting(3), "test"))
    sip.delete(worker.signals)  # what Qt does with the window
    worker.run()  # an error here would abort Python
