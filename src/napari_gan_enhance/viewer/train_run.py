"""One training of the Train dock as one job, in a process of its own."""

from __future__ import annotations

import os
import time
from contextlib import closing
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from napari_gan_enhance.progress import Job, Progress
from napari_gan_enhance.viewer.runs import spare_threads
from napari_gan_enhance.viewer.train_choices import MOST_STEPS, TrainChoices
from napari_gan_enhance.viewer.train_results import save_checkpoint_as

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from napari_gan_enhance.training.events import HeldOutScore, Preview
    from napari_gan_enhance.training.recipe import Recipe

PAUSE_S = 0.05
"""Seconds between two looks at whether a pause is over."""

LOOK_EVERY = 100
"""Steps between two looks at the held-out fields, at most: somebody waits."""


@dataclass(frozen=True, slots=True)
class TrainRequest:
    """What one training works on.

    Parameters
    ----------
    folders : tuple of Path
        Data sets, each with source/ and target/.
    choices : TrainChoices
    output : Path
        The checkpoint; others are kept beside it.
    """

    folders: tuple[Path, ...]
    choices: TrainChoices
    output: Path


@dataclass(frozen=True, slots=True)
class KeptCheckpoint:
    """Detail of a Progress: a checkpoint to step back to.

    Parameters
    ----------
    path : Path
    step : int
    score : HeldOutScore or None
    preview : Preview or None
        The held-out region as this checkpoint shows it.
    """

    path: Path
    step: int
    score: HeldOutScore | None
    preview: Preview | None


@dataclass(frozen=True, slots=True)
class DeviceMemory:
    """Detail of a Progress: what the training holds of the device's own memory, MiB."""

    mib: int


class Pause:
    """Hold a job between two steps; set from the window, seen by the job."""

    def __init__(self) -> None:
        self.is_on = False


class ShareDone:
    """Say of a report how much of the training is done, by steps or by time.

    Parameters
    ----------
    choices : TrainChoices
    """

    def __init__(self, choices: TrainChoices) -> None:
        self._choices = choices
        self._done = 0.0

    def of(self, report: Progress) -> Progress:
        """Return the report with `done` and `total` in thousandths."""
        left, seconds = report.remaining_s, 60 * self._choices.minutes
        if self._choices.budget == "steps" and report.total:
            self._done = report.done / report.total
        elif left is not None:
            self._done = max(0.0, 1 - left / seconds)
        return replace(report, done=round(1000 * self._done), total=1000)


def train_in_child(request: TrainRequest, pause: Pause) -> Job[None]:
    """Train in another process; see `train`.

    Not to ask for the next report is the pause: the other process waits.
    """
    from napari_gan_enhance.training.child import in_child

    with closing(in_child(train, request)) as job:
        while True:
            try:
                report = next(job)
            except StopIteration:
                return
            yield report
            while pause.is_on:
                yield Progress(report.done, report.total, "paused", report.remaining_s)
                time.sleep(PAUSE_S)


def train(request: TrainRequest) -> Job[None]:
    """Train on data sets and keep every checkpoint that was the best so far.

    Yields
    ------
    Progress
        `detail` is one of `training.events`, a KeptCheckpoint, a DeviceMemory or None.

    Raises
    ------
    GanEnhanceError
    """
    from napari_gan_enhance.device import limit_threads
    from napari_gan_enhance.training.events import Validated
    from napari_gan_enhance.training.run import TrainingJob, run_training

    limit_threads(spare_threads(os.cpu_count()))
    choices = request.choices
    job = TrainingJob(
        [(folder / "source", folder / "target") for folder in request.folders],
        recipe_of(choices),
        request.output,
        start=None if choices.is_from_scratch else choices.start,
        card={"name": request.output.stem},
        device=choices.device,
        overwrite=True,
        keeps_state=False,  # its folder goes with the dock
    )
    best = request.output
    with closing(run_training(job)) as steps:
        for report in steps:
            looked = report.detail
            if isinstance(looked, Validated) and looked.is_best:
                # Before it is told of: nobody may ask for another report.
                best = _beside(request.output, looked.step)
                save_checkpoint_as(request.output, best)
                kept = KeptCheckpoint(best, looked.step, looked.score, looked.preview)
                yield replace(report, note="", detail=kept)
            yield report
            if isinstance(looked, Validated):
                yield from _memory(report)
    if best != request.output:  # its card has the final scores now
        save_checkpoint_as(request.output, best)


def recipe_of(choices: TrainChoices) -> Recipe:
    """Return the recipe with the chosen budget."""
    from napari_gan_enhance.training.recipe import Recipe
    from napari_gan_enhance.training.recipes import recipe_named

    by_time = choices.budget == "time"
    budget = {
        "steps": MOST_STEPS if by_time else choices.steps,
        "minutes": choices.minutes if by_time else None,
    }
    recipe = Recipe.model_validate(
        {**recipe_named(choices.recipe).model_dump(), **budget}
    )
    return recipe.looking_every(min(recipe.validate_every, LOOK_EVERY))


def _beside(path: Path, step: int) -> Path:
    return path.with_name(f"{path.stem}-step-{step}{path.suffix}")


def _memory(report: Progress) -> Iterator[Progress]:
    import torch

    if torch.cuda.is_available() and torch.cuda.memory_reserved():
        mib = DeviceMemory(torch.cuda.memory_reserved() // 2**20)
        yield Progress(report.done, report.total, report.stage, detail=mib)
