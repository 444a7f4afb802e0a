"""What the user chose in a dock that runs over a layer, as one frozen record."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

MOST_ITERATIONS = 1000


class RunChoices(BaseModel):
    """What all docks that run over a layer ask for; jobs read this, never a control.

    Parameters
    ----------
    device : "auto", "cpu", "cuda" or "mps"
    region : str
        "layer" for all of it, "view" for the visible part of what is shown.
    numerical_aperture, immersion_index : float or None
    emission_nm : tuple of float or None, nanometres
        One for each channel; None where not known.
    voxel_size_um : tuple of three float or None, µm
        (z, y, x); None where not known.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    region: Literal["layer", "view"] = "layer"
    numerical_aperture: float | None = None
    immersion_index: float | None = None
    emission_nm: tuple[float | None, ...] = ()
    voxel_size_um: tuple[float | None, float | None, float | None] = (None, None, None)


class EnhanceChoices(RunChoices):
    """Settings of one run of the Enhance dock.

    Parameters
    ----------
    model : str
        Name of a bundled model or path of a checkpoint.
    recent_models : tuple of str
        Paths of checkpoints used before, newest first.
    precision : str
        As in `models.settings.EnhanceSettings`.
    deconvolve : bool
        Whether a Richardson-Lucy result is made too.
    iterations : int, 1 to 1000
        Of Richardson-Lucy.
    """

    model: str = "widefield-denoise"
    recent_models: tuple[str, ...] = ()
    precision: Literal["exact", "fast"] = "exact"
    deconvolve: bool = True
    iterations: int = Field(10, ge=1, le=MOST_ITERATIONS)
