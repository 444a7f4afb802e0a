"""Paths of the checkpoints that come with the package."""

from __future__ import annotations

from pathlib import Path

FOLDER = Path(__file__).parent / "models"


def model_paths() -> dict[str, Path]:
    """Return name and path of every bundled checkpoint."""
    return {path.stem: path for path in sorted(FOLDER.glob("*.safetensors"))}
