"""Where the checkpoints of the Train dock stay, and how their scores read."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from platformdirs import user_data_path

from napari_gan_enhance.errors import InputError
from napari_gan_enhance.io.atomic import atomic_file, output_errors

if TYPE_CHECKING:
    from napari_gan_enhance.training.events import HeldOutScore
    from napari_gan_enhance.viewer.train_run import KeptCheckpoint

FOLDER_VARIABLE = "NAPARI_GAN_ENHANCE_MODELS"
"""Environment variable that names another folder for checkpoints."""


def models_folder() -> Path:
    """Return where checkpoints are kept that were handed to the Enhance dock."""
    folder = os.environ.get(FOLDER_VARIABLE)
    return Path(folder) if folder else user_data_path("napari-gan-enhance") / "models"


def keep_checkpoint(path: Path) -> Path:
    """Copy a checkpoint to where it outlives the dock; return the copy.

    Raises
    ------
    InputError
        If it is gone.
    OutputError
        If the folder cannot be written to.
    """
    _refuse_gone(path)
    folder = models_folder()
    with output_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        kept, number = folder / path.name, 1
        while kept.exists() and kept.read_bytes() != path.read_bytes():
            number += 1
            kept = folder / f"{path.stem}-{number}{path.suffix}"
        save_checkpoint_as(path, kept)
    return kept


def save_checkpoint_as(path: Path, copy: Path) -> None:
    """Copy a checkpoint; the dialog has asked before a file is replaced.

    Raises
    ------
    InputError
        If it is gone.
    OutputError
        If it cannot be written.
    """
    _refuse_gone(path)
    with atomic_file(copy, overwrite=True) as unfinished:
        shutil.copyfile(path, unfinished)


def _refuse_gone(path: Path) -> None:
    if not path.is_file():
        raise InputError(
            f"Checkpoint {path.name!r} is gone - somebody has cleared the folder of "
            "temporary files - train again."
        )


def checkpoint_text(kept: KeptCheckpoint) -> str:
    """Return step and scores of a checkpoint in one line."""
    name = f"Step {kept.step}" if kept.step else "Start"
    return f"{name}: {score_text(kept.score)}"


def score_text(score: HeldOutScore | None) -> str:
    """Return the held-out scores, and in brackets the gain over the source."""
    if score is None:
        return "nothing is held out"
    return (
        f"PSNR {score.psnr:.2f} dB ({score.psnr_gain:+.2f}), "
        f"SSIM {score.ssim:.3f} ({score.ssim_gain:+.3f})"
    )
