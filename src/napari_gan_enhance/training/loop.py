"""The training loop: a generator of steps, readable from top to bottom."""

from __future__ import annotations

import copy
import math
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from napari_gan_enhance.device import device_faults
from napari_gan_enhance.errors import TrainingError
from napari_gan_enhance.progress import Job, Progress, RemainingTime
from napari_gan_enhance.training.losses import ssim
from napari_gan_enhance.training.patches import PatchSampler
from napari_gan_enhance.training.score import mean_gain

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_gan_enhance.models.spec import ModelSpec
    from napari_gan_enhance.training.images import ImagePair
    from napari_gan_enhance.training.recipe import Recipe

State = dict[str, Tensor]


@dataclass(slots=True)
class Training:
    """Everything that changes while training, so that it can be stored and resumed.

    Parameters
    ----------
    network : Module
        What the optimizer moves.
    average : Module
        Exponential moving average of its weights: what is scored and kept.
    optimizer : Optimizer
    sampler : PatchSampler
    step : int
        Updates done.
    best_score : float
        Highest mean PSNR gain on the validation fields, dB.
    best_step : int
        When that was.
    best_state : dict
        Weights of the average at that step.
    history : list of (step, loss, score)
    elapsed_s : float, seconds
        Time spent on updates.
    """

    network: nn.Module
    average: nn.Module
    optimizer: torch.optim.Optimizer
    sampler: PatchSampler
    step: int = 0
    best_score: float = -math.inf
    best_step: int = 0
    best_state: State = field(default_factory=dict)
    history: list[tuple[int, float, float]] = field(default_factory=list)
    elapsed_s: float = 0.0

    @classmethod
    def start(
        cls,
        network: nn.Module,
        images: Sequence[ImagePair],
        recipe: Recipe,
        spec: ModelSpec,
    ) -> Training:
        """Begin a training with a network."""
        network = network.train()
        network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        optimizer = torch.optim.AdamW(
            network.parameters(), recipe.learning_rate, weight_decay=recipe.weight_decay
        )
        sampler = PatchSampler(
            images,
            patch=recipe.patch,
            batch=recipe.batch,
            seed=recipe.seed,
            tells_psf_width=spec.takes_psf_width,
        )
        return cls(network, copy.deepcopy(network), optimizer, sampler)

    def state_dict(self) -> dict[str, Any]:
        """Return all of it as tensors and plain values."""
        return {
            "network": self.network.state_dict(),
            "average": self.average.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "random": self.sampler.random.bit_generator.state,
            "step": self.step,
            "best_score": self.best_score,
            "best_step": self.best_step,
            "best_state": self.best_state,
            "history": self.history,
            "elapsed_s": self.elapsed_s,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take up a training where it was left."""
        self.network.load_state_dict(state["network"])
        self.average.load_state_dict(state["average"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.sampler.random.bit_generator.state = state["random"]
        self.step = state["step"]
        self.best_score = state["best_score"]
        self.best_step = state["best_step"]
        self.best_state = state["best_state"]
        self.history = state["history"]
        self.elapsed_s = state["elapsed_s"]


def train(
    training: Training,
    validation: Sequence[ImagePair],
    spec: ModelSpec,
    recipe: Recipe,
    device: torch.device,
) -> Job[Training]:
    """Train until the recipe's budget is spent; keep the best by held-out score.

    Parameters
    ----------
    training : Training
        New, or taken up where it was left; changed in place.
    validation : sequence of ImagePair
        Fields of view that are not trained on; without any the last step counts.
    spec : ModelSpec
    recipe : Recipe
    device : torch.device

    Yields
    ------
    Progress
        After each step; `detail` is the Training after each validation, else None.

    Returns
    -------
    Training

    Raises
    ------
    TrainingError
        If the loss is no longer finite.
    """
    clock, begun = RemainingTime(), spent(training, recipe)
    losses: list[float] = []
    while spent(training, recipe) < 1:
        start = time.monotonic()
        with device_faults(device.type):
            losses.append(_update(training, recipe, device))
        _average(training, recipe.average_decay)
        training.step += 1
        training.elapsed_s += time.monotonic() - start
        done = spent(training, recipe)
        left = clock.after(done - begun, 1 - begun)
        note, detail = "", None
        if training.step % recipe.validate_every == 0 or done >= 1:
            _validate(training, validation, spec, sum(losses) / len(losses))
            losses.clear()
            note, detail = _note(training), training
        yield Progress(training.step, recipe.steps, "training", left, note, detail)
    return training


def spent(training: Training, recipe: Recipe) -> float:
    """Return the share of the budget of steps or time that is spent; 1 is the end."""
    by_steps = training.step / recipe.steps
    if recipe.minutes is None:
        return by_steps
    return max(by_steps, training.elapsed_s / (60 * recipe.minutes))


def _update(training: Training, recipe: Recipe, device: torch.device) -> float:
    """Draw one batch and move the weights once; return the loss."""
    _set_learning_rate(training, recipe)
    # (N, C, patch, patch)
    source, target = (side.to(device) for side in training.sampler.draw())
    with torch.autocast(device.type, torch.bfloat16):
        result = training.network(source.contiguous(memory_format=torch.channels_last))
    result = result.float().contiguous()
    loss = nn.functional.l1_loss(result, target)
    if recipe.ssim_weight:
        loss = loss + recipe.ssim_weight * (1 - ssim(result, target, data_range=1.0))
    if not torch.isfinite(loss):
        raise TrainingError(
            f"The loss became {loss.item()} at step {training.step} - it must stay "
            "finite - lower the learning rate or look for extreme pixels in the pairs."
        )
    training.optimizer.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]
    nn.utils.clip_grad_norm_(training.network.parameters(), recipe.gradient_norm)
    training.optimizer.step()
    return loss.item()


def _set_learning_rate(training: Training, recipe: Recipe) -> None:
    """Follow a cosine from the recipe's rate to zero."""
    cosine = 0.5 * (1 + math.cos(math.pi * spent(training, recipe)))
    rate = recipe.learning_rate * cosine
    for group in training.optimizer.param_groups:
        group["lr"] = rate


@torch.no_grad()
def _average(training: Training, decay: float) -> None:
    """Move the average towards the network."""
    # Early on the average forgets faster, or it would keep the random start for long.
    step = training.step + 1
    decay = min(decay, (1 + step) / (10 + step))
    pairs = zip(
        training.average.parameters(), training.network.parameters(), strict=True
    )
    for mean, weight in pairs:
        mean.lerp_(weight, 1 - decay)


def _validate(
    training: Training, images: Sequence[ImagePair], spec: ModelSpec, loss: float
) -> None:
    """Score the average and remember it if it is the best so far."""
    score = mean_gain(training.average, spec, images) if images else float("nan")
    if not training.best_state or not images or score > training.best_score:
        training.best_score, training.best_step = score, training.step
        training.best_state = {
            name: t.detach().clone()
            for name, t in training.average.state_dict().items()
        }
    training.history.append((training.step, loss, score))


def _note(training: Training) -> str:
    step, loss, score = training.history[-1]
    if math.isnan(score):
        return f"Step {step}: loss {loss:.4f}; no field is held out to choose by."
    return (
        f"Step {step}: loss {loss:.4f}, held-out gain {score:.2f} dB "
        f"(best {training.best_score:.2f} dB)."
    )
