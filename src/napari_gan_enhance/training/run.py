"""A whole training: from folders of pairs to a checkpoint with its card."""

from __future__ import annotations

from dataclasses import dataclass, field
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
from napari_gan_enhance.device import select_device
from napari_gan_enhance.errors import InputError, TrainingError
from napari_gan_enhance.io.atomic import check_folder, check_free
from napari_gan_enhance.models.registry import build_network, spec_of
from napari_gan_enhance.progress import Job, Progress
from napari_gan_enhance.training.images import load_pairs
from napari_gan_enhance.training.loop import Training, train
from napari_gan_enhance.training.pairs import Pair, find_pairs, split_by_field
from napari_gan_enhance.training.report import held_out_scores, make_card
from napari_gan_enhance.training.resume import load_state, resume_path, save_state

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from napari_gan_enhance.models.spec import ModelCard, ModelSpec
    from napari_gan_enhance.training.images import ImagePair
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
    resume, overwrite : bool
    """

    folders: Sequence[tuple[Path, Path]]
    recipe: Recipe
    output: Path
    start: str | None = None
    card: dict[str, Any] = field(default_factory=dict)
    device: str = "auto"
    resume: bool = False
    overwrite: bool = False


def run_training(job: TrainingJob) -> Job[ModelCard]:
    """Train and write the best checkpoint, scored on fields it never saw.

    The checkpoint is written at every new best, the state to resume from at every
    validation; the state is removed at the end.

    Yields
    ------
    Progress

    Returns
    -------
    ModelCard

    Raises
    ------
    TrainingError, CheckpointError, InputError, OutputError, DeviceError
    """
    recipe, device = job.recipe, select_device(job.device)
    _check_output(job)
    yield Progress(0, recipe.steps, "loading pairs")
    pairs = _pairs(job)
    split = split_by_field(
        pairs,
        validation=recipe.validation_share,
        test=recipe.test_share,
        seed=recipe.seed,
    )
    network, spec, parent = _start(job)
    network.to(device)
    images = _images(split.train, recipe, spec)
    training = Training.start(network, images, recipe, spec)
    settings = recipe.model_dump(mode="json")
    if job.resume:
        load_state(training, job.output, settings)
    validation = _images(split.validation, recipe, spec)
    given = {**job.card, "parent": parent.sha256 if parent else None}
    written = -1
    for report in train(training, validation, spec, recipe, device):
        if report.detail is not None:
            if training.best_step != written:
                card = make_card(split, recipe, training.best_step, (), given)
                save_checkpoint(
                    job.output, training.best_state, spec, card, overwrite=True
                )
                written = training.best_step
            save_state(training, job.output, settings)
        yield report
    yield Progress(training.step, recipe.steps, "scoring")
    network.load_state_dict(training.best_state)
    scores = held_out_scores(network, spec, _images(split.test, recipe, spec))
    card = make_card(split, recipe, training.best_step, scores, given)
    save_checkpoint(job.output, training.best_state, spec, card, overwrite=True)
    resume_path(job.output).unlink(missing_ok=True)
    return card


def _check_output(job: TrainingJob) -> None:
    """Refuse before the training what could not be written after it."""
    name = job.output.name
    if job.output.suffix != SUFFIX:
        raise InputError(
            f"{name!r} is no name for a checkpoint - it ends in {SUFFIX} - choose such "
            "a name."
        )
    if not (job.overwrite or job.resume) and resume_path(job.output).exists():
        raise TrainingError(
            f"A training of {name!r} is unfinished - it is taken up with --resume or "
            "begun anew with --overwrite - choose one of the two."
        )
    check_free(job.output, overwrite=job.overwrite or job.resume)
    check_folder(job.output)


def _images(pairs: Sequence[Pair], recipe: Recipe, spec: ModelSpec) -> list[ImagePair]:
    """Load pairs, and refuse those whose channels do not fit the network."""
    images = load_pairs(pairs, (recipe.low_percentile, recipe.high_percentile))
    for image in images:
        for side, pixels in (("source", image.source), ("target", image.target)):
            needed = spec.in_channels if side == "source" else spec.out_channels
            if len(pixels) != needed:
                raise TrainingError(
                    f"{getattr(image.pair, side).name!r} has {len(pixels)} channels - "
                    f"the model takes {spec.in_channels} and gives "
                    f"{spec.out_channels} - save each channel as an image of its own."
                )
    return images


def _pairs(job: TrainingJob) -> list[Pair]:
    return [
        pair
        for source, target in job.folders
        for pair in find_pairs(source, target, job.recipe.field_pattern)
    ]


def _start(job: TrainingJob) -> tuple[nn.Module, ModelSpec, CheckpointHeader | None]:
    """Return the network to train, what it needs, and where it comes from."""
    if job.start is not None:
        header = read_header(resolve_model(job.start))
        return load_network(header), header.spec, header
    torch.manual_seed(job.recipe.seed)
    network = build_network(job.recipe.architecture, job.recipe.config)
    spec = spec_of(
        job.recipe.architecture,
        job.recipe.config,
        low_percentile=job.recipe.low_percentile,
        high_percentile=job.recipe.high_percentile,
    )
    return network, spec, None
