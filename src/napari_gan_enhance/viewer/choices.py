"""What the user chose in the Enhance dock, as one frozen record."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

MOST_RECENT_MODELS = 8


class EnhanceChoices(BaseModel):
    """Settings of one run; jobs read this and never a control.

    Parameters
    ----------
    model : str
        Name of a bundled model or path of a checkpoint.
    recent_models : tuple of str
        Paths of checkpoints used before, newest first.
    device, precision : str
        As in `models.settings.EnhanceSettings`.
    region : str
        "layer" for all of it, "view" for the visible part of what is shown.
    deconvolve : bool
        Whether a Richardson-Lucy result is made too.
    iterations : int, 1 to 1000
        Of Richardson-Lucy.
    numerical_aperture, immersion_index : float or None
    emission_nm : tuple of float or None, nanometres
        One for each channel; None where not known.
    voxel_size_um : tuple of three float or None, µm
        (z, y, x); None where not known.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    model: str = "widefield-denoise"
    recent_models: tuple[str, ...] = ()
    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    precision: Literal["exact", "fast"] = "exact"
    region: Literal["layer", "view"] = "layer"
    deconvolve: bool = True
    iterations: int = Field(10, ge=1, le=1000)
    numerical_aperture: float | None = None
    immersion_index: float | None = None
    emission_nm: tuple[float | None, ...] = ()
    voxel_size_um: tuple[float | None, float | None, float | None] = (None, None, None)

    def with_recent(self, path: str) -> EnhanceChoices:
        """Return the same choices with a checkpoint as the newest of the recent."""
        others = [p for p in self.recent_models if p != path]
        recent = (path, *others)[:MOST_RECENT_MODELS]
        return self.model_copy(update={"recent_models": recent})
