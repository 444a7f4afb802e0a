"""The state of an unfinished training, in a file beside its checkpoint."""

from __future__ import annotations

import glob
import pickle
from typing import TYPE_CHECKING, Any

import torch

from napari_gan_enhance.errors import TrainingError
from napari_gan_enhance.io.atomic import atomic_file

if TYPE_CHECKING:
    from pathlib import Path

    from napari_gan_enhance.training.state import Training


def resume_path(checkpoint: Path) -> Path:
    """Return where the state of a training lies."""
    return checkpoint.with_suffix(".resume")


def write_state(
    state: dict[str, Any], checkpoint: Path, recipe: dict[str, Any]
) -> None:
    """Write a state; the last one stays until the new one is complete.

    Parameters
    ----------
    state : dict
        Of a Training.
    checkpoint : Path
        Beside which it is written.
    recipe : dict
        Settings that a training must have to take it up.

    Raises
    ------
    OutputError
        If the disk is full, for example.
    """
    with (
        atomic_file(resume_path(checkpoint), overwrite=True) as unfinished,
        unfinished.open("wb") as file,
    ):
        try:
            torch.save({"recipe": recipe, "training": state}, file)
        except RuntimeError as error:
            # What torch makes of a full disk; the system's own error stands behind it.
            met = error.__context__
            raise met if isinstance(met, OSError) else OSError(str(error)) from None


def load_state(training: Training, checkpoint: Path, recipe: dict[str, Any]) -> None:
    """Take up a training where it was left.

    Raises
    ------
    TrainingError
        If there is no state, it is damaged, or belongs to another recipe.
    """
    path = resume_path(checkpoint)
    if not path.is_file():
        raise TrainingError(
            f"There is no {path.name!r} to resume from - it lies beside the checkpoint "
            "while a training is unfinished - start without --resume."
        )
    try:
        content = torch.load(path, weights_only=True, map_location="cpu")
        stored = content["recipe"]
        if stored == recipe:
            training.load_state_dict(content["training"])
    except LOADING_ERRORS as error:
        raise TrainingError(
            f"{path.name!r} cannot be read ({_reason(error)}) - it must be complete - "
            "start without --resume."
        ) from error
    if stored != recipe:
        changed = sorted(
            k for k in {*recipe, *stored} if stored.get(k) != recipe.get(k)
        )
        raise TrainingError(
            f"{path.name!r} was made with other settings ({', '.join(changed)}) - a "
            "training is resumed with the settings it began with - use those."
        )


def remove_leftovers(checkpoint: Path) -> None:
    """Remove what a killed training was just writing; see `atomic_file`."""
    stem = glob.escape(f".{checkpoint.stem[:100]}.")
    for suffix in (checkpoint.suffix, ".resume", ".csv"):
        for path in checkpoint.parent.glob(f"{stem}{'[0-9a-f]' * 8}{suffix}"):
            path.unlink(missing_ok=True)


LOADING_ERRORS = (
    pickle.UnpicklingError,
    AttributeError,
    EOFError,
    LookupError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
)
"""What torch, and a state of another shape, raise."""


def _reason(error: Exception) -> str:
    """Return the first sentence of a library's message."""
    return str(error).partition(".")[0].partition("\n")[0] or type(error).__name__
