"""What the user chose in a dock that runs over a layer, as one frozen record."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from napari_gan_enhance.checkpoints.bundled import DEFAULT_MODEL

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
    trust : "full" or "fast"
        Whether trust maps may take eight more runs of the model, or none.
    """

    model: str = DEFAULT_MODEL
    recent_models: tuple[str, ...] = ()
    precision: Literal["exact", "fast"] = "exact"
    deconvolve: bool = True
    iterations: int = Field(10, ge=1, le=MOST_ITERATIONS)
    trust: Literal["full", "fast"] = "full"


class DeconvolveChoices(RunChoices):
    """Settings of one run of the Deconvolve dock.

    Parameters
    ----------
    psf : str
        Where the PSF comes from: "computed" from the optics, a "file", or a "layer".
    psf_path : str
        The file; empty where none is chosen.
    model : str
        Defocus of a computed PSF, as in `optics.psf`.
    depth_um, sample_index : float or None
        For the model "gibson-lanni".
    algorithm : str
        As in `optics.settings`.
    iterations : int, 1 to 1000, or "auto"
        "auto" stops where more iterations would fit noise.
    tv_weight : float, 0 to 0.1
        For the algorithm "total-variation".
    background : float or None, intensities of the image
        Subtracted first; None subtracts nothing.
    keeps_iterations : bool
        Whether results on the way are kept for the slider.
    """

    psf: Literal["computed", "file", "layer"] = "computed"
    psf_path: str = ""
    model: Literal["exact", "born-wolf", "gibson-lanni"] = "exact"
    depth_um: float | None = None
    sample_index: float | None = None
    algorithm: Literal[
        "plain", "accelerated", "total-variation", "wiener-butterworth"
    ] = "plain"
    iterations: Annotated[int, Field(ge=1, le=MOST_ITERATIONS)] | Literal["auto"] = (
        "auto"
    )
    tv_weight: float = Field(0.002, ge=0, le=0.1)
    background: float | None = None
    keeps_iterations: bool = True

    @property
    def aberration(self) -> dict[str, float | None]:
        """Depth and sample index, where the model knows them.

        Else their fields are hidden, and keep what was typed for another day.
        """
        if self.psf != "computed" or self.model != "gibson-lanni":
            return {}
        return {"depth_um": self.depth_um, "sample_index": self.sample_index}
