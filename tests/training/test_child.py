"""A job in another process: the same reports, result and errors as here."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path
from unittest.mock import Mock

import numpy as np
import psutil
import pytest

from napari_gan_enhance.errors import DeviceError, OutputError
from napari_gan_enhance.io.write import write_micrograph
from napari_gan_enhance.micrograph.micrograph import Micrograph
from napari_gan_enhance.progress import Progress, drain
from napari_gan_enhance.training import child
from napari_gan_enhance.training.child import in_child

GONE_S = 20
"""Longer than a closed child takes on a busy machine."""


@pytest.fixture
def jobs_of_this_file(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the other process find the jobs below where this one does."""
    monkeypatch.syspath_prepend(Path(__file__).parents[2])


def children() -> list[psutil.Process]:
    found = psutil.Process().children()
    return [p for p in found if child.__name__ in p.cmdline()]


def test_result_and_reports_come_from_another_process(tmp_path):
    image = Micrograph(np.arange(64, dtype=np.uint16).reshape(8, 8), "YX")
    reports = []
    path = drain(in_child(write_micrograph, tmp_path / "a.tif", image), reports.append)
    assert path == tmp_path / "a.tif"
    assert path.stat().st_size > 128
    assert reports[0].stage == "starting"
    assert {report.stage for report in reports} > {"starting"}
    assert children() == []


def test_error_of_the_job_is_raised_here(tmp_path):
    image = Micrograph(np.zeros((8, 8), np.uint16), "YX")
    (tmp_path / "a.tif").write_bytes(b"")
    job = in_child(write_micrograph, tmp_path / "no" / "folder" / "a.tif", image)
    with pytest.raises(OutputError, match="folder"):
        drain(job)


def test_child_that_dies_is_an_error():
    with pytest.raises(DeviceError, match="code 3"):
        drain(in_child(os._exit, 3))


def test_files_of_the_user_are_not_taken_for_pythons_own(tmp_path, monkeypatch):
    """napari may be started in any folder."""
    (tmp_path / "random.py").write_text("raise SystemExit(3)")
    monkeypatch.chdir(tmp_path)
    image = Micrograph(np.zeros((8, 8), np.uint16), "YX")
    drain(in_child(write_micrograph, tmp_path / "a.tif", image))


def test_closing_ends_a_child_that_is_busy():
    job = in_child(time.sleep, 1000)
    next(job)
    assert len(children()) == 1
    begun = time.monotonic()
    job.close()
    assert children() == []
    assert time.monotonic() - begun < GONE_S


@pytest.mark.usefixtures("jobs_of_this_file")
@pytest.mark.parametrize("fault", [KeyError("files"), TypeError("no pair")])
def test_fault_of_the_job_is_told_as_one(fault):
    """Not as a process that ended, which would be blamed on the memory."""
    with pytest.raises(Exception, match=type(fault).__name__) as caught:
        drain(in_child(failing, fault))
    assert not isinstance(caught.value, DeviceError)
    assert str(fault) in str(caught.value)


@pytest.mark.usefixtures("jobs_of_this_file")
def test_fault_that_cannot_be_sent_is_told_too():
    fault = UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte")
    with pytest.raises(ValueError, match="invalid start byte"):
        drain(in_child(failing, fault))


def failing(fault):
    """Be a job that fails."""
    yield Progress(0, 1, "failing")
    raise fault


def test_child_that_hangs_up_and_stays_is_left_to_be_killed(monkeypatch):
    monkeypatch.setattr(child, "CLOSING_S", 0.1)
    silent = Mock(poll=Mock(side_effect=EOFError))
    stuck = Mock(wait=Mock(side_effect=subprocess.TimeoutExpired("python", 0.1)))
    stuck.poll.return_value = None
    child._wait(stuck, silent)
    stuck.wait.assert_called()
