"""Remember the choices of a dock from one session to the next."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TypeVar

from platformdirs import user_config_path
from pydantic import BaseModel

Choices = TypeVar("Choices", bound=BaseModel)

FOLDER_VARIABLE = "NAPARI_GAN_ENHANCE_CONFIG"
"""Environment variable that names another folder for the settings."""


def settings_path(dock: str) -> Path:
    """Return where the choices of a dock are kept."""
    folder = os.environ.get(FOLDER_VARIABLE)
    root = Path(folder) if folder else user_config_path("napari-gan-enhance", False)
    return root / f"{dock}.json"


def load_choices(path: Path, kind: type[Choices]) -> Choices:
    """Return the remembered choices; the defaults where nothing usable is kept."""
    try:
        return kind.model_validate_json(path.read_bytes())
    except (OSError, ValueError):  # absent, or written by hand or another version
        return kind()


def save_choices(path: Path, choices: BaseModel) -> None:
    """Keep the choices; a folder that cannot be written to is no reason to complain."""
    # Wavelengths and voxel size belong to one image, not to the microscope.
    kept = choices.model_dump_json(exclude={"emission_nm", "voxel_size_um"}, indent=2)
    beside = path.with_suffix(".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        beside.write_text(kept, encoding="utf-8")
        beside.replace(path)
    except OSError:
        return
