"""What the user chose in the Train dock, as one frozen record."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

START_MODEL = "widefield-to-confocal"
"""It learned to see like another microscope, which is what most pairs teach;
the default of the Enhance dock only removes noise."""

RECIPES = {
    "finetune": "Fine-tune (few pairs, short)",
    "panek": "Panek (adversarial)",
    "supervised": "Supervised (denoising)",
    "panek-paper": "Panek as in the paper (days)",
}
"""Names in `training.recipes`, which loads torch, and what the dock calls them."""

MOST_STEPS = 1_000_000


class TrainChoices(BaseModel):
    """Settings of one training.

    Parameters
    ----------
    start : str
        Name of a bundled model, or path of a checkpoint.
    is_from_scratch : bool
        Whether `start` is only what was begun with before.
    recent_models : tuple of str
        Paths of checkpoints used before, newest first.
    recipe : str
    budget : "time" or "steps"
        What ends a training.
    minutes : float, 0.1 to 10,000
    steps : int, 1 to 1,000,000
    device : "auto", "cpu", "cuda" or "mps"
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    start: str = START_MODEL
    is_from_scratch: bool = False
    recent_models: tuple[str, ...] = ()
    recipe: Literal["finetune", "panek", "supervised", "panek-paper"] = "finetune"
    budget: Literal["time", "steps"] = "time"
    minutes: float = Field(1.0, ge=0.1, le=10_000)
    steps: int = Field(300, ge=1, le=MOST_STEPS)
    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"
