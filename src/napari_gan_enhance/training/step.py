"""One update of the generator, and of the discriminator if there is one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import get_ema_multi_avg_fn

from napari_gan_enhance.training.losses import discriminator_loss, generator_loss, ssim

if TYPE_CHECKING:
    from lightning_fabric import Fabric

    from napari_gan_enhance.training.losses import Adversary
    from napari_gan_enhance.training.recipe import Recipe
    from napari_gan_enhance.training.state import Learner, Training

Batch = tuple[Tensor, Tensor]
Measured = dict[str, Tensor]

LEAST_PUSH = 1e-12
"""Length of a discriminator's gradient in an image from which on it is stretched to its
share: a dead one's is rounding error, and what it would be multiplied with overflows.
"""


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
    # The losses end at the image; from there one gradient goes on into the generator.
    image = result.detach().requires_grad_()
    measured, loss = _likeness(image, target, recipe)
    gradient = (
        torch.autograd.grad(loss, image)[0] if measured else torch.zeros_like(image)
    )
    if training.discriminator is not None:
        judge = training.discriminator
        measured |= _teach(judge, image.detach(), target, recipe, fabric)
        said = _judged(judge, image, target, recipe, fabric)
        (push,) = torch.autograd.grad(said, image)  # nothing for the judge's weights
        scale = _balance(gradient, push, recipe)
        gradient = gradient + scale * push
        measured |= {"adversarial": said, "push": scale.mean()}
        if recipe.balance == "losses":  # gradients of a fixed length have no sum
            loss = loss.detach() + scale.mean() * said.detach()
    _move(training.generator, result, recipe, fabric, gradient)
    _follow(training, recipe)
    return {"total": loss, **measured, **_statistics(source, image.detach(), target)}


def logits(learner: Learner, images: Tensor, fabric: Fabric) -> Tensor:
    """Return what a discriminator says without being taught, (N, 1)."""
    with fabric.autocast():
        said: Tensor = learner.bare(images)
    return said.to(images.dtype)


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
        "logit": _loudness(recipe.adversary, real, generated),
    }


def _loudness(adversary: Adversary, real: Tensor, generated: Tensor) -> Tensor:
    """Return how large logits are, mean over images.

    A relativistic loss knows differences alone: by how much both are large together
    is nothing to it, drifts to any height, and is not counted.
    """
    if adversary == "relativistic":
        return (real - generated).abs().mean() / 2
    return torch.cat([real, generated]).abs().mean()


def _judged(
    judge: Learner, image: Tensor, target: Tensor, recipe: Recipe, fabric: Fabric
) -> Tensor:
    with torch.no_grad():
        real = logits(judge, target, fabric)
    return generator_loss(recipe.adversary, real, logits(judge, image, fabric))


def _balance(gradient: Tensor, push: Tensor, recipe: Recipe) -> Tensor:
    """Return what the push of the discriminator is multiplied with, (N, 1, 1, 1)."""
    weight = torch.full_like(push[:, :1, :1, :1], recipe.adversarial_weight)
    if recipe.balance == "losses":
        return weight
    # For each image alone, so that it does not matter which ones share a batch.
    led, pushed = (side.flatten(1).norm(dim=1) for side in (gradient, push))
    length = torch.where(pushed > LEAST_PUSH, led / pushed, 1)
    scale: Tensor = weight * length.view(-1, 1, 1, 1)
    return scale


def _likeness(image: Tensor, target: Tensor, recipe: Recipe) -> tuple[Measured, Tensor]:
    """Return how unlike its target a result is: each loss, and their weighted sum."""
    measured: Measured = {}
    loss = image.new_zeros(())
    if recipe.pixel_weight:
        measured["pixel"] = _pixel_loss(image, target, recipe)
        loss = loss + recipe.pixel_weight * measured["pixel"]
    if recipe.ssim_weight:
        measured["dissimilarity"] = 1 - ssim(image, target, data_range=1.0)
        loss = loss + recipe.ssim_weight * measured["dissimilarity"]
    return measured, loss


def _pixel_loss(result: Tensor, target: Tensor, recipe: Recipe) -> Tensor:
    if recipe.pixel_loss == "absolute":
        return nn.functional.l1_loss(result, target)
    return nn.functional.mse_loss(result, target)


def _move(
    learner: Learner,
    end: Tensor,
    recipe: Recipe,
    fabric: Fabric,
    gradient: Tensor | None = None,
) -> None:
    """Move a network by the gradient of a loss, or by one given where it ends."""
    learner.optimizer.zero_grad()
    fabric.backward(end, gradient)
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


def _statistics(source: Tensor, result: Tensor, target: Tensor) -> Measured:
    seen = source[:, : result.shape[1]]  # without what tells of the optics
    return {
        "shift": result.mean() - target.mean(),
        "spread": result.std(),
        "target_spread": target.std(),
        "largest": result.abs().amax(),
        "target_largest": target.abs().amax(),
        "source_largest": seen.abs().amax(),
    }
