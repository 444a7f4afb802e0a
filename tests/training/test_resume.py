"""Pull the plug: nothing older is lost, and the end is the same."""

from __future__ import annotations

import errno
import subprocess
import sys
from concurrent.futures import Future
from pathlib import Path
from threading import Event
from types import SimpleNamespace

import pytest
import tifffile
import torch
from safetensors.torch import load_file

from napari_gan_enhance.checkpoints.header import read_header
from napari_gan_enhance.errors import OutputError, TrainingError
from napari_gan_enhance.progress import drain
from napari_gan_enhance.training import loop, saving
from napari_gan_enhance.training import run as run_module
from napari_gan_enhance.training.events import Validated
from napari_gan_enhance.training.resume import resume_path
from napari_gan_enhance.training.run import run_training

WAIT_S = 60
"""Longer than eight steps take on a busy machine."""

SHORT = {"steps": 12, "validate_every": 6}

ADVERSARIAL = {
    **SHORT,
    "patch": 64,
    "batch": 2,
    "adversarial_weight": 0.1,
    "schedule": "plateau",
}


def stopped_at(job, step):
    run = run_training(job)
    next(r for r in run if r.done == step)
    run.close()
    return job


@pytest.mark.parametrize(
    "recipe",
    [SHORT, ADVERSARIAL, {**SHORT, "precision": "bf16-mixed"}],
    ids=["supervised", "adversarial", "bfloat16"],
)
@pytest.mark.parametrize("step", [3, 6, 8])
def test_resumed_training_equals_an_unbroken_one(make_job, recipe, step):
    assert_same_after_a_break(make_job, step, recipe=recipe)


def test_resumed_training_goes_back_to_the_same_start(make_job):
    start = make_job("start.safetensors", recipe=SHORT)
    drain(run_training(start))
    recipe = {**SHORT, "interpolation": 0.5}
    assert_same_after_a_break(make_job, 8, recipe=recipe, start=str(start.output))


def assert_same_after_a_break(make_job, step, *, recipe, **how):
    # With nothing held out the last step is kept: the best may be the start.
    how["recipe"] = {**recipe, "validation_share": 0, "test_share": 0}
    unbroken = make_job("a.safetensors", **how)
    drain(run_training(unbroken))
    broken = stopped_at(make_job("b.safetensors", **how), step)
    assert resume_path(broken.output).exists()
    drain(run_training(make_job("b.safetensors", **how, resume=True)))
    first, second = load_file(unbroken.output), load_file(broken.output)
    assert all(torch.equal(first[name], second[name]) for name in first)


class AtOnce:
    """A thread that does at once what it is given."""

    def __init__(self, *_):
        pass

    def submit(self, function, *arguments):
        done = Future()
        done.set_result(function(*arguments))
        return done

    def shutdown(self):
        pass


def stored_step(job):
    state = torch.load(resume_path(job.output), weights_only=True)
    return state["training"]["step"]


def test_state_on_the_disk_is_at_most_ten_seconds_old(make_job, monkeypatch):
    """Each step takes a second of a clock made for that, and writing takes none."""
    clock = SimpleNamespace(now=0.0)
    really_update = loop.update

    def update(*arguments):
        clock.now += 1.0
        return really_update(*arguments)

    monkeypatch.setattr(loop, "update", update)
    monkeypatch.setattr(saving, "time", SimpleNamespace(monotonic=lambda: clock.now))
    monkeypatch.setattr(saving, "ThreadPoolExecutor", AtOnce)
    job = make_job(recipe={"validate_every": 1000})
    run = run_training(job)
    # As after a loss of power: nothing is closed.
    lost = [r.done - stored_step(job) for r in run if r.stage == "training" and r.done]
    assert len(lost) > job.recipe.steps
    assert 5 < max(lost) <= 10


def test_training_does_not_wait_for_the_disk(make_job, monkeypatch):
    """But for a new best, whose state must be there before its checkpoint."""
    may_write = Event()
    may_write.set()
    really_write = saving.write_state

    def write_slowly(*arguments):
        assert may_write.wait(WAIT_S)
        really_write(*arguments)

    monkeypatch.setattr(saving, "write_state", write_slowly)
    monkeypatch.setattr(saving, "SAVE_EVERY_S", 0.0)
    job = make_job(recipe={"validate_every": 1000})
    run = run_training(job)
    next(r for r in run if r.done == 1)
    may_write.clear()
    next(r for r in run if r.done == 8)
    assert stored_step(job) < 8
    may_write.set()
    run.close()
    assert stored_step(job) == 8


def test_copy_stays_as_it_is_and_its_memory_is_used_again():
    state = {"weights": [torch.zeros(3)], "step": 1, "rows": [{"step": 0}]}
    first = saving.copied(state)
    state["weights"][0] += 1
    state["rows"].append({"step": 1})
    assert first["weights"][0].tolist() == [0, 0, 0]
    assert first["rows"] == [{"step": 0}]
    memory = first["weights"][0].data_ptr()
    second = saving.copied(state, first)
    assert second["weights"][0].tolist() == [1, 1, 1]
    assert second["weights"][0].data_ptr() == memory
    assert second["rows"] == [{"step": 0}, {"step": 1}]


def test_killed_training_leaves_what_loads_and_ends_alike(folders, tmp_path):
    """Many children are killed at random instants, the last one finishes."""
    script = Path(__file__).with_name("killed.py")
    done = subprocess.run(
        [sys.executable, script, *map(str, folders), str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    first, second = (load_file(tmp_path / f"{n}.safetensors") for n in ("a", "b"))
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_full_disk_loses_nothing_older(make_job):
    resource = pytest.importorskip("resource")
    job = stopped_at(make_job(), 25)
    older = {p: p.read_bytes() for p in (job.output, resume_path(job.output))}
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (5_000, limits[1]))
    try:
        with pytest.raises(OutputError, match=r"cannot be written to .*File too large"):
            drain(run_training(make_job(resume=True)))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert {p: p.read_bytes() for p in older} == older
    drain(run_training(make_job(resume=True)))


def test_full_disk_is_explained(make_job, monkeypatch):
    def refuse(self, content):
        raise OSError(errno.ENOSPC, "")

    run = run_training(make_job())
    next(r for r in run if r.done == 5)
    monkeypatch.setattr(Path, "write_bytes", refuse)
    with pytest.raises(OutputError, match="free some space"):
        drain(run)


def test_leftovers_of_a_killed_training_are_removed(make_job):
    job = make_job(recipe=SHORT)
    left = [
        job.output.with_name(f".m.0123abcd{s}") for s in (".safetensors", ".resume")
    ]
    other = job.output.with_name(".model.0123abcd.resume")
    for path in (*left, other):
        path.write_bytes(b"half")
    drain(run_training(job))
    assert not any(path.exists() for path in left)
    assert other.exists()


def test_resume_with_other_settings_is_refused(make_job):
    stopped_at(make_job(), 21)
    with pytest.raises(TrainingError, match=r"other settings \(batch\)"):
        drain(run_training(make_job(resume=True, recipe={"batch": 2})))


def test_resume_on_other_pairs_is_refused(make_job, folders):
    """They would be split anew, and what was learned from be held out."""
    stopped_at(make_job(), 21)
    for folder, name in zip(folders, ("3_a.tif", "3.tif"), strict=True):
        turned = tifffile.imread(folder / name)[::-1]
        tifffile.imwrite(folder / f"9{name[1:]}", turned)
    with pytest.raises(TrainingError, match=r"other settings \(pairs\)"):
        drain(run_training(make_job(resume=True)))


def test_resume_without_a_state_is_refused(make_job):
    with pytest.raises(TrainingError, match="to resume from"):
        drain(run_training(make_job(resume=True)))


def test_damaged_state_is_refused(make_job):
    job = stopped_at(make_job(), 5)
    state = resume_path(job.output)
    state.write_bytes(state.read_bytes()[:-1000])
    with pytest.raises(TrainingError, match=r"'m.resume' cannot be read"):
        drain(run_training(make_job(resume=True)))


def test_unfinished_training_is_not_begun_anew_unasked(make_job):
    job = make_job()
    resume_path(job.output).write_bytes(b"hours of work")
    with pytest.raises(TrainingError, match=r"--resume .* --overwrite"):
        drain(run_training(job))


def test_state_is_not_older_than_the_checkpoint(make_job, monkeypatch):
    """Or a killed training, taken up, would replace its best by something worse."""
    monkeypatch.setattr(saving, "SAVE_EVERY_S", 1e6)
    job = make_job()
    run = run_training(job)
    for report in run:
        if isinstance(report.detail, Validated) and report.detail.step == 20:
            break
    assert read_header(job.output).card.steps == 20
    state = torch.load(resume_path(job.output), weights_only=True)
    assert state["training"]["step"] == 20
    run.close()


@pytest.mark.parametrize(
    ("changes", "named"),
    [({"card": {"name": "other"}}, r"\(card\)"), ({"devices": 2}, r"\(devices\)")],
)
def test_resume_beside_other_devices_or_texts_is_refused(
    make_job, monkeypatch, changes, named
):
    stopped_at(make_job(recipe=SHORT), 3)
    if "devices" in changes:  # without the processes that would take part
        alone = run_module.launched_fabric
        monkeypatch.setattr(
            run_module,
            "launched_fabric",
            lambda device, devices, recipe: Two(alone(device, 1, recipe)),
        )
    with pytest.raises(TrainingError, match=named):
        drain(run_training(make_job(recipe=SHORT, resume=True, **changes)))


class Two:
    """One process that says it is one of two."""

    world_size = 2

    def __init__(self, fabric):
        self._fabric = fabric

    def __getattr__(self, name):
        return getattr(self._fabric, name)
