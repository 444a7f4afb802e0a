"""Jobs are drained to their result and closed whatever happens."""

from __future__ import annotations

from dataclasses import replace

import pytest

from napari_gan_enhance.progress import Progress, RemainingTime, changed, drain


def counting(log):
    try:
        for i in range(3):
            yield Progress(i, 3, "counting")
        return "result"
    finally:
        log.append("closed")


def test_drain_returns_the_result():
    log, reports = [], []
    assert drain(counting(log), reports.append) == "result"
    assert [r.done for r in reports] == [0, 1, 2]
    assert log == ["closed"]


def test_drain_closes_the_job_when_the_callback_fails():
    log = []

    def fail(progress):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        drain(counting(log), fail)
    assert log == ["closed"]


def test_changed_job_gives_changed_reports_and_its_result():
    reports = []
    job = changed(counting([]), lambda report: replace(report, stage="part"))
    assert drain(job, reports.append) == "result"
    assert [(r.done, r.stage) for r in reports] == [(i, "part") for i in range(3)]


def fails(report):
    raise KeyboardInterrupt


def test_changed_job_is_closed_when_what_changes_it_fails():
    log = []
    job = counting(log)
    with pytest.raises(KeyboardInterrupt):
        next(changed(job, fails))
    assert log == ["closed"]


def test_closing_a_changed_job_closes_it():
    log = []
    job = counting(log)  # held: it is not closed for being forgotten
    whole = changed(job, lambda report: report)
    next(whole)
    whole.close()
    assert log == ["closed"]


def test_remaining_time_is_proportional():
    now = iter([100.0, 130.0])
    clock = RemainingTime(lambda: next(now))
    # 30 s for 3 of 12 units leave 90 s for 9.
    assert clock.after(3, 12) == 90.0


def test_remaining_time_is_unknown_at_first():
    assert RemainingTime().after(0, 12) is None
