"""The recipe of `train`: one by its name, and what the options change of it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

import typer

from napari_gan_enhance.cli._settings import as_option, wrong_option

if TYPE_CHECKING:
    from napari_gan_enhance.training.recipe import Recipe

FIXED = {"name", "architecture"}
"""There is one architecture, and a recipe is stored under the name it began with."""

OF_THE_START = {"config", "low_percentile", "high_percentile"}
"""Settings that a start model brings along."""


def chosen_recipe(
    name: str, options: Mapping[str, Any], changes: list[str], *, has_start: bool
) -> Recipe:
    """Return a recipe with what the user changed.

    Parameters
    ----------
    name : str
    options : mapping
        Settings that have an option of their own; None where it is not given.
    changes : list of str
        `NAME=VALUE`; of several for one name the last counts, and of a network what is
        not named stays.
    has_start : bool
        Whether the training begins with a model.

    Raises
    ------
    typer.BadParameter
        If a setting is unknown, cannot be changed, is given twice or out of range.
    """
    from napari_gan_enhance.models.registry import ARCHITECTURES
    from napari_gan_enhance.training.recipe import Recipe
    from napari_gan_enhance.training.recipes import recipe_named

    named = recipe_named(name).model_dump()
    given = {key: value for key, value in options.items() if value is not None}
    known = sorted(
        {*named} - FIXED - {*options} - (OF_THE_START if has_start else set())
    )
    changed: dict[str, Any] = {}
    for change in changes:
        key, value = _setting(change, known, options)
        before = changed.get(key, named[key])
        is_part = isinstance(value, dict) and isinstance(before, dict)
        changed[key] = {**before, **value} if is_part else value

    def spelled(key: str) -> str:
        return f"--set {key}" if key in changed else as_option(key)

    with wrong_option(spelled):
        recipe = Recipe.model_validate({**named, **given, **changed})
    with wrong_option(lambda key: f"--set config, {key}"):
        ARCHITECTURES[recipe.architecture].config.model_validate(recipe.config)
    return recipe


def _setting(
    change: str, known: list[str], options: Collection[str]
) -> tuple[str, Any]:
    """Return name and value of one `--set`; a value that is no JSON is a text."""
    import json

    name, equals, text = change.partition("=")
    if name in options:
        raise typer.BadParameter(
            f"--set {change}: {name} has an option of its own - use {as_option(name)}."
        )
    if not equals or name not in known:
        raise typer.BadParameter(
            f"--set {change}: NAME=VALUE is needed, NAME one of {', '.join(known)}."
        )
    try:
        return name, json.loads(text)
    except (ValueError, RecursionError):
        return name, text
