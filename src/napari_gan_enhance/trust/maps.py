"""What is known at the end about how far a result can be believed."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from napari_gan_enhance.micrograph.micrograph import Micrograph

Limit = Literal["optics", "noise", "pixels"]

LIMITS: dict[Limit, str] = {
    "optics": "the optics pass no finer detail (2 NA / wavelength)",
    "noise": "finer detail drowns in the noise of the image",
    "pixels": "the pixels hold no finer detail (Nyquist)",
}


NAMES = ("expected error", "beyond the evidence", "re-blur score", "disagreement")


def map_names(passes: int) -> tuple[str, ...]:
    """Return the names of the maps that so many passes give, in their order."""
    return NAMES if passes else NAMES[:-1]


@dataclass(frozen=True, slots=True)
class PlaneTrust:
    """One plane of one channel in numbers.

    Parameters
    ----------
    place : mapping of axis letter to int
        Which plane.
    rsp : float, -1 to 1
        Resolution-scaled Pearson coefficient: correlation of the input with the
        result, blurred and fitted to it.
    rse : float, intensity of the input
        Resolution-scaled error: root mean square of their difference.
    sigma_px : float, pixels
        Of the Gaussian blur that was fitted for the two.
    cutoff : float, cycles per pixel
        Highest frequency that the input supports.
    cutoff_um : float or None, µm
        Its period; None where the pixel size is not known.
    limit : "optics", "noise" or "pixels"
        What sets the cut-off.
    beyond : float, 0 to 1
        Share of the result's contrast (its variance) that is finer than the cut-off.
    gain, shift : float
        The noise of the input: variance = gain * (value + shift).
    misfit : float
        Root mean square of the standard scores of the re-blurred result; 1 where all
        differences are noise.
    """

    place: Mapping[str, int]
    rsp: float
    rse: float
    sigma_px: float
    cutoff: float
    cutoff_um: float | None
    limit: Limit
    beyond: float
    gain: float
    shift: float
    misfit: float


@dataclass(frozen=True, slots=True)
class TrustSummary:
    """All planes in numbers, and what to tell the user.

    Parameters
    ----------
    planes : tuple of PlaneTrust
    passes : int
        Forward passes that the maps took beside that of the result.
    sentences : tuple of str
    """

    planes: tuple[PlaneTrust, ...]
    passes: int
    sentences: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """Return the record for the provenance of the maps and for `--json`."""
        return asdict(self)


@dataclass(frozen=True, slots=True, eq=False)
class TrustMaps:
    """Maps on the grid of the result, with its axes, voxel size and channels; float32.

    Parameters
    ----------
    expected_error : Micrograph, intensity of the result, >= 0
        Absolute error to expect in each pixel.
    evidence : Micrograph, 0 to 1
        Share of the contrast around a pixel that is finer than the input supports.
    reblur_z : Micrograph, standard scores
        Input less re-blurred result, over the noise of that difference, around a
        pixel: above 0 light that the result lacks, below 0 light that it has made up.
    disagreement : Micrograph or None, intensity of the result, >= 0
        Standard deviation over the passes; None without them.
    summary : TrustSummary
    """

    expected_error: Micrograph
    evidence: Micrograph
    reblur_z: Micrograph
    disagreement: Micrograph | None
    summary: TrustSummary

    def named(self) -> dict[str, Micrograph]:
        """Return the maps by the names under which they are shown and stored."""
        maps = (self.expected_error, self.evidence, self.reblur_z, self.disagreement)
        named = zip(NAMES, maps, strict=True)
        return {name: image for name, image in named if image is not None}
