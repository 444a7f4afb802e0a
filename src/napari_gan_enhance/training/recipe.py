"""Recipes: every setting of a training in one frozen record."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from napari_gan_enhance.errors import TrainingError


class Recipe(BaseModel):
    """All settings of a training; written into the checkpoint it makes.

    Parameters
    ----------
    name : str
    architecture, config : str, dict
        The network, when training from scratch.
    low_percentile, high_percentile : float
        Intensity scaling of the sources.
    steps : int
        Optimizer updates.
    minutes : float or None
        Stop earlier when so much time was spent on updates.
    patch, batch : int
        Side of a patch in pixels; patches in a batch.
    learning_rate, weight_decay : float
        Of AdamW; the rate follows a cosine from its value to zero.
    gradient_norm : float
        Longer gradients are scaled down to this length.
    ssim_weight : float
        Weight of 1 - SSIM beside the mean absolute error.
    average_decay : float
        Decay of the exponential moving average of the weights.
    validation_share, test_share : float
        Share of the fields of view held out to choose the best step, and to report.
    field_pattern : str
        Regular expression of the part of a target's name that is its field of view;
        see `find_pairs`.
    validate_every : int
        Steps between two scores on the validation fields.
    seed : int
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    architecture: str = "residual-unet"
    config: dict[str, Any]
    low_percentile: float = 3.0
    high_percentile: float = 99.8
    steps: int = Field(10_000, ge=1)
    minutes: float | None = Field(None, gt=0)
    patch: int = Field(128, ge=16)
    batch: int = Field(8, ge=1)
    learning_rate: float = Field(1e-3, gt=0)
    weight_decay: float = Field(1e-4, ge=0)
    gradient_norm: float = Field(1.0, gt=0)
    ssim_weight: float = Field(0.1, ge=0)
    average_decay: float = Field(0.999, ge=0, lt=1)
    validation_share: float = Field(0.1, ge=0, lt=1)
    test_share: float = Field(0.15, ge=0, lt=1)
    field_pattern: str = ""
    validate_every: int = Field(500, ge=1)
    seed: int = 0


RECIPES = {
    "supervised": Recipe(
        name="supervised",
        config={
            "in_channels": 1,
            "out_channels": 1,
            "width": 16,
            "head": "linear",
            "residual": True,
            "initialization": "kaiming",
        },
    ),
}


def recipe_named(name: str) -> Recipe:
    """Return a recipe.

    Raises
    ------
    TrainingError
        If there is none of that name.
    """
    if name not in RECIPES:
        raise TrainingError(
            f"Recipe {name!r} is not known - known are "
            f"{', '.join(map(repr, RECIPES))} - choose one of them."
        )
    return RECIPES[name]
