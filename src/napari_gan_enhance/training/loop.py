"""The training loop: a generator of steps, readable from top to bottom."""

from __future__ import annotations

import contextlib
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from napari_gan_enhance.device import device_faults
from napari_gan_enhance.progress import Job, Progress, changed
from napari_gan_enhance.training.detectors import check_discriminator, check_losses
from napari_gan_enhance.training.events import Losses, Validated
from napari_gan_enhance.training.fabric import from_first
from napari_gan_enhance.training.record import note_of, row_of
from napari_gan_enhance.training.schedule import (
    follow_plateau,
    is_finished,
    rate_factor,
    set_rates,
    spent,
)
from napari_gan_enhance.training.step import draw, update

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Sequence

    from lightning_fabric import Fabric
    from torch import nn

    from napari_gan_enhance.training.events import HeldOutScore, Preview
    from napari_gan_enhance.training.recipe import Recipe
    from napari_gan_enhance.training.state import Training
    from napari_gan_enhance.training.validation import Validator

CLEARLY_DB = 0.5
"""By how much the average must score higher than weights on the way to it. A held-out
part of the only field flatters the average by up to 0.3 dB; what is more has been
learned: a start that is far off is not left by a part of the way."""


def train(
    training: Training, validator: Validator, recipe: Recipe, fabric: Fabric
) -> Job[Training]:
    """Train until the recipe's budget is spent; keep the best by held-out score.

    The start is looked at first and may stay the best. Between two reports at most one
    step is done; at each report the state is whole and may be stored.

    Parameters
    ----------
    training : Training
        New, or taken up where it was left; changed in place.
    validator : Validator
        Fields of view that are not trained on; without any the last step counts.
    recipe : Recipe
    fabric : Fabric

    Yields
    ------
    Progress
        After each step, with Losses in `detail` when they were read; while and after
        looking at the held-out fields, then with Validated.

    Returns
    -------
    Training

    Raises
    ------
    TrainingError
        If the training leads nowhere; see `check_losses`.
    """
    begun = training.elapsed_s, spent(training, recipe)
    while True:
        if _is_validation_due(training, recipe):
            yield from _validate(training, validator, recipe, fabric)
        if is_finished(training, recipe):
            return training
        with _counted(training):
            with device_faults(fabric.device.type):
                batch = draw(training, recipe, fabric)
                warning = check_discriminator(training, batch, recipe, fabric)
                set_rates(training, recipe)
                training.meter.add(update(training, batch, recipe, fabric), fabric)
            training.step += 1
            losses = _read(training, recipe, fabric) if training.meter.is_due else None
        left = _remaining_s(training, recipe, *begun)
        report = Progress(
            training.step, recipe.steps, "training", left, warning, losses
        )
        yield from _together(report, training, fabric)


def _together(
    report: Progress, training: Training, fabric: Fabric
) -> Generator[Progress, None, None]:
    """Report, and go on where and when the first process does.

    All processes must stop at the same step: by the time of the first, or where it is
    stopped at this report, see `stop_others`.
    """
    yield report
    training.elapsed_s = from_first(fabric, training.elapsed_s)


@contextlib.contextmanager
def _counted(training: Training) -> Iterator[None]:
    """Count the time of what is done here as spent on updates.

    A device works on while the next step is got ready: it is the reading of the losses
    that takes the time of what was queued.
    """
    start = time.monotonic()
    yield
    training.elapsed_s += time.monotonic() - start


def _read(training: Training, recipe: Recipe, fabric: Fabric) -> Losses | None:
    """Read the losses of the last steps and stop if they tell of a failure."""
    with device_faults(fabric.device.type):
        values = training.meter.read()
    if not values:
        return None
    if not training.first_losses:
        training.first_losses = values
    share = spent(training, recipe)
    check_losses(values, training.first_losses, training.step, share)
    return Losses(training.step, values)


def _remaining_s(
    training: Training, recipe: Recipe, elapsed_s: float, share: float
) -> float | None:
    """Return the time left, from the time spent on updates: a pause does not count."""
    done = spent(training, recipe) - share
    if done <= 0:
        return None
    return (training.elapsed_s - elapsed_s) * (1 - share - done) / done


def _is_validation_due(training: Training, recipe: Recipe) -> bool:
    if training.history and training.history[-1]["step"] == training.step:
        return False
    return training.step % recipe.validate_every == 0 or spent(training, recipe) >= 1


def _validate(
    training: Training, validator: Validator, recipe: Recipe, fabric: Fabric
) -> Generator[Progress, None, None]:
    """Score what may be kept and remember it if it is the best so far."""
    with _counted(training):
        _read(training, recipe, fabric)  # before weights that are not finite are scored
    busy = Progress(training.step, recipe.steps, "validating")
    # The start has nothing between itself and its average.
    networks = training.kept.networks() if training.step else (training.average,)
    number, score, preview = 0, None, None
    if validator.images and fabric.is_global_zero:
        number, score, preview = yield from _chosen(networks, validator, busy)
    number, score = from_first(fabric, (number, score))
    losses = training.meter.close_window()
    value = None if score is None else score.value
    is_best = training.judge(networks[number], value)
    follow_plateau(training, recipe)
    rate = recipe.learning_rate * rate_factor(training, recipe)
    validated = Validated(
        training.step, losses, score, is_best, training.best_step, rate, preview
    )
    training.history.append(row_of(validated, training.elapsed_s))
    looked = replace(busy, stage="training", note=note_of(validated), detail=validated)
    yield from _together(looked, training, fabric)


def _chosen(
    networks: Sequence[nn.Module], validator: Validator, busy: Progress
) -> Generator[Progress, None, tuple[int, HeldOutScore, Preview]]:
    """Return which network is kept, a later one only if it is clearly better."""
    number = 0
    score, preview = yield from changed(validator.score(networks[0]), lambda _: busy)
    for other, network in enumerate(networks[1:], start=1):
        looked, shown = yield from changed(validator.score(network), lambda _: busy)
        if looked.value > score.value + CLEARLY_DB:
            number, score, preview = other, looked, shown
    return number, score, preview
