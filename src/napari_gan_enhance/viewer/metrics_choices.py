"""What the user chose in the Metrics dock, as frozen records."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from napari_gan_enhance.checkpoints.bundled import DEFAULT_MODEL
from napari_gan_enhance.metrics.conventions import ConventionName
from napari_gan_enhance.metrics.resolution import FrcThreshold

Placing = Literal["world", "field", "pixels"]
Judged = Literal["reference", "alone"]


class MetricsChoices(BaseModel):
    """Settings of the Metrics dock.

    Parameters
    ----------
    judged : "reference" or "alone"
        Which part of the dock is shown: against a reference, or without one.
    planes : "all" or "shown"
        All planes of each layer, or those on screen.
    convention : str
        As in `metrics.settings.EvaluateSettings`.
    fit : "affine", "none" or "both"
        Whether gain and offset are fitted first; "both" scores twice.
    data_range : float or None, > 0
        None: from the reference.
    placing : "world", "field" or "pixels"
        Where layers are compared: where they overlap in the viewer, edge to edge
        whatever their sizes, or pixel by pixel.
    decorrelation, frc, single_image, niqe : bool
        What is measured without a reference.
    threshold : "1/7", "half-bit" or "three-sigma"
        Of ring correlation.
    niqe_path : str
        File of the NIQE model; empty where there is none.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    judged: Judged = "reference"
    planes: Literal["all", "shown"] = "all"
    convention: ConventionName = "standard"
    fit: Literal["affine", "none", "both"] = "affine"
    data_range: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    placing: Placing = "world"
    decorrelation: bool = True
    frc: bool = False
    single_image: bool = False
    niqe: bool = False
    threshold: FrcThreshold = "1/7"
    niqe_path: str = ""


class ReportChoices(BaseModel):
    """Settings of the dialog for a report.

    Parameters
    ----------
    source, target, output : str
        Folders; empty where none is chosen.
    methods : tuple of str
        Words for `comparison.methods.make_methods`, of those that are compared.
    others : tuple of str
        Words that were added and are not compared now.
    iterations : tuple of int
        Of Richardson-Lucy, one method each.
    field_pattern : str
    shown : int
        Fields with pictures.
    numerical_aperture, immersion_index : float or None
    emission_nm : tuple of float or None, nanometres
    voxel_size_um : tuple of three float or None, µm
        (z, y, x); None where the files say it.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    source: str = ""
    target: str = ""
    output: str = ""
    methods: tuple[str, ...] = ("raw", DEFAULT_MODEL)
    others: tuple[str, ...] = ()
    iterations: tuple[Annotated[int, Field(ge=1)], ...] = (10, 30)
    field_pattern: str = ""
    shown: int = Field(3, ge=0, le=20)
    numerical_aperture: float | None = None
    immersion_index: float | None = None
    emission_nm: tuple[float | None, ...] = ()
    voxel_size_um: tuple[float | None, float | None, float | None] = (None, None, None)
