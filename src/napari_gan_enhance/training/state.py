"""Everything that changes while training, so that it can be stored and resumed."""

from __future__ import annotations

import copy
import math
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

import torch
from torch import Tensor, nn

from napari_gan_enhance.models.discriminator import build_discriminator
from napari_gan_enhance.training.patches import PatchSampler

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lightning_fabric import Fabric

    from napari_gan_enhance.models.spec import ModelSpec
    from napari_gan_enhance.training.images import ImagePair
    from napari_gan_enhance.training.recipe import Recipe

READ_S = 0.1
"""Seconds between two readings of the losses: each makes the processor wait for the
device, and nobody looks more often."""


@dataclass(frozen=True, slots=True)
class Learner:
    """A network and what moves it, both as wrapped by Fabric.

    Parameters
    ----------
    network, optimizer
    rate : float
        Learning rate before the schedule.
    """

    network: nn.Module
    optimizer: torch.optim.Optimizer
    rate: float

    @property
    def bare(self) -> nn.Module:
        """The network without its wrapping."""
        return cast("nn.Module", self.network.module)

    def state_dict(self) -> dict[str, Any]:
        """Return weights and the optimizer's memory."""
        return {
            "network": self.bare.state_dict(),
            "optimizer": self.optimizer.state_dict(),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take both up again."""
        self.bare.load_state_dict(state["network"])
        self.optimizer.load_state_dict(state["optimizer"])


class Meter:
    """Means of what is measured in each step, read without stopping the device often.

    `fresh` is what came since the last reading, on the device; `window` what came since
    the last validation.
    """

    def __init__(self) -> None:
        self._names: tuple[str, ...] = ()
        self._fresh: Tensor | None = None
        self._fresh_count = 0
        self._window: dict[str, float] = {}
        self._window_count = 0
        self._read_at = -math.inf

    def add(self, measured: Mapping[str, Tensor], fabric: Fabric) -> None:
        """Add the measurements of one step."""
        self._names = tuple(measured)
        values = torch.stack([v.detach() for v in measured.values()])
        if fabric.world_size > 1:
            values = cast("Tensor", fabric.all_reduce(values, reduce_op="mean"))
            self._read_at = -math.inf  # all processes must see the same
        self._fresh = values if self._fresh is None else self._fresh + values
        self._fresh_count += 1

    @property
    def is_due(self) -> bool:
        """Whether it is time to read."""
        return time.monotonic() - self._read_at >= READ_S

    def read(self) -> dict[str, float]:
        """Return means since the last reading; empty if nothing came."""
        if self._fresh is None:
            return {}
        sums = self._fresh.tolist()
        for name, value in zip(self._names, sums, strict=True):
            self._window[name] = self._window.get(name, 0.0) + value
        means = {
            name: value / self._fresh_count
            for name, value in zip(self._names, sums, strict=True)
        }
        self._window_count += self._fresh_count
        self._fresh, self._fresh_count = None, 0
        self._read_at = time.monotonic()
        return means

    def close_window(self) -> dict[str, float]:
        """Return means since the last call, and begin anew."""
        self.read()
        count = max(1, self._window_count)
        means = {name: value / count for name, value in self._window.items()}
        self._window, self._window_count = {}, 0
        return means

    def state_dict(self) -> dict[str, Any]:
        """Return what the next validation will report of the past."""
        self.read()
        return {"window": dict(self._window), "count": self._window_count}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take it up again."""
        self._window, self._window_count = dict(state["window"]), state["count"]


class KeptWeights:
    """Weights between those of the start and their average, and the average.

    Parameters
    ----------
    average : Module
        Still with the weights of the start.
    share : float, 0 to 1
        Of the way from the start to the average.
    """

    def __init__(self, average: nn.Module, share: float) -> None:
        self._average, self._share = average, share
        self._network = average if share == 1 else copy.deepcopy(average)
        self._start = {} if share == 1 else copied_weights(average)

    def networks(self) -> tuple[nn.Module, ...]:
        """Return networks with these weights as they are now, and with the average."""
        if not self._start:
            return (self._average,)
        now = self._average.state_dict()
        self._network.load_state_dict(
            {n: torch.lerp(t, now[n], self._share) for n, t in self._start.items()}
        )
        return self._network, self._average


def copied_weights(network: nn.Module) -> dict[str, Tensor]:
    """Return a copy of the weights of a network."""
    return {name: t.detach().clone() for name, t in network.state_dict().items()}


@dataclass(slots=True)
class Training:
    """Everything that changes while training.

    Parameters
    ----------
    generator : Learner
    discriminator : Learner or None
    average : Module
        Exponential moving average of the generator's weights.
    kept : KeptWeights
        What is scored and kept of it.
    sampler : PatchSampler
        Of the batches of all devices together.
    meter : Meter
    step : int
        Updates done.
    elapsed_s : float, seconds
        Time spent on updates.
    best_score : float, dB
        Highest `HeldOutScore.value`.
    best_step : int
        When that was; 0 is the start.
    best_state : dict
        Weights that were kept at that step.
    worse_in_a_row : int
        Validations since then.
    plateau_factor : float
    first_losses : dict
        As they were read first.
    history : list of dict
        One row for each validation: step, time, rate, losses, scores.
    """

    generator: Learner
    discriminator: Learner | None
    average: nn.Module
    kept: KeptWeights
    sampler: PatchSampler
    meter: Meter = field(default_factory=Meter)
    step: int = 0
    elapsed_s: float = 0.0
    best_score: float = -math.inf
    best_step: int = 0
    best_state: dict[str, Tensor] = field(default_factory=dict)
    worse_in_a_row: int = 0
    plateau_factor: float = 1.0
    first_losses: dict[str, float] = field(default_factory=dict)
    history: list[dict[str, float]] = field(default_factory=list)

    @classmethod
    def start(
        cls,
        network: nn.Module,
        images: Sequence[ImagePair],
        recipe: Recipe,
        spec: ModelSpec,
        fabric: Fabric,
    ) -> Training:
        """Begin a training with a network."""
        sampler = PatchSampler(
            images,
            patch=recipe.patch,
            batch=recipe.batch * fabric.world_size,
            seed=recipe.seed,
            told=spec.told,
        )
        generator = _learner(network, recipe.learning_rate, recipe, fabric)
        average = copy.deepcopy(generator.bare).requires_grad_(False)
        discriminator = None
        if recipe.is_adversarial:
            judge = _discriminator(recipe, spec.out_channels)
            rate = recipe.discriminator_learning_rate
            discriminator = _learner(judge, rate, recipe, fabric)
        kept = KeptWeights(average, recipe.interpolation)
        return cls(generator, discriminator, average, kept, sampler)

    @property
    def learners(self) -> tuple[Learner, ...]:
        """Generator, and discriminator if there is one."""
        both = (self.generator, self.discriminator)
        return tuple(learner for learner in both if learner is not None)

    def judge(self, network: nn.Module, score: float | None) -> bool:
        """Remember a network if it is the best so far; return whether it is.

        Parameters
        ----------
        network : Module
        score : float or None, dB
            None where nothing is held out: then the last is the best.
        """
        is_best = not self.best_state or score is None or score > self.best_score
        self.worse_in_a_row = 0 if is_best else self.worse_in_a_row + 1
        if is_best:
            self.best_score = math.nan if score is None else score
            self.best_step = self.step
            self.best_state = copied_weights(network)
        return is_best

    def state_dict(self) -> dict[str, Any]:
        """Return all of it as tensors and plain values."""
        return {
            "learners": [learner.state_dict() for learner in self.learners],
            "average": self.average.state_dict(),
            "random": self.sampler.random.bit_generator.state,
            "meter": self.meter.state_dict(),
            **{name: getattr(self, name) for name in PLAIN},
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take up a training where it was left."""
        for learner, stored in zip(self.learners, state["learners"], strict=True):
            learner.load_state_dict(stored)
        self.average.load_state_dict(state["average"])
        self.sampler.random.bit_generator.state = state["random"]
        self.meter.load_state_dict(state["meter"])
        for name in PLAIN:
            setattr(self, name, state[name])


PLAIN = (
    "step",
    "elapsed_s",
    "best_score",
    "best_step",
    "best_state",
    "worse_in_a_row",
    "plateau_factor",
    "first_losses",
    "history",
)
"""What is stored as it is."""


def _discriminator(recipe: Recipe, channels: int) -> nn.Module:
    # The same weights in every run and every process.
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(recipe.seed)
        return build_discriminator(
            recipe.discriminator.model_copy(update={"in_channels": channels})
        )


def _learner(
    network: nn.Module, rate: float, recipe: Recipe, fabric: Fabric
) -> Learner:
    network.train().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimizer = torch.optim.AdamW(
        network.parameters(), rate, weight_decay=recipe.weight_decay
    )
    wrapped, stepped = fabric.setup(network, optimizer)
    return Learner(wrapped, stepped, rate)
