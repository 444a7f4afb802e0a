"""Find the transform between two images, from a coarse search to the last hundredth.

thumbnails (128 px)   all rotations, scales and shifts               `search`
256, 512 px           Gauss-Newton on band-passed images             `refine`
-> convincing?        as aligned against shifted                     `evidence`
stacks                which planes face each other                   `depth`
full pixels           Gauss-Newton, weighted by what both share      `filtering`
-> how far off?       block by block                                 `misalignment`
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict

from napari_gan_enhance.progress import Job, Progress
from napari_gan_enhance.registration.canvas import (
    Canvas,
    PlacedImage,
    canvas_of,
    seen_by,
)
from napari_gan_enhance.registration.depth import match_depth
from napari_gan_enhance.registration.evidence import (
    Evidence,
    check_evidence,
    evidence,
)
from napari_gan_enhance.registration.filtering import (
    bandpassed,
    coherence_weights,
    weighted,
)
from napari_gan_enhance.registration.misalignment import LocalShifts, local_shifts
from napari_gan_enhance.registration.refine import TransformKind, refine
from napari_gan_enhance.registration.search import (
    ALL_ANGLES,
    ALL_SCALES,
    ANGLES,
    SCALES,
    SKIP,
    THUMBNAIL,
    search_pose,
)
from napari_gan_enhance.registration.transform import Transform

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Matrix = NDArray[np.float64]
    Pair = tuple[Canvas, Canvas]

MOST_PIXELS = 2**22
"""Larger images are refined with larger pixels: 4 megapixels fix a transform to a few
hundredths of a pixel, and the slopes of one image take 100 MiB."""

COARSE_SIDE = 256
"""Pixels along the larger image at which what the search found is refined first."""

JUDGED_SIDE = 512
"""Pixels along the smaller image at which it is refined then, and evidence looked for:
of a small part of an overview too little would be left."""

STAGES = 4


class AlignSettings(BaseModel):
    """How to align.

    Parameters
    ----------
    transform : "translation", "rigid", "similarity" or "affine"
        What may change; stacks are shifted along Z besides.
    start : "anywhere" or "here"
        Search all poses, or refine from where the images lie.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    transform: TransformKind = "similarity"
    start: Literal["anywhere", "here"] = "anywhere"


@dataclass(frozen=True, slots=True)
class Agreement:
    """How well two images agree where they lie.

    Parameters
    ----------
    evidence : Evidence
    shifts : LocalShifts
        What is left, block by block, in the fixed world.
    """

    evidence: Evidence
    shifts: LocalShifts


@dataclass(frozen=True, slots=True)
class Alignment(Agreement):
    """A transform that was found, and how well the images agree after it.

    Parameters
    ----------
    evidence, shifts
        As of Agreement.
    transform : Transform
    """

    transform: Transform


def estimate(
    moving: PlacedImage, fixed: PlacedImage, settings: AlignSettings
) -> Job[Alignment]:
    """Find where the moving image lies on the fixed one.

    Intensities may be related in any increasing way; background, haze, blur and noise
    may differ.

    Parameters
    ----------
    moving, fixed : PlacedImage
        Planes or stacks, of any pixel size.
    settings : AlignSettings

    Yields
    ------
    Progress

    Returns
    -------
    Alignment

    Raises
    ------
    InputError
        If the images do not correlate better than by chance, are too small, or hold
        NaN.
    """
    kind = settings.transform
    flat = moving.projection(), fixed.projection()
    lateral, bands = yield from _lateral(*flat, settings)
    shift = 0.0
    if moving.pixels.ndim == 3 or fixed.pixels.ndim == 3:
        shift = yield from match_depth(moving, fixed, lateral)
        flat = facing_planes(moving, fixed, shift)
        bands = _judged_bands(*flat)
    yield Progress(2, STAGES, "refining")
    lateral, agreed = yield from _refined(*flat, bands, lateral, kind)
    check_evidence(agreed.evidence)
    matrix = lateral
    if moving.pixels.ndim == 3 or fixed.pixels.ndim == 3:
        matrix = np.eye(4)
        matrix[1:, 1:], matrix[0, 3] = lateral, shift
    details = {
        "correlation": round(agreed.evidence.correlation, 4),
        "correlation_by_chance": round(agreed.evidence.chance, 4),
    }
    left = agreed.shifts.rms_um
    transform = Transform(matrix, kind, left, "automatic", details)
    return Alignment(agreed.evidence, agreed.shifts, transform)


def facing_planes(
    moving: PlacedImage, fixed: PlacedImage, shift_um: float
) -> tuple[PlacedImage, PlacedImage]:
    """Return the parts of two images that show the same depth, as planes.

    Parameters
    ----------
    moving, fixed : PlacedImage
    shift_um : float, µm
        Along Z, moving to fixed.

    Returns
    -------
    (PlacedImage, PlacedImage)
        A plane and its partner in a stack, or projections of the depth that two
        stacks share.
    """
    depths = [moving.z_um() + shift_um, fixed.z_um()]
    low = max(z.min() for z in depths)
    high = min(z.max() for z in depths)
    planes = []
    for image, z in zip((moving, fixed), depths, strict=True):
        near = np.flatnonzero((z >= low - 1e-6) & (z <= high + 1e-6))
        if not near.size:
            near = np.array([np.argmin(np.abs(z - (low + high) / 2))])
        planes.append(image.projection(slice(int(near[0]), int(near[-1]) + 1)))
    return planes[0], planes[1]


def measure(moving: PlacedImage, fixed: PlacedImage) -> Job[Agreement]:
    """Judge how two images lie, whatever brought them there.

    Parameters
    ----------
    moving, fixed : PlacedImage
        Planes or stacks, of any pixel size.

    Yields
    ------
    Progress

    Returns
    -------
    Agreement

    Raises
    ------
    InputError
        If the images hold NaN.
    """
    yield Progress(0, 1, "measuring what is left")
    planes = facing_planes(moving, fixed, 0.0)
    pixel_um = _working_pixel(*planes)
    pair = canvas_of(planes[0], pixel_um), canvas_of(planes[1], pixel_um)
    matrix = np.eye(3)
    bands = _judged_bands(*planes)
    return _judged(bands, *_shared(*pair, matrix), matrix)


def _lateral(
    moving: PlacedImage, fixed: PlacedImage, settings: AlignSettings
) -> Job[tuple[Matrix, Pair]]:
    """Search, and search again among all angles if that convinces nobody.

    Returns
    -------
    matrix, bands
        `bands` are the images that it was judged by.
    """
    kind = settings.transform
    yield Progress(0, STAGES, "searching the pose")
    matrix = np.eye(3)
    if settings.start == "anywhere":
        matrix = yield from _searched(moving, fixed, kind, is_wide=False)
    matrix, bands = yield from _pyramid(moving, fixed, matrix, kind)
    found = evidence(*bands, matrix)
    if not (found.is_convincing or kind == "translation" or settings.start == "here"):
        wide = yield from _searched(moving, fixed, kind, is_wide=True)
        wide, bands = yield from _pyramid(moving, fixed, wide, kind)
        again = evidence(*bands, wide)
        if again.is_convincing or again.deviations > found.deviations:
            matrix, found = wide, again
    check_evidence(found)
    return matrix, bands


def _searched(
    moving: PlacedImage, fixed: PlacedImage, kind: TransformKind, *, is_wide: bool
) -> Job[Matrix]:
    pixel_um = _pixel_um(moving, fixed, max(_sides_um(moving, fixed)) / THUMBNAIL)
    angles, scales = (ALL_ANGLES, ALL_SCALES) if is_wide else (ANGLES, SCALES)
    if kind == "translation":
        angles = (0.0,)
    if kind in ("translation", "rigid"):
        scales = (1.0,)
    pair = canvas_of(moving, pixel_um), canvas_of(fixed, pixel_um)
    skip = 1 if is_wide else SKIP
    pose = yield from search_pose(*pair, angles, scales, skip=skip)
    return pose.matrix


def _pyramid(
    moving: PlacedImage, fixed: PlacedImage, matrix: Matrix, kind: TransformKind
) -> Job[tuple[Matrix, Pair]]:
    """Refine on ever finer pixels; return the finest images, too."""
    coarse_um = _pixel_um(moving, fixed, max(_sides_um(moving, fixed)) / COARSE_SIDE)
    for pixel_um in sorted({coarse_um, _judged_um(moving, fixed)}, reverse=True):
        bands = _bands(moving, fixed, pixel_um)
        for step in refine(*bands, matrix, kind):
            matrix = step.matrix
            yield Progress(1, STAGES, "refining")
    return matrix, bands


def _judged_bands(moving: PlacedImage, fixed: PlacedImage) -> Pair:
    """Return both images band-passed, as evidence is looked for."""
    return _bands(moving, fixed, _judged_um(moving, fixed))


def _bands(moving: PlacedImage, fixed: PlacedImage, pixel_um: float) -> Pair:
    return (
        bandpassed(canvas_of(moving, pixel_um)),
        bandpassed(canvas_of(fixed, pixel_um)),
    )


def _refined(
    moving: PlacedImage,
    fixed: PlacedImage,
    bands: Pair,
    matrix: Matrix,
    kind: TransformKind,
) -> Job[tuple[Matrix, Agreement]]:
    """Refine on full pixels with the weights of what both images share."""
    pixel_um = _working_pixel(moving, fixed)
    pair = canvas_of(moving, pixel_um), canvas_of(fixed, pixel_um)
    shared = _shared(*pair, matrix)
    yield Progress(2, STAGES, "refining")
    for step in refine(*shared, matrix, kind):
        matrix = step.matrix
        yield Progress(2, STAGES, "refining")
    yield Progress(3, STAGES, "measuring what is left")
    return matrix, _judged(bands, *shared, matrix)


def _shared(moving: Canvas, fixed: Canvas, matrix: Matrix) -> Pair:
    """Return both images weighted by the frequencies on which they agree."""
    seen = seen_by(fixed, moving, matrix)
    valid = np.isfinite(seen) & fixed.inside
    if not valid.any():
        return bandpassed(moving), bandpassed(fixed)
    means = fixed.values[valid].mean(), seen[valid].mean()
    weights = coherence_weights(
        np.where(valid, fixed.values, means[0]), np.where(valid, seen, means[1])
    )
    if not weights.fixed.any():
        return bandpassed(moving), bandpassed(fixed)
    scale = float(np.sqrt(abs(np.linalg.det(matrix[:2, :2]))))
    return (
        moving.with_values(weighted(moving, weights.moving, scale)),
        fixed.with_values(weighted(fixed, weights.fixed)),
    )


def _judged(bands: Pair, clear: Canvas, target: Canvas, matrix: Matrix) -> Agreement:
    """Return evidence and local shifts.

    Parameters
    ----------
    bands : (Canvas, Canvas)
        Moving and fixed image, see `_bands`.
    clear, target : Canvas
        The same, weighted; see `_shared`.
    matrix : ndarray, shape (3, 3)
    """
    seen = seen_by(target, clear, matrix)
    valid = np.isfinite(seen) & target.inside
    filled = np.where(valid, seen, 0).astype(np.float32)
    shifts = local_shifts(
        filled, target.values, valid, target.pixel_um, target.origin_um
    )
    return Agreement(evidence(*bands, matrix), shifts)


def _judged_um(moving: PlacedImage, fixed: PlacedImage) -> float:
    return _pixel_um(moving, fixed, min(_sides_um(moving, fixed)) / JUDGED_SIDE)


def _pixel_um(moving: PlacedImage, fixed: PlacedImage, wanted: float) -> float:
    """Return the wanted pixel size, or that of the images if they have no finer one."""
    return max(wanted, _working_pixel(moving, fixed))


def _sides_um(*images: PlacedImage) -> list[float]:
    """Return the longer side of each image."""
    return [float(max(i.pixels.shape[-2:]) * i.pixel_um) for i in images]


def _working_pixel(moving: PlacedImage, fixed: PlacedImage) -> float:
    """Return the coarser pixel size, or what keeps the larger image in bounds."""
    pixel_um = max(moving.pixel_um, fixed.pixel_um)
    areas = [
        float(np.prod(np.array(p.pixels.shape[-2:]) * p.pixel_um))
        for p in (moving, fixed)
    ]
    return max(pixel_um, float(np.sqrt(max(areas) / MOST_PIXELS)))
