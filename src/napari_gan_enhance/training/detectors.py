"""Recognize a training that leads nowhere, and say why.

Every signature was seen: in the released code, or in trials with the same networks.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch

from napari_gan_enhance.errors import TrainingError
from napari_gan_enhance.training.step import logits

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lightning_fabric import Fabric

    from napari_gan_enhance.training.recipe import Recipe
    from napari_gan_enhance.training.state import Training
    from napari_gan_enhance.training.step import Batch

DEAD = 1e-8
"""Of logits and of their gradient in the image: dead discriminators have 1e-9 down to
exactly 0, live ones 2e-6 and more."""

LISTENED_AT = (0, 100)
"""Steps at which the discriminator is listened to: at first it may be alive and die."""

LARGEST_LOGIT = 100.0
"""Mean absolute logit, of a relativistic discriminator half the difference between real
and generated; in the hundreds it has run away from the generator, which then gets no
useful gradient. Healthy ones stay below 20."""

FLAT = 1e-3
"""Standard deviation of a flat result, where 0 to 1 is the range of the source."""

EMPTY = 0.01
"""Standard deviation of targets that show next to nothing, as a batch of background: a
flat result is right there."""

RUNAWAY = 10.0
"""How many times the largest value of sources and targets a result may reach, or the
range of the source, which is 1: of background the largest value is hardly above 0. A
hot pixel of a dim source is a hundred, and who begins with the input shows it."""

DRIFT = 1.0
"""How many standard deviations of the target the mean of the results may move away."""

LEAST_DRIFT = 0.1
"""Of the range of the source, which is no drift yet: background hardly deviates. One
pair of filaments was 0.03 too dark for a moment where its target deviated by 0.005."""

SETTLED_AT = 200
"""Step from which on spread, range and brightness must be about right."""

SETTLED_SHARE = 0.25
"""Share of a shorter budget from which on they must, if the first results were images:
those of a model or of a residual network, which begins with its input. A network begun
from nothing may take a hundred steps to leave the flat, at any budget."""

FEWEST_STEPS = 10
"""Steps that are done in any case: a trial of a few is to show whether all is there."""

IMAGE = 0.5
"""Least deviation of an image, in those of its target; from nothing it is about 0.1."""


def check_losses(
    values: Mapping[str, float], first: Mapping[str, float], step: int, share: float
) -> None:
    """Stop a training whose numbers are those of a known failure.

    Parameters
    ----------
    values, first : mapping of str to float
        Means as `update` measures them, now and at the beginning.
    step : int
    share : float
        Of the budget that is spent.

    Raises
    ------
    TrainingError
        With what was seen and what to do.
    """
    for name, value in values.items():
        if math.isfinite(value):
            continue
        raise TrainingError(
            f"The loss ({name}) became {value} at step {step} - it must stay finite - "
            "lower the learning rate or look for extreme pixels in the pairs."
        )
    if values.get("logit", 0.0) > LARGEST_LOGIT:
        raise TrainingError(
            f"The discriminator's logits reached {values['logit']:.0f} at step {step} "
            f"- above {LARGEST_LOGIT:.0f} the generator learns nothing from it - lower "
            "the learning rate of the discriminator."
        )
    if step >= SETTLED_AT or (
        step >= FEWEST_STEPS
        and share >= SETTLED_SHARE
        and first["spread"] >= IMAGE * first["target_spread"]
    ):
        _check_results(values, first, step)


def check_discriminator(
    training: Training, batch: Batch, recipe: Recipe, fabric: Fabric
) -> str:
    """Listen to the discriminator at the first and the hundredth step.

    Returns
    -------
    str
        A warning if it is dead and the recipe tolerates that; else nothing.

    Raises
    ------
    TrainingError
        If it is dead: neither its logits nor their gradient tell images apart.
    """
    if training.discriminator is None or training.step not in LISTENED_AT:
        return ""
    gap, gradient = signal(training, batch, fabric)
    if max(gap, gradient) >= DEAD:
        return ""
    if recipe.tolerates_dead_discriminator:
        return (
            f"The discriminator is dead at step {training.step}: its logits differ by "
            f"{gap:.1e} and their gradient is {gradient:.1e}. As in the released code, "
            "only the other losses train the generator."
        )
    raise TrainingError(
        f"The discriminator is dead at step {training.step} (logits of real and "
        f"generated images differ by {gap:.1e}, gradient {gradient:.1e}) - it must "
        "tell images apart - use the discriminator 'working' at a lower learning rate."
    )


def signal(training: Training, batch: Batch, fabric: Fabric) -> tuple[float, float]:
    """Return the largest differences of logits between images, and gradient in one."""
    judge = training.discriminator
    if judge is None:
        raise TypeError("there is no discriminator to listen to")
    source, target = batch
    with torch.no_grad():
        fake = training.generator.network(source)
    images = torch.cat([target, fake, torch.zeros_like(target[:1])]).requires_grad_()
    said = logits(judge, images, fabric)
    (gradient,) = torch.autograd.grad(said.sum(), images)
    return (said.max() - said.min()).item(), gradient.abs().max().item()


def _check_results(
    values: Mapping[str, float], first: Mapping[str, float], step: int
) -> None:
    if values["spread"] < FLAT and values["target_spread"] >= EMPTY:
        raise TrainingError(
            f"The generator gives a flat image at step {step} (deviation "
            f"{values['spread']:.1e}) - above {FLAT:g} it learns - begin from another "
            "model, or choose another initialization or a lower learning rate."
        )
    largest = max(values["target_largest"], values["source_largest"], 1.0)
    if values["largest"] > RUNAWAY * largest:
        raise TrainingError(
            f"Results reach {values['largest']:.3g} at step {step}, the images "
            f"{largest:.3g} - up to {RUNAWAY:g} times as much is normal - lower the "
            "learning rate."
        )
    drift = abs(values["shift"]) - abs(first["shift"])
    if drift > max(DRIFT * values["target_spread"], LEAST_DRIFT):
        raise TrainingError(
            f"The brightness of the results drifted by {values['shift']:+.3g} from the "
            f"targets at step {step} - at most their deviation of "
            f"{values['target_spread']:.3g}, or {LEAST_DRIFT:g}, is normal - lower the "
            "learning rate or give the pixel loss more weight."
        )
