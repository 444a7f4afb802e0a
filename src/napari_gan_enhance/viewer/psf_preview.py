"""The PSF a deconvolution would use: pictures and numbers, made before a run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_gan_enhance.micrograph.micrograph import VoxelSize
from napari_gan_enhance.optics.psf import point_spread_function, psf_shape
from napari_gan_enhance.optics.psf_width import fwhm_um, nyquist_um
from napari_gan_enhance.progress import Job, Progress
from napari_gan_enhance.viewer.choices import DeconvolveChoices
from napari_gan_enhance.viewer.deconvolution import psf_file
from napari_gan_enhance.viewer.deconvolve_checks import sampling_findings

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_gan_enhance.micrograph.micrograph import Micrograph

SHOWN_WIDTHS = 4
"""Half the pictures' side in full widths at half maximum: the core and its rings."""

PSF_FIELDS = {
    "psf", "psf_path", "model", "depth_um", "sample_index",
    "numerical_aperture", "immersion_index", "emission_nm", "voxel_size_um",
}  # fmt: skip
"""Choices that the PSF depends on."""

SHOWN_GAMMA = 0.5
"""Rings hold a few percent of the peak and would be black on a linear scale."""


@dataclass(frozen=True, slots=True, eq=False)
class PsfQuestion:
    """Which PSF is asked for.

    Parameters
    ----------
    shape : tuple of int
        Of the image, (Z, Y, X) or (Y, X).
    choices : DeconvolveChoices
    psf : Micrograph or None
        The layer that holds the PSF, where the choices say so.
    """

    shape: tuple[int, ...]
    choices: DeconvolveChoices
    psf: Micrograph | None = None

    @classmethod
    def of(
        cls,
        micrograph: Micrograph,
        choices: DeconvolveChoices,
        psf: Micrograph | None = None,
    ) -> PsfQuestion:
        """Ask for the PSF of an image, leaving out all that does not change it."""
        axes = "ZYX" if micrograph.size("Z") > 1 else "YX"
        kept = choices.model_dump(include=PSF_FIELDS)
        shape = tuple(micrograph.size(axis) for axis in axes)
        return cls(shape, DeconvolveChoices(**kept), psf)

    def is_same(self, other: PsfQuestion | None) -> bool:
        """Whether another question has the same answer."""
        if other is None or self.shape != other.shape:
            return False
        pixels = [q.psf and q.psf.pixels for q in (self, other)]
        return pixels[0] is pixels[1] and self.choices == other.choices

    @property
    def wavelength_nm(self) -> float | None:
        """Emission wavelength of the first channel that has one."""
        return next((v for v in self.choices.emission_nm if v is not None), None)

    @property
    def objective(self) -> dict[str, float] | None:
        """What a PSF is computed from; None where some of it is not known."""
        values = {
            "numerical_aperture": self.choices.numerical_aperture,
            "immersion_index": self.choices.immersion_index,
            "emission_nm": self.wavelength_nm,
        }
        known = {name: value for name, value in values.items() if value is not None}
        return known if len(known) == len(values) else None


@dataclass(frozen=True, slots=True, eq=False)
class PsfPreview:
    """The answer.

    Parameters
    ----------
    question : PsfQuestion
    xy, xz : ndarray, float32, 0 to 1
        Planes through the peak, rows first; no `xz` for a plane.
    size_um : (z, y, x), µm
        Extent of the pictures; pixels where the voxel size is not known.
    text : str
        Widths and sampling, a line each.
    warning : str
        What needs an eye; empty where nothing does.
    """

    question: PsfQuestion
    xy: NDArray[np.float32]
    xz: NDArray[np.float32] | None
    size_um: tuple[float, float, float]
    text: str
    warning: str = ""


def preview_psf(question: PsfQuestion) -> Job[PsfPreview]:
    """Compute or read a PSF and describe it.

    Parameters
    ----------
    question : PsfQuestion

    Yields
    ------
    Progress

    Returns
    -------
    PsfPreview

    Raises
    ------
    GanEnhanceError
        If the optics are impossible, or the measured PSF cannot be used.
    """
    yield Progress(0, 1, "computing the PSF")
    values, notes = _values(question)
    voxel = question.choices.voxel_size_um[-values.ndim :]
    widths = fwhm_um(values, voxel)
    core = _core(values)
    steps = [size or 1.0 for size in voxel]
    size_um = [n * step for n, step in zip(core.shape, steps, strict=True)]
    middle = core.shape[0] // 2
    is_volume = core.ndim == 3
    return PsfPreview(
        question,
        _picture(core[middle] if is_volume else core),
        _picture(core[:, core.shape[1] // 2]) if is_volume else None,
        (size_um[0] if is_volume else 0.0, size_um[-2], size_um[-1]),
        "\n".join(_facts(question, widths)),
        "\n".join([*notes, *_warnings(question)]),
    )


def _values(question: PsfQuestion) -> tuple[NDArray[Any], tuple[str, ...]]:
    """Return the PSF, and what was repaired."""
    choices, axes = question.choices, "ZYX"[-len(question.shape) :]
    with psf_file(choices, question.psf) as path:
        if path is None:
            return _computed(question), ()
        from napari_gan_enhance.optics.psf_file import read_psf

        voxel = VoxelSize(*choices.voxel_size_um)
        measured = read_psf(path, axes, voxel)
        return measured.values, measured.notes


def _computed(question: PsfQuestion) -> NDArray[np.float32]:
    choices, objective = question.choices, question.objective or {}
    voxel = choices.voxel_size_um
    optics: dict[str, Any] = {
        **objective,
        "model": choices.model,
        **choices.aberration,
    }
    shape = psf_shape(question.shape, voxel, **optics)
    return point_spread_function(shape, voxel, **optics)


def _core(values: NDArray[Any]) -> NDArray[Any]:
    """Cut a PSF to what is worth a picture: some widths around its middle."""
    pixels = (1.0,) * values.ndim
    window = []
    for size, width in zip(values.shape, fwhm_um(values, pixels), strict=True):
        half = size // 2
        if width is not None:
            half = min(half, round(SHOWN_WIDTHS * width) + 1)
        window.append(slice(size // 2 - half, size // 2 + half + 1))
    return values[tuple(window)]


def _picture(plane: NDArray[Any]) -> NDArray[np.float32]:
    bright = np.maximum(plane / plane.max(), 0)
    return np.asarray(bright**SHOWN_GAMMA, np.float32)


def _facts(question: PsfQuestion, widths: tuple[float | None, ...]) -> list[str]:
    facts = [f"FWHM  {_sizes(widths)}"]
    if question.objective is None:
        return facts
    nyquist = nyquist_um(**question.objective)
    is_volume = len(question.shape) == 3
    limits = (nyquist.axial,) * is_volume + (nyquist.lateral,) * 2
    return [*facts, f"Nyquist voxel  {_sizes(limits)}"]


def _warnings(question: PsfQuestion) -> list[str]:
    found = sampling_findings(question.choices, is_volume=len(question.shape) == 3)
    return list(dict.fromkeys(finding.reason for finding in found))


def _sizes(sizes: tuple[float | None, ...]) -> str:
    """Return lengths as text, x first as users say it."""
    letters = "zyx"[-len(sizes) :]
    texts = [
        f"{letter} {'?' if size is None else f'{size:.3g}'}"
        for letter, size in zip(letters, sizes, strict=True)
    ]
    return f"{'  '.join(reversed(texts))} µm"
