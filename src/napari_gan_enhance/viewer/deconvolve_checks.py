"""What is wrong with the settings of a deconvolution, found before it starts."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from napari_gan_enhance.errors import InputError
from napari_gan_enhance.micrograph.microscope import Modality
from napari_gan_enhance.optics.psf_width import Nyquist, coarse_axes, nyquist_um
from napari_gan_enhance.viewer.checks import NAMES, Finding, optics_findings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from napari_gan_enhance.micrograph.micrograph import Micrograph
    from napari_gan_enhance.viewer.choices import DeconvolveChoices
    from napari_gan_enhance.viewer.optics_values import OpticsValues

CONFOCAL = (Modality.CONFOCAL, Modality.SPINNING_DISK)

MEASURE_PSF = "take a measured PSF"
"""What can be done in the Deconvolve dock where the optics are not known."""


@dataclass(frozen=True, slots=True)
class PsfLayer:
    """The layer that was chosen as the PSF.

    Parameters
    ----------
    micrograph : Micrograph or None
        None where no layer is chosen, or it cannot be one.
    is_source : bool
        Whether it is the image itself.
    """

    micrograph: Micrograph | None = None
    is_source: bool = False


def deconvolve_findings(
    choices: DeconvolveChoices,
    micrograph: Micrograph | None,
    psf: PsfLayer,
    in_file: OpticsValues | None,
) -> list[Finding]:
    """Return what is wrong or worth a look, the gravest first.

    Parameters
    ----------
    choices : DeconvolveChoices
        What the controls hold.
    micrograph : Micrograph or None
        The chosen layer; None where there is none.
    psf : PsfLayer
    in_file : OpticsValues or None
        What the file says of the optics.
    """
    if micrograph is None or in_file is None:
        return [Finding("layer", "Open or drop an image first.")]
    found = list(_psf(choices, psf))
    if choices.psf == "computed":
        found += optics_findings(choices, micrograph, in_file, MEASURE_PSF)
        found += [*_aberration(choices), *_modality(micrograph)]
        if not any(finding.blocks for finding in found):
            found += sampling_findings(choices, is_volume=micrograph.size("Z") > 1)
    return sorted(found, key=lambda finding: not finding.blocks)


def sampling_findings(choices: DeconvolveChoices, *, is_volume: bool) -> list[Finding]:
    """Return where voxels are too coarse for the finest detail the objective passes.

    Parameters
    ----------
    choices : DeconvolveChoices
    is_volume : bool
        Whether the distance between planes matters.

    Returns
    -------
    list of Finding
        None of them blocks; empty where the optics are not known.
    """
    wavelengths = [v for v in choices.emission_nm if v is not None]
    aperture, index = choices.numerical_aperture, choices.immersion_index
    if aperture is None or index is None or not wavelengths:
        return []
    try:
        nyquist = nyquist_um(
            numerical_aperture=aperture,
            immersion_index=index,
            emission_nm=min(wavelengths),
        )
    except InputError:  # told at its own field
        return []
    axes = "ZYX" if is_volume else "YX"
    coarse = coarse_axes(choices.voxel_size_um[-len(axes) :], nyquist)
    return [_too_coarse(axis, nyquist) for axis in coarse]


def _too_coarse(axis: str, nyquist: Nyquist) -> Finding:
    name = "voxel_size_um.z" if axis == "Z" else "voxel_size_um"
    limit = nyquist.axial if axis == "Z" else nyquist.lateral
    what = NAMES[name].capitalize()
    reason = (
        f"{what} should be at most {limit:.3g} µm: the finest detail that the "
        "objective passes is not in the image and cannot come back."
    )
    return Finding(f"voxel_size_um.{axis.lower()}", reason, blocks=False)


def _psf(choices: DeconvolveChoices, psf: PsfLayer) -> Iterator[Finding]:
    if choices.psf == "file" and not choices.psf_path:
        yield Finding("psf_path", "Choose the file that holds the PSF.")
    elif choices.psf == "file" and not Path(choices.psf_path).exists():
        name = Path(choices.psf_path).name
        yield Finding("psf_path", f"The PSF {name!r} is gone: choose another file.")
    elif choices.psf == "layer" and psf.is_source:
        yield Finding(
            "psf_layer", "The PSF cannot be the image itself: choose another layer."
        )
    elif choices.psf == "layer" and psf.micrograph is None:
        yield Finding("psf_layer", "Choose the layer that holds the PSF.")


def _modality(micrograph: Micrograph) -> Iterator[Finding]:
    if micrograph.microscope.modality in CONFOCAL:
        yield Finding(
            "model",
            "The file says confocal, but a computed PSF is that of a wide-field "
            "microscope, and wider: a measured one suits better.",
            blocks=False,
        )


def _aberration(choices: DeconvolveChoices) -> Iterator[Finding]:
    if choices.model != "gibson-lanni":
        return
    depth, index = choices.depth_um, choices.sample_index
    if depth is not None and depth < 0:
        yield Finding("depth_um", f"A depth of {depth:g} µm cannot be: 0 or more.")
    if index is None and depth:
        yield Finding(
            "sample_index",
            "A depth needs the sample index: 1.33 for water and cells, 1.47 for "
            "glycerol.",
        )
    elif index is not None and not 1 <= index < 3:
        yield Finding("sample_index", f"A sample index of {index:g} cannot be: 1 to 3.")
