"""What can make an image unfit for a generator, each with its weight and a sentence."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_gan_enhance.metrics.image_features import LEAST_SIDE
from napari_gan_enhance.models.told_optics import told_optics
from napari_gan_enhance.trust.sampled_planes import PLANE_FEATURES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

    from napari_gan_enhance.metrics.input_statistics import InputStatistics
    from napari_gan_enhance.micrograph.micrograph import Micrograph
    from napari_gan_enhance.models.spec import ModelCard, ModelSpec
    from napari_gan_enhance.trust.sampled_planes import SampledPlane

NOT_RAW = {"richardson-lucy": "deconvolved", "enhance": "enhanced"}
"""Operations after which an image is no longer what a camera gave."""

SATURATED, LOST = 0.001, 0.08
"""Shares of saturated pixels that make an image doubtful and unfit: with 10 % of the
pixels of the simulated microscopes clipped, half of the results lost 3 dB."""

NEAR_TOP, PILED = 0.02, 2.0
"""Pixels at the top are saturated where there are more than twice as many as in all of
the range's last 2 %: brightness fades out, and does not end at its most frequent."""

LEVELS = 256
"""Of 8 bit."""

SAME_SIZE = 1.01
"""Factor by which two pixel sizes or widths may differ and still be the same, as files
round them."""

DOUBTFUL_DB, UNFIT_DB = 2.0, 3.0
"""Expected losses that make an image doubtful and unfit."""

STRANGEST = 1.0
"""Weight of what is only odd, where it is known what odd things cost."""

STRETCHED_SHARE = 0.1
"""A model that saw so many stretched images among its own knows them."""

SMOOTH = 0.5
"""Decades by which noise that the camera gave each pixel for itself never falls from
one ring of the spectrum to the next; shot noise is white, the optics pass nothing."""

TELLING = 2.0
"""Standard deviations from which a feature is named as the reason."""


@dataclass(frozen=True, slots=True)
class Doubt:
    """One thing that speaks against an image.

    Parameters
    ----------
    weight : float, >= 0
        Above 1 doubtful, above 2 unfit.
    reason : str
        One sentence.
    """

    weight: float
    reason: str


def origin_doubts(raw: Micrograph, spec: ModelSpec) -> Iterator[Doubt]:
    """Return what speaks against how an image came to be."""
    if raw.is_rgb and spec.in_channels == 1:
        yield Doubt(
            2.0,
            "The image is RGB: a picture of colors, not the light that a camera "
            "counted; open the microscope's own file.",
        )
    done = _operations(raw.provenance)
    for operation, word in NOT_RAW.items():
        if operation in done:
            yield Doubt(
                2.0,
                f"The image was {word} already: the model was made for raw images.",
            )


def size_doubts(
    raw: Micrograph, spec: ModelSpec, card: ModelCard, usual: InputStatistics | None
) -> Iterator[Doubt]:
    """Return what speaks against the pixel size, or the width of the PSF in pixels."""
    width = told_optics(raw).psf_width_px
    widths = usual.psf_width_range_px if usual is not None else None
    if spec.takes_psf_width and width is not None and widths is not None:
        weight = _beyond(width, widths)
        reason = (
            f"The PSF is {width:.3g} pixels wide; the model was trained on "
            f"{range_text(widths)}: check aperture, wavelength and pixel size, or "
            "resample the image."
        )
        yield Doubt(_capped(weight, usual), reason)
        if not spec.takes_pixel_size:
            return
    size = raw.voxel_size_um.x
    sizes = card.voxel_size_range_um or (usual.voxel_size_range_um if usual else None)
    if size is not None and sizes is not None:
        yield Doubt(
            _capped(_beyond(size, sizes), usual),
            f"The pixels are {size:.3g} µm; the model was trained on "
            f"{range_text(sizes)} µm: resample the image, or take another model.",
        )


def plane_doubts(
    plane: SampledPlane, raw: Micrograph, spec: ModelSpec, usual: InputStatistics | None
) -> Iterator[Doubt]:
    """Return what speaks against the pixels of a channel."""
    where = f"Channel {plane.channel + 1}: " if raw.size(raw.sample_axis) > 1 else ""
    pixels = plane.thinned()
    share = saturated_share(pixels)
    if share > max(SATURATED, 0.0 if usual is None else usual.saturated):
        weight = 1 + math.log(share / SATURATED) / math.log(LOST / SATURATED)
        yield Doubt(
            _capped(weight, usual),
            f"{where}{100 * share:.2g} % of the pixels are saturated: what they held "
            "is lost; record with less light or a shorter exposure.",
        )
    knows = usual is not None and usual.stretched > STRETCHED_SHARE
    if is_stretched(pixels) and not knows and not raw.is_rgb:
        yield Doubt(
            1.0,
            f"{where}The image was stretched to 8 bit: its noise is no longer that of "
            "the camera; open the microscope's own file.",
        )
    features = plane.features(spec.low_percentile, spec.high_percentile)
    if features is not None and usual is not None:
        yield from _strange(features, usual, where)
    elif features is not None:
        yield _smooth(features, where)


def saturated_share(pixels: NDArray[Any]) -> float:
    """Return which share of pixels stands at the top of the range, piled up there.

    Parameters
    ----------
    pixels : ndarray, any shape, finite

    Returns
    -------
    float, 0 to 1
        0 where brightness fades out as it does in an image that is not clipped.
    """
    low, high = float(pixels.min()), float(pixels.max())
    if low == high or pixels.size < LEAST_SIDE**2:
        return 0.0
    at_top = np.count_nonzero(pixels == pixels.max())
    near = np.count_nonzero(pixels > high - NEAR_TOP * (high - low)) - at_top
    return at_top / pixels.size if at_top > PILED * near else 0.0


def is_stretched(pixels: NDArray[Any]) -> bool:
    """Return whether gray levels were moved to fill the range of 8 bit.

    Parameters
    ----------
    pixels : ndarray, any shape, finite

    Returns
    -------
    bool
        True where both ends of 8 bit are in use, and where a wider range holds 256
        levels at equal distances, as after a conversion back.
    """
    levels = np.unique(pixels)
    if pixels.dtype.kind == "b" or not 1 < len(levels) <= LEVELS:
        return False
    low, high = float(levels[0]), float(levels[-1])
    if pixels.dtype == np.uint8:
        return low <= 1 and high == LEVELS - 1
    gap = float(np.diff(levels.astype(np.float64)).min())
    return low <= gap and round((high - low) / gap) == LEVELS - 1


def range_text(limits: tuple[float, float]) -> str:
    """Return limits in words; a range that has no width as one number."""
    low, high = (f"{limit:.3g}" for limit in limits)
    return low if low == high else f"{low} to {high}"


def _beyond(value: float, limits: tuple[float, float]) -> float:
    """Return 0 within limits, 1 just beyond, and 1 more for each factor of 2."""
    outside = max(limits[0] / value, value / limits[1])
    return 0.0 if outside <= SAME_SIZE else 1 + math.log2(outside)


def _capped(weight: float, usual: InputStatistics | None) -> float:
    """Return a weight; where costs are known, what is odd is worth a look, no more."""
    return min(weight, STRANGEST) if usual is not None and usual.loss else weight


def _operations(provenance: Mapping[str, Any]) -> set[str]:
    found, entry = set(), provenance
    while entry:
        found.add(str(entry.get("operation")))
        parent = entry.get("parent")
        entry = parent if isinstance(parent, dict) else {}
    return found


def _smooth(features: NDArray[np.float64], where: str) -> Doubt:
    values = dict(zip(PLANE_FEATURES, features, strict=True))
    fall = values["power 0.4-0.5"] - values["power 0.5-0.71"]
    return Doubt(
        fall / SMOOTH,
        f"{where}The finest detail holds hardly any noise: the image was enlarged, "
        "smoothed, compressed or deconvolved.",
    )


def _strange(
    features: NDArray[np.float64], usual: InputStatistics, where: str
) -> Iterator[Doubt]:
    known = usual.ordered(PLANE_FEATURES, features)
    difference = _difference(usual.deviations(known))
    loss = usual.expected_loss(known)
    cost = 0.0
    if loss is not None:
        cost = max(
            loss / DOUBTFUL_DB, 1 + (loss - DOUBTFUL_DB) / (UNFIT_DB - DOUBTFUL_DB)
        )
        yield Doubt(
            cost,
            f"{where}Expect a result about {loss:.1f} dB worse than usual. Unlike the "
            f"training images: {difference}.",
        )
    if cost < 1:
        yield Doubt(
            _capped(usual.distance(known), usual),
            f"{where}The image is unlike those the model was trained on: {difference}.",
        )


def _difference(deviations: Mapping[str, float]) -> str:
    """Return in words by what an image differs most."""
    name = max(deviations, key=lambda key: abs(deviations[key]))
    value = deviations[name]
    if abs(value) < TELLING:
        return (
            "its noise, brightness and detail, or the stated pixel size, do not "
            "go together as theirs do"
        )
    more, less = WORDS[_kind(name)]
    return f"{more if value > 0 else less} ({abs(value):.1f} standard deviations)"


WORDS = {
    "coarse": ("more large structure or uneven background", "less large structure"),
    "fine": ("more fine detail", "less fine detail, as if blurred or enlarged"),
    "finest": (
        "more noise or finer grain",
        "less noise, as if smoothed, enlarged or deconvolved",
    ),
    "brightness": ("brighter between its structures", "darker between its structures"),
    "brightest": ("a few pixels far brighter than the rest", "no bright pixels at all"),
    "noise": ("more noise", "less noise, as if smoothed or averaged"),
    "width": ("a wider PSF", "a narrower PSF"),
    "tails": (
        "noise of single bright pixels",
        "noise that is evener than that of a camera",
    ),
}
"""What more and less of a kind of feature mean."""


def _kind(name: str) -> str:
    kind = name.split()[0]
    if kind != "power":
        return kind
    highest = float(name.rsplit("-", 1)[1])
    return "coarse" if highest <= 0.06 else "fine" if highest <= 0.3 else "finest"
