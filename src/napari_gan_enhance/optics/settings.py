"""What Richardson-Lucy needs to know, as given and as completed from the image."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, model_validator

from napari_gan_enhance.errors import InputError
from napari_gan_enhance.micrograph.micrograph import VoxelSize
from napari_gan_enhance.micrograph.microscope import Channel, Microscope
from napari_gan_enhance.optics.psf import Model

if TYPE_CHECKING:
    from collections.abc import Iterator

    from napari_gan_enhance.micrograph.micrograph import Micrograph


Algorithm: TypeAlias = Literal[
    "plain", "accelerated", "total-variation", "wiener-butterworth"
]
"""Ways to iterate; `optics.richardson_lucy` says what each does."""

Convention: TypeAlias = Literal["fair", "deconvolutionlab2"]
"""Whose rules hold beside the algorithm; see `DeconvolveSettings`."""

FAIR_ITERATIONS = 10

PANEK_APERTURE = 1.4  # arXiv 2403.18026 states it; its wide-field lens has 1.30
PANEK_ITERATIONS = 10  # the default of DeconvolutionLab2


class DeconvolveSettings(BaseModel):
    """How to deconvolve; optics that are None come from the micrograph.

    Parameters
    ----------
    iterations : int, >= 1, or "auto"
        "auto" stops where more iterations would fit noise, for each channel.
    algorithm : "plain", "accelerated", "total-variation" or "wiener-butterworth"
    tv_weight : float, 0 to 0.1
        Weight of the total variation; used by that algorithm only.
    background : float or None, intensities of the image
        Camera offset and background light, subtracted first and not added back; None
        subtracts nothing.
    convention : "fair" or "deconvolutionlab2"
        "fair": a PSF integrated over the voxel, edges continued by reflection, division
        by at least 1e-6 of the brightest pixel. "deconvolutionlab2": a PSF sampled at
        voxel centers, edges that wrap around, and a quotient of 0 where the blurred
        estimate is below 1e-6 of one intensity unit.
    numerical_aperture : float or None, > 0, below the immersion index
    immersion_index : float or None, 1 to 3
    emission_nm : tuple of float or None, nanometres
        One for each channel (or RGB sample), or empty.
    voxel_size_um : VoxelSize, µm
        (z, y, x), each positive or None.
    psf_path : Path or None
        File with a PSF, used for all channels instead of a computed one.
    model : "exact", "born-wolf" or "gibson-lanni"
        Defocus of the computed PSF.
    depth_um : float or None, µm, >= 0
        Depth of the focus below the cover slip, for "gibson-lanni".
    sample_index : float or None, 1 to 3
        Refractive index of the sample, for "gibson-lanni".
    device : "auto", "cpu", "cuda" or "mps"
    tile : int or None, pixels
        Side of a tile; None takes the whole image where it fits.

    Raises
    ------
    ValueError
        If a value is out of range, or depth or sample index are given to a model that
        knows none.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    iterations: Annotated[int, Field(ge=1)] | Literal["auto"] = "auto"
    algorithm: Algorithm = "plain"
    tv_weight: float = Field(0.002, ge=0, le=0.1)
    background: float | None = Field(None, allow_inf_nan=False)
    convention: Convention = "fair"
    numerical_aperture: float | None = None
    immersion_index: float | None = None
    emission_nm: tuple[float | None, ...] = ()
    voxel_size_um: VoxelSize = VoxelSize()
    psf_path: Path | None = None
    model: Model = "exact"
    depth_um: float | None = Field(None, ge=0, allow_inf_nan=False)
    sample_index: float | None = Field(None, ge=1, le=3)
    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    tile: int | None = Field(None, ge=1)

    @model_validator(mode="after")
    def _check_aberration(self) -> Self:
        if self.model != "gibson-lanni" and (self.depth_um or self.sample_index):
            raise ValueError(
                f"PSF model {self.model!r} knows no depth and no sample index - only "
                "'gibson-lanni' does - choose that model, or leave them out."
            )
        return self


def fair(**given: Any) -> DeconvolveSettings:
    """Return the default: ten plain iterations under the rules that favor nobody.

    Parameters
    ----------
    **given
        Fields of DeconvolveSettings, which win over the preset.
    """
    return DeconvolveSettings.model_validate({"iterations": FAIR_ITERATIONS, **given})


def panek(**given: Any) -> DeconvolveSettings:
    """Return the baseline of Panek et al., to compare with what they published.

    Ten plain iterations with the paraxial PSF of NA 1.4, under the rules of
    DeconvolutionLab2: start from the image, wrap around at the edges. The NA is that of
    their confocal lens; the images that are deconvolved were taken at 1.30.

    Parameters
    ----------
    **given
        Fields of DeconvolveSettings, which win over the preset.

    References
    ----------
    Panek et al., arXiv 2403.18026; Sage et al. (2017), doi:10.1016/j.ymeth.2016.12.015
    """
    preset: dict[str, Any] = {
        "iterations": PANEK_ITERATIONS,
        "numerical_aperture": PANEK_APERTURE,
        "model": "born-wolf",
        "convention": "deconvolutionlab2",
    }
    return DeconvolveSettings.model_validate({**preset, **given})


PRESETS = {"fair": fair, "panek": panek}


@dataclass(frozen=True, slots=True)
class Optics:
    """Everything a PSF needs, for every channel.

    Parameters
    ----------
    numerical_aperture, immersion_index : float or None
        None only with a PSF from a file, as are the wavelengths.
    emission_nm : tuple of float or None, nanometres
        One for each channel, or for each sample of an RGB image.
    voxel_size_um : VoxelSize
    is_volume : bool
        Whether Z is deconvolved with Y and X; otherwise each plane by itself.
    psf_path : Path or None
    """

    numerical_aperture: float | None
    immersion_index: float | None
    emission_nm: tuple[float | None, ...]
    voxel_size_um: VoxelSize
    is_volume: bool
    psf_path: Path | None = None

    @property
    def spatial_axes(self) -> str:
        """Axes that are deconvolved together."""
        return "ZYX" if self.is_volume else "YX"

    def as_json(self) -> dict[str, Any]:
        """Return the record for a result's provenance."""
        record = asdict(self)
        record["voxel_size_um"] = list(self.voxel_size_um)
        record["emission_nm"] = list(self.emission_nm)
        record["psf_path"] = None if self.psf_path is None else self.psf_path.name
        return record


def complete(settings: DeconvolveSettings, micrograph: Micrograph) -> Optics:
    """Fill in from the micrograph what the settings leave open.

    Parameters
    ----------
    settings : DeconvolveSettings
    micrograph : Micrograph

    Returns
    -------
    Optics

    Raises
    ------
    InputError
        If something needed is in neither, named in words and by its option, or if a
        value is out of range.
    """
    microscope = micrograph.microscope
    optics = Optics(
        _first(settings.numerical_aperture, microscope.numerical_aperture),
        _first(settings.immersion_index, microscope.immersion_index),
        _wavelengths(settings, micrograph),
        VoxelSize(*map(_first, settings.voxel_size_um, micrograph.voxel_size_um)),
        micrograph.size("Z") > 1,
        settings.psf_path,
    )
    if settings.psf_path is None:
        _check_complete(optics, micrograph)
    Microscope(None, optics.numerical_aperture, optics.immersion_index)
    for wavelength in optics.emission_nm:
        Channel(emission_nm=wavelength)
    return optics


def _first(*values: float | None) -> float | None:
    """Return the first value that is given."""
    return next((v for v in values if v is not None), None)


def _wavelengths(
    settings: DeconvolveSettings, micrograph: Micrograph
) -> tuple[float | None, ...]:
    count = micrograph.size(micrograph.sample_axis)
    given = settings.emission_nm or (None,) * count
    if len(given) != count:
        raise InputError(
            f"{len(given)} emission wavelengths were given for {count} channels - "
            "each channel needs its own - give --emission-nm once for each channel, in "
            "their order."
        )
    # The samples of an RGB image share one channel, which says nothing of each.
    known = (
        (None,) * count
        if micrograph.is_rgb
        else tuple(channel.emission_nm for channel in micrograph.channels)
    )
    return tuple(map(_first, given, known))


def _check_complete(optics: Optics, micrograph: Micrograph) -> None:
    missing = list(_missing(optics, micrograph))
    if missing:
        raise InputError(
            f"The image does not say {', '.join(missing)} - Richardson-Lucy needs to "
            "know the microscope, and nothing is guessed - give what is missing, or a "
            "measured PSF (--psf)."
        )


def _missing(optics: Optics, micrograph: Micrograph) -> Iterator[str]:
    if optics.numerical_aperture is None:
        yield "the numerical aperture (--numerical-aperture)"
    if optics.immersion_index is None:
        yield "the immersion index (--immersion-index)"
    unknown = [i for i, v in enumerate(optics.emission_nm) if v is None]
    if unknown:
        names = ", ".join(_channel_name(micrograph, i) for i in unknown)
        yield f"the emission wavelength of {names} (--emission-nm)"
    z, y, x = optics.voxel_size_um
    if y is None or x is None:
        yield "the pixel size (--voxel-size-um)"
    elif optics.is_volume and z is None:
        yield "the distance between planes (--voxel-size-um)"


def _channel_name(micrograph: Micrograph, index: int) -> str:
    if micrograph.is_rgb:
        return f"sample {index + 1}"
    name = micrograph.channels[index].name
    return f"channel {index + 1}" + (f" ({name})" if name else "")
