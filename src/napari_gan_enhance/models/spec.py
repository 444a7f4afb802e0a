"""What a generator needs and gives, and where it comes from."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator


class ModelSpec(BaseModel):
    """What a generator needs and gives; callers ask it, they do not guess.

    Parameters
    ----------
    architecture : str
        Name in the registry of architectures.
    config : dict
        Configuration of that architecture.
    in_channels, out_channels : int
    takes_psf_width : bool
        Whether the network is told the width of the PSF, where it is known.
    takes_pixel_size : bool
        Whether it is told the pixel size as well.
    upscale : int
        Output pixels per input pixel.
    halo : int, pixels
        Context on each side of a tile that makes tiles seamless.
    size_multiple : int, pixels
        Origins and sizes of windows must be multiples of it.
    low_percentile, high_percentile : float, 0 to 100
        Percentiles of the whole image that become 0 and 1 before the network.
    """

    model_config = ConfigDict(frozen=True, extra="allow")

    architecture: str
    config: dict[str, Any]
    in_channels: int = Field(ge=1, le=64)
    out_channels: int = Field(ge=1, le=64)
    takes_psf_width: bool = False
    takes_pixel_size: bool = False
    upscale: int = Field(1, ge=1, le=8)
    halo: int = Field(ge=0, le=4096)
    size_multiple: int = Field(1, ge=1, le=256)
    low_percentile: float = Field(3.0, ge=0, lt=100)
    high_percentile: float = Field(99.8, gt=0, le=100)

    @model_validator(mode="after")
    def _percentiles_in_order(self) -> ModelSpec:
        if self.low_percentile >= self.high_percentile:
            raise ValueError("low_percentile must be below high_percentile")
        return self

    @property
    def told(self) -> tuple[str, ...]:
        """What the network is told of the optics: fields of `ToldOptics`."""
        width = ("psf_width_px",) if self.takes_psf_width else ()
        return (*width, "pixel_um") if self.takes_pixel_size else width


class TrainingData(BaseModel):
    """One data set that a generator was trained on.

    Parameters
    ----------
    name, licence, origin : str
    sha256 : str
        Of the data set: over the sorted names and contents of its files.
    pairs, fields : int
        How many pairs, from how many fields of view.
    """

    model_config = ConfigDict(frozen=True, extra="allow")

    name: str
    licence: str = ""
    origin: str = ""
    sha256: str = ""
    pairs: int = 0
    fields: int = 0


class Score(BaseModel):
    """One held-out result.

    Parameters
    ----------
    metric : str
        With its conventions, such as "PSNR gain, affine fit (dB)".
    data : str
        Name of the data set, and which of its fields; in brackets what makes it less
        than a test.
    n : int
        Number of images.
    value : float
        Median over the images, if `data` says nothing else.
    """

    model_config = ConfigDict(frozen=True, extra="allow")

    metric: str
    data: str
    n: int
    value: float


class ModelCard(BaseModel):
    """Where a generator comes from and what to expect of it.

    Parameters
    ----------
    name, summary : str
    limits : str
        What it must not be used for.
    modality : str
        Of the training images, in words.
    voxel_size_range_um : (float, float) or None
        Smallest and largest lateral pixel size it was trained on; None if the
        training images did not say.
    training_data : tuple of TrainingData
    recipe : dict
        Every setting of the training.
    steps, seed : int
    scores : tuple of Score
        On fields of view that were never trained on.
    parent : str or None
        SHA-256 of the checkpoint it was fine-tuned from.
    licence : str
    date : str, ISO 8601
    version : str
        Of this package.
    """

    model_config = ConfigDict(frozen=True, extra="allow")

    name: str = ""
    summary: str = ""
    limits: str = ""
    modality: str = ""
    voxel_size_range_um: tuple[float, float] | None = None
    training_data: tuple[TrainingData, ...] = ()
    recipe: dict[str, Any] = Field(default_factory=dict)
    steps: int = 0
    seed: int = 0
    scores: tuple[Score, ...] = ()
    parent: str | None = None
    licence: str = ""
    date: str = ""
    version: str = ""


class CheckpointMetadata(BaseModel):
    """The JSON text inside a checkpoint: format version, spec and card."""

    model_config = ConfigDict(frozen=True, extra="allow")

    format_version: Literal[1] = 1
    spec: ModelSpec
    card: ModelCard = ModelCard()
