"""Find a checkpoint by the name of a bundled model or by its path."""

from __future__ import annotations

import contextlib
from pathlib import Path

from napari_gan_enhance.assets.bundled import model_paths
from napari_gan_enhance.errors import CheckpointError

DEFAULT_MODEL = "widefield-denoise"


def bundled_models() -> dict[str, Path]:
    """Return name and path of every bundled model, the default first."""
    paths = model_paths()
    return dict(sorted(paths.items(), key=lambda item: item[0] != DEFAULT_MODEL))


def resolve_model(name_or_path: str | Path) -> Path:
    """Return the path of a bundled model or of a checkpoint file.

    Raises
    ------
    CheckpointError
        If it is neither.
    """
    paths = model_paths()
    if str(name_or_path) in paths:
        return paths[str(name_or_path)]
    path = Path(name_or_path)
    with contextlib.suppress(OSError):  # a name that no disk can hold
        if path.is_file():
            return path
    raise CheckpointError(
        f"Model {str(name_or_path)!r} is neither bundled nor a file - bundled are "
        f"{', '.join(map(repr, paths)) or 'none'} - use one of these names or the path "
        "of a .safetensors file."
    )
