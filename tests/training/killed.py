"""Train in children that are killed at random instants; run by test_resume.

After each death the files must load. The last child finishes; `a` is an unbroken run of
the same job, `b` the one that was killed.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import time
from dataclasses import replace
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = "1"

import torch

from napari_gan_enhance.checkpoints.header import read_header
from napari_gan_enhance.checkpoints.native import load_network
from napari_gan_enhance.progress import drain
from napari_gan_enhance.training import saving
from napari_gan_enhance.training.recipe import Recipe
from napari_gan_enhance.training.resume import resume_path
from napari_gan_enhance.training.run import TrainingJob, run_training

DEATHS = 5
LIVES_S = (0.0, 0.3)
"""After the first state is saved; short enough not to finish."""

WAIT_S = 60
"""Longer than a child needs to begin on a busy machine."""

RECIPE = Recipe(
    name="tiny",
    config={"in_channels": 1, "out_channels": 1, "width": 4, "depth": 2},
    steps=60,
    patch=32,
    batch=1,
    validate_every=5,
    validation_share=0.2,
    test_share=0.0,
)


def main() -> None:
    source, target, folder = map(Path, sys.argv[1:])
    torch.set_num_threads(1)
    saving.SAVE_EVERY_S = 0.0
    job = TrainingJob([(source, target)], RECIPE, folder / "a.safetensors")
    drain(run_training(replace(job, device="cpu")))
    killed = replace(job, device="cpu", output=folder / "b.safetensors")
    lives = random.Random(0)
    deaths = 0
    for _ in range(DEATHS):
        before = written_at(resume_path(killed.output))
        resumed = before is not None
        child = os.fork()
        if child == 0:
            drain(run_training(replace(killed, resume=resumed, overwrite=True)))
            os._exit(0)
        wait_for_another(before, resume_path(killed.output))
        time.sleep(lives.uniform(*LIVES_S))
        os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        deaths += os.WIFSIGNALED(status)
        check(killed)
    assert deaths >= DEATHS // 2, f"only {deaths} children were killed at work"
    if resume_path(killed.output).exists():
        drain(run_training(replace(killed, resume=True)))


def wait_for_another(before: int | None, state: Path) -> None:
    """Wait until there is another state than before."""
    end = time.monotonic() + WAIT_S
    while written_at(state) == before:
        assert time.monotonic() < end, "the child saves nothing"
        time.sleep(0.001)


def written_at(path: Path) -> int | None:
    try:
        return path.stat().st_mtime_ns
    except FileNotFoundError:
        return None


def check(job: TrainingJob) -> None:
    """Load what the dead child left."""
    if job.output.exists():
        load_network(read_header(job.output))
    if resume_path(job.output).exists():
        torch.load(resume_path(job.output), weights_only=True)


if __name__ == "__main__":
    main()
