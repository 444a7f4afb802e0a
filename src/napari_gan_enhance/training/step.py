"""One update of the generator, and of the discriminator if there is one."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import get_ema_multi_avg_fn

from napari_gan_enhance.training.losses import discriminator_loss, generator_loss, ssim

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lightning_fabric import Fabric

    from napari_gan_enhance.training.recipe import Recipe
    from napari_gan_enhance.training.state import Learner, Training

Batch = tuple[Tensor, Tensor]
Measured = dict[str, Tensor]


def draw(training: Training, recipe: Recipe, fabric: Fabric) -> Batch:
    """Return this process's share of the next batch, on its device.

    Every process draws the batch of all, so that their random states stay alike.
    """
    first = fabric.global_rank * recipe.batch
    source, target = (
        side[first : first + recipe.batch].to(
            fabric.device, memory_format=torch.channels_last
        )
        for side in training.sampler.draw()
    )
    return source, target.contiguous()


def update(
    training: Training, batch: Batch, recipe: Recipe, fabric: Fabric
) -> Measured:
    """Move the weights once.

    The generator runs once. The discriminator learns first, on its results; then the
    generator learns from what the discriminator says now.

    Returns
    -------
    dict of str to scalar Tensor
        The losses by name, see `Losses`, and what the detectors look at.
    """
    source, target = batch
    result = training.generator.network(source).contiguous()
    measured: Measured = {}
    loss = result.new_zeros(())
    if recipe.pixel_weight:
        measured["pixel"] = _pixel_loss(result, target, recipe)
        loss = loss + recipe.pixel_weight * measured["pixel"]
    if recipe.ssim_weight:
        measured["dissimilarity"] = 1 - ssim(result, target, data_range=1.0)
        loss = loss + recipe.ssim_weight * measured["dissimilarity"]
    if training.discriminator is not None:
        judge = training.discriminator
        measured |= _teach(judge, result.detach(), target, recipe, fabric)
        measured["adversarial"] = _judged(judge, result, target, recipe, fabric)
        loss = loss + recipe.adversarial_weight * measured["adversarial"]
    _move(training.generator, loss, recipe, fabric)
    _follow(training, recipe)
    return {"total": loss, **measured, **_statistics(result.detach(), target)}


def logits(learner: Learner, images: Tensor, fabric: Fabric) -> Tensor:
    """Return what a discriminator says without being taught, (N, 1)."""
    with fabric.autocast():
        said: Tensor = learner.bare(images)
    return said.to(images.dtype)


@contextlib.contextmanager
def frozen(network: nn.Module) -> Iterator[None]:
    """Let gradients pass through a network without computing those of its weights."""
    network.requires_grad_(False)
    try:
        yield
    finally:
        network.requires_grad_(True)


def _teach(
    judge: Learner, fake: Tensor, target: Tensor, recipe: Recipe, fabric: Fabric
) -> Measured:
    """Move the discriminator once."""
    # In one go: its normalization looks at each image alone.
    said = judge.network(torch.cat([target, fake]))
    real, generated = said.chunk(2)
    loss = discriminator_loss(recipe.adversary, real, generated)
    _move(judge, loss, recipe, fabric)
    return {
        "discriminator": loss,
        "gap": (real - generated).mean(),
        "logit": said.abs().mean(),
    }


def _judged(
    judge: Learner, result: Tensor, target: Tensor, recipe: Recipe, fabric: Fabric
) -> Tensor:
    with frozen(judge.bare):
        real = logits(judge, target, fabric)
        return generator_loss(recipe.adversary, real, logits(judge, result, fabric))


def _pixel_loss(result: Tensor, target: Tensor, recipe: Recipe) -> Tensor:
    if recipe.pixel_loss == "absolute":
        return nn.functional.l1_loss(result, target)
    return nn.functional.mse_loss(result, target)


def _move(learner: Learner, loss: Tensor, recipe: Recipe, fabric: Fabric) -> None:
    learner.optimizer.zero_grad()
    fabric.backward(loss)
    if recipe.gradient_norm is not None:
        nn.utils.clip_grad_norm_(learner.bare.parameters(), recipe.gradient_norm)
    learner.optimizer.step()


@torch.no_grad()
def _follow(training: Training, recipe: Recipe) -> None:
    """Move the average towards the generator."""
    # Early on the average forgets faster, or it would keep the random start for long.
    step = training.step + 1
    decay = min(recipe.average_decay, (1 + step) / (10 + step))
    follow = get_ema_multi_avg_fn(decay)  # type: ignore[no-untyped-call]
    follow(
        list(training.average.parameters()),
        list(training.generator.bare.parameters()),
        step,
    )


def _statistics(result: Tensor, target: Tensor) -> Measured:
    return {
        "shift": result.mean() - target.mean(),
        "spread": result.std(),
        "target_spread": target.std(),
        "largest": result.abs().amax(),
        "target_largest": target.abs().amax(),
    }
