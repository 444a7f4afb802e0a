"""A whole training: from folders of pairs to a checkpoint with its card."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import chain, count
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from napari_gan_enhance.checkpoints.bundled import resolve_model
from napari_gan_enhance.checkpoints.header import (
    SUFFIX,
    CheckpointHeader,
    read_header,
)
from napari_gan_enhance.checkpoints.native import load_network, save_checkpoint
from napari_gan_enhance.errors import InputError, OutputError, TrainingError
from napari_gan_enhance.io.atomic import check_folder, check_free
from napari_gan_enhance.models.registry import build_network, spec_of
from napari_gan_enhance.progress import Job, Progress, drain
from napari_gan_enhance.training.events import Saved, Validated
from napari_gan_enhance.training.fabric import (
    launched_fabric,
    leave,
    led,
    stop_others,
)
from napari_gan_enhance.training.held_out import HeldOut, keep_apart
from napari_gan_enhance.training.loop import train
from napari_gan_enhance.training.memory import kept_memory, returned_memory
from napari_gan_enhance.training.pairs import Pair, find_pairs
from napari_gan_enhance.training.record import record_path, write_record
from napari_gan_enhance.training.report import (
    describe_data,
    held_out_scores,
    make_card,
    pixel_sizes_of,
    scores_of_a_look,
)
from napari_gan_enhance.training.resume import (
    load_state,
    remove_leftovers,
    resume_path,
)
from napari_gan_enhance.training.saving import StateSaver
from napari_gan_enhance.training.state import Training
from napari_gan_enhance.training.validation import Validator

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from lightning_fabric import Fabric

    from napari_gan_enhance.models.spec import ModelCard, ModelSpec, Score
    from napari_gan_enhance.training.recipe import Recipe


@dataclass(frozen=True, slots=True)
class TrainingJob:
    """What to train on what.

    Parameters
    ----------
    folders : sequence of (source folder, target folder)
    recipe : Recipe
    output : Path
        The checkpoint, `.safetensors`.
    start : str or None
        Bundled model or checkpoint to begin from; None begins from scratch.
    card : dict
        Name, summary, limits, licence and `data` for the card.
    device : str
    devices : int
        How many, one process for each; see `launched_fabric`.
    resume, overwrite : bool
    keeps_state : bool
        Whether it can be taken up later by `resume`; False saves the disk the state.
    """

    folders: Sequence[tuple[Path, Path]]
    recipe: Recipe
    output: Path
    start: str | None = None
    card: dict[str, Any] = field(default_factory=dict)
    device: str = "auto"
    devices: int = 1
    resume: bool = False
    overwrite: bool = False
    keeps_state: bool = True


def run_training(job: TrainingJob) -> Job[ModelCard | None]:
    """Train and write the best checkpoint, scored on fields it never saw.

    The checkpoint is written at every new best. The state to resume from is written
    while the training goes on, see `StateSaver`, and when the job is closed; it is
    removed at the end. When the power fails at most ten seconds of work are lost, if
    one step and writing the state take less than two. Not to ask for the next report
    is a pause.

    Yields
    ------
    Progress
        After each step at the latest; `detail` is one of the records of
        `training.events`.

    Returns
    -------
    ModelCard or None
        None in all processes but the first.

    Raises
    ------
    TrainingError, CheckpointError, InputError, OutputError, DeviceError
    """
    _check_output(job)
    yield Progress(0, job.recipe.steps, "loading pairs")
    fabric = launched_fabric(job.device, job.devices, job.recipe)
    try:
        with kept_memory(), returned_memory(fabric.device):
            return (yield from _trained(job, fabric))
    finally:
        leave(fabric)


def _trained(job: TrainingJob, fabric: Fabric) -> Job[ModelCard | None]:
    """Hold the run no longer than it lasts."""
    run = _Run(job, fabric)
    if fabric.is_global_zero:
        return (yield from run.lead())
    run.follow()
    return None


class _Run:
    """What one process of a training holds."""

    def __init__(self, job: TrainingJob, fabric: Fabric) -> None:
        self.job = job
        self.fabric = fabric
        network, self.spec, self.parent = _start(job)
        self.pairs: HeldOut = keep_apart(pairs_of(job), job.recipe, self.spec)
        changes: dict[str, Any] = {"patch": self.pairs.patch}
        if job.start is None:  # nobody wants to go back to random weights
            changes["interpolation"] = 1.0
        self.recipe = job.recipe.model_copy(update=changes)
        self.data = describe_data(self.pairs, job.card.get("data", {}))
        self.validator = Validator(self.pairs.validation, self.spec, fabric.device)
        self.training = Training.start(
            network, self.pairs.train, self.recipe, self.spec, fabric
        )
        self.settings = {
            **self.recipe.model_dump(mode="json"),
            # Other pairs would be split anew, and what was learned from held out.
            "pairs": [[data.name, data.sha256] for data in self.data],
            "start": self.parent.sha256 if self.parent else None,
            "devices": fabric.world_size,
            "card": job.card,
        }
        if job.resume:
            load_state(self.training, job.output, self.settings)

    def steps(self) -> Job[Training]:
        """Return the loop."""
        return train(self.training, self.validator, self.recipe, self.fabric)

    def follow(self) -> None:
        """Take part in a training that another process leads, until it stops."""
        with led():
            drain(self.steps())

    def lead(self) -> Job[ModelCard]:
        """Train, save, score."""
        _check_output(self.job)  # another may have been done while this one loaded
        remove_leftovers(self.job.output)
        yield from self.saving()
        training, steps = self.training, self.recipe.steps
        yield Progress(training.step, steps, "scoring", note=self.verdict())
        network = training.average
        network.load_state_dict(training.best_state)
        scores = held_out_scores(network, self.spec, self.pairs, self.fabric.device)
        card = self.save_checkpoint((yield from scores))
        resume_path(self.job.output).unlink(missing_ok=True)
        return card

    def saving(self) -> Job[None]:
        """Train, and save what would be a pity to lose."""
        steps = self.steps()
        saver = StateSaver(
            self.job.output, self.settings, is_wanted=self.job.keeps_state
        )
        try:
            for report in steps:
                # What is told is on the disk: nobody may ask for another report.
                news = self.keep(report, saver)
                yield report
                yield from news
                saver.save_if_due(self.training)
        except (GeneratorExit, OutputError) as end:
            stop_others(self.fabric)
            if isinstance(end, GeneratorExit):
                saver.save(self.training)  # the loop rests between two steps
                saver.wait()
            raise
        finally:
            steps.close()
            saver.close()

    def keep(self, report: Progress, saver: StateSaver) -> list[Progress]:
        """Write down a look, and the weights if they are the best so far."""
        looked, images = report.detail, self.validator.images
        if not isinstance(looked, Validated):
            return []
        news = []
        if looked.is_best:
            # First the state: taken up from an older one, a training would replace
            # this checkpoint by a worse one.
            saver.save(self.training)
            saver.wait()
            self.save_checkpoint(scores_of_a_look(looked.score, images))
            news.append(replace(report, note="", detail=self.saved()))
        write_record(self.job.output, self.training.history)
        return news

    def save_checkpoint(self, scores: Sequence[Score]) -> ModelCard:
        """Write the best weights so far."""
        parent = self.parent.sha256 if self.parent else None
        card = make_card(
            self.data,
            self.recipe,
            self.training.best_step,
            scores,
            {**pixel_sizes_of(self.pairs.train), **self.job.card, "parent": parent},
        )
        save_checkpoint(
            self.job.output, self.training.best_state, self.spec, card, overwrite=True
        )
        return card

    def saved(self) -> Saved:
        """Return the news that the checkpoint is written."""
        training = self.training
        return Saved(self.job.output, training.best_step, training.best_score)

    def verdict(self) -> str:
        """Return what became of it, if the start was the best."""
        if self.training.best_step > 0 or not self.pairs.validation:
            return ""
        return (
            "No step was better than the start on the held-out fields: the result is "
            "the start, unchanged. More pairs, or better aligned ones, may help."
        )


def _check_output(job: TrainingJob) -> None:
    """Refuse before the training what could not be written after it."""
    name = job.output.name
    if job.output.suffix != SUFFIX:
        raise InputError(
            f"{name!r} is no name for a checkpoint - it ends in {SUFFIX} - choose such "
            "a name."
        )
    if job.start is not None and job.output.exists():
        start = resolve_model(job.start)
        if start.samefile(job.output):
            raise InputError(
                f"{name!r} is the model the training begins with - it would be "
                "replaced, and a training that is interrupted could not go on - choose "
                "another name."
            )
    if not (job.overwrite or job.resume) and resume_path(job.output).exists():
        raise TrainingError(
            f"A training of {name!r} is unfinished - it is taken up with --resume or "
            "begun anew with --overwrite - choose one of the two."
        )
    for path in (job.output, record_path(job.output)):
        check_free(path, overwrite=job.overwrite or job.resume)
    check_folder(job.output)


def pairs_of(job: TrainingJob) -> list[Pair]:
    """Return all pairs; data sets of one name get names of their own.

    Raises
    ------
    TrainingError
        If an image has no partner, or there is no pair.
    """
    pairs: list[Pair] = []
    folders: dict[str, Path] = {}
    for source, target in job.folders:
        found = find_pairs(source, target, job.recipe.field_pattern)
        folder = found[0].source.parent.parent
        first = found[0].data_set
        names = chain([first], (f"{first}-{n}" for n in count(2)))
        name = next(n for n in names if folders.setdefault(n, folder) == folder)
        pairs += [replace(pair, data_set=name) for pair in found]
    return pairs


def _start(job: TrainingJob) -> tuple[nn.Module, ModelSpec, CheckpointHeader | None]:
    """Return the network to train, what it needs, and where it comes from."""
    if job.start is not None:
        header = read_header(resolve_model(job.start))
        return load_network(header), header.spec, header
    recipe = job.recipe
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(recipe.seed)
        network = build_network(recipe.architecture, recipe.config)
    spec = spec_of(
        recipe.architecture,
        recipe.config,
        low_percentile=recipe.low_percentile,
        high_percentile=recipe.high_percentile,
    )
    return network, spec, None
