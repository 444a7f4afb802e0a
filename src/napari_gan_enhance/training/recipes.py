"""The recipes that can be asked for by name."""

from __future__ import annotations

from typing import Any

from napari_gan_enhance.errors import TrainingError
from napari_gan_enhance.models.discriminator import DiscriminatorConfig
from napari_gan_enhance.training.recipe import Recipe

CORRECTING: dict[str, Any] = {
    "in_channels": 1,
    "out_channels": 1,
    "width": 16,
    "head": "linear",
    "residual": True,
    "initialization": "kaiming",
}
"""A generator for interactive use: a quarter of the published width, gray, and it
learns the correction to its input."""

PUBLISHED: dict[str, Any] = {"in_channels": 1, "out_channels": 1}
"""The generator as released, but gray."""

SUPERVISED = Recipe(name="supervised", config=CORRECTING)

VARIED_OPTICS = Recipe(
    name="varied-optics",
    config={**CORRECTING, "takes_psf_width": True, "takes_pixel_size": True},
    steps=20_000,
    pixel_loss="squared",
    validation_share=0.04,
    test_share=0.06,
)
"""Pairs that `simulate` made under many microscopes, each told by the width of its
PSF and its pixel size. What was out of focus cannot be told for sure: the squared error
goes for the mean of what may have been, the absolute one would say that nothing was."""

ADVERSARIAL_OPTICS = Recipe.model_validate(
    {
        **VARIED_OPTICS.model_dump(),
        "name": "varied-optics-adversarial",
        "steps": 1_500,
        "batch": 4,
        "learning_rate": 3e-4,
        "adversarial_weight": 0.1,
        "balance": "gradients",
        "discriminator_learning_rate": 1e-4,
    }
)
"""Goes on from there with a discriminator, whose share is that of `panek`."""

PANEK = Recipe(
    name="panek",
    config=CORRECTING,
    batch=4,
    learning_rate=5e-4,
    weight_decay=0.0,
    schedule="plateau",
    pixel_loss="squared",
    adversarial_weight=0.1,
    balance="gradients",
)
"""The balance that DFGAN published for the same three terms, of gradients: pixels lead
however small their error becomes."""

PANEK_PAPER = Recipe(
    name="panek-paper",
    config=PUBLISHED,
    steps=500_000,
    patch=256,
    batch=1,
    learning_rate=1e-5,
    weight_decay=0.0,
    schedule="constant",
    gradient_norm=None,
    precision="32-true",
    pixel_loss="squared",
    pixel_weight=0.01,
    adversarial_weight=1.0,
    discriminator=DiscriminatorConfig(width=64),
    discriminator_learning_rate=1e-5,
    average_decay=0.0,
    validate_every=2_000,
)
"""What the paper says, with a discriminator that works."""

PANEK_REFERENCE = Recipe.model_validate(
    {
        **PANEK_PAPER.model_dump(),
        "name": "panek-reference-discriminator",
        "ssim_weight": 0.0,
        "adversary": "vanilla",
        "discriminator": DiscriminatorConfig(kind="reference"),
        "tolerates_dead_discriminator": True,
    }
)
"""What the released code does: its SSIM term never reaches the optimizer."""

FINETUNE = Recipe(
    name="finetune",
    config=CORRECTING,
    steps=600,
    batch=4,
    interpolation=0.75,
    validation_share=0.2,
    test_share=0.0,
    validate_every=50,
    stop_patience=5,
)
"""Few pairs, a minute: no field to spare for a test, and no adversary. Many small
steps: on simulated microscopes 300 of 4 patches at 1e-3 were worth 0.15 dB more (-0.05
to 0.24) than the same work as 150 of 8 at 3e-4. What is kept goes a quarter of the way
back, as the held-out part of one field cannot tell what was learned of this field
alone."""

RECIPES = {
    recipe.name: recipe
    for recipe in (
        PANEK,
        FINETUNE,
        SUPERVISED,
        VARIED_OPTICS,
        ADVERSARIAL_OPTICS,
        PANEK_PAPER,
        PANEK_REFERENCE,
    )
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
