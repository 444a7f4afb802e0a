"""How far a training is, and how fast it learns there."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from napari_gan_enhance.training.recipe import Recipe
    from napari_gan_enhance.training.state import Training

PLATEAU_FACTOR = 0.5
"""Of the rate on a plateau (DL-SR's rule, which the paper's authors took over)."""

PLATEAU_FLOOR = 0.1
"""Least share of the first rate (same rule)."""


def spent(training: Training, recipe: Recipe) -> float:
    """Return the share of the budget of steps or time that is spent; 1 is the end."""
    by_steps = training.step / recipe.steps
    if recipe.minutes is None:
        return by_steps
    return max(by_steps, training.elapsed_s / (60 * recipe.minutes))


def is_finished(training: Training, recipe: Recipe) -> bool:
    """Return whether the budget is spent or patience has run out."""
    patience = recipe.stop_patience
    return spent(training, recipe) >= 1 or (
        patience is not None and training.worse_in_a_row >= patience
    )


def rate_factor(training: Training, recipe: Recipe) -> float:
    """Return what the first learning rates are multiplied with, 0 to 1."""
    if recipe.schedule == "cosine":
        return 0.5 * (1 + math.cos(math.pi * min(1.0, spent(training, recipe))))
    return training.plateau_factor if recipe.schedule == "plateau" else 1.0


def follow_plateau(training: Training, recipe: Recipe) -> None:
    """Lower the rate after enough validations in a row that were not better."""
    worse = training.worse_in_a_row
    if worse and worse % recipe.plateau_patience == 0:
        lowered = training.plateau_factor * PLATEAU_FACTOR
        training.plateau_factor = max(PLATEAU_FLOOR, lowered)


def set_rates(training: Training, recipe: Recipe) -> None:
    """Set the learning rates for the next step."""
    factor = rate_factor(training, recipe)
    for learner in training.learners:
        for group in learner.optimizer.param_groups:
            group["lr"] = learner.rate * factor
