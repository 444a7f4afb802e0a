"""What a fault report needs to say of this computer and these settings."""

from __future__ import annotations

import platform
import sys
from importlib import metadata
from typing import TYPE_CHECKING

from napari_gan_enhance import __version__

if TYPE_CHECKING:
    from napari_gan_enhance.viewer.choices import EnhanceChoices
    from napari_gan_enhance.viewer.model_choice import ModelChoice

PACKAGES = ("napari", "torch", "numpy", "tifffile", "zarr", "PyQt6", "PySide6")


def diagnostics(choices: EnhanceChoices, model: ModelChoice | None) -> str:
    """Return versions, device, model and settings as text; torch is not loaded."""
    lines = [
        f"napari-gan-enhance {__version__}",
        f"Python {platform.python_version()} on {platform.platform()}",
        *(f"{name} {_version(name)}" for name in PACKAGES),
        f"torch devices: {_devices()}",
        f"model: {model.name if model else 'none'} {model.error if model else ''}",
        f"settings: {choices.model_dump_json(exclude={'recent_models'})}",
    ]
    return "\n".join(lines)


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "not installed"


def _devices() -> str:
    """Return the devices torch sees; loading it only for this would take seconds."""
    torch = sys.modules.get("torch")
    if torch is None:
        return "not looked at, torch is not loaded"
    found = f"CUDA {torch.cuda.is_available()} (built for {torch.version.cuda})"
    return f"{found}, MPS {torch.backends.mps.is_available()}"
