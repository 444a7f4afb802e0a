"""Cut training pairs from two aligned images: the target on the source's grid.

source  +-------------------+      overlap: what the target covers wholly, both
        |   +-----------+   |      without empty borders, cut into patches; patches
        |   |###########|   |      whose structure does not show in the target are
        |   |######..###|   |      left out, the others joined to rectangles as large
        +---|######..###|---+      as possible
            +-----------+   target
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import special

from napari_gan_enhance.errors import TrainingError
from napari_gan_enhance.micrograph.intensity import check_finite
from napari_gan_enhance.micrograph.view import AxesView
from napari_gan_enhance.progress import Job, Progress, RemainingTime
from napari_gan_enhance.registration.borders import within_border
from napari_gan_enhance.registration.canvas import WITHIN, Canvas, PlacedImage
from napari_gan_enhance.registration.filtering import bandpassed
from napari_gan_enhance.registration.levels import levels_of
from napari_gan_enhance.registration.resample import (
    inner_box,
    matched_plane,
    placed_image,
    plane_between,
    sampled,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from napari_gan_enhance.micrograph.micrograph import Micrograph
    from napari_gan_enhance.registration.splitting import Box
    from napari_gan_enhance.registration.transform import Transform

PATCH = 64
"""Side of a patch in pixels: as large as the blocks whose shift can be measured."""

CHANCE = 99.0
"""Percentile of the correlation of patches with wrong partners that a patch must
exceed."""

WRONG_PARTNERS = 2**14
"""At least so many are compared of a plane that has them: all of one of 8 megapixels
would be four million. Their percentile is that of 160 that lie above it."""

LEAST_CORRELATION = 0.15
"""And at least that much, where wrong partners are few."""

EMPTY = 1e-6
"""Share of the structure of the strongest patch below which one is empty: what a spline
leaves of nothing would be raised to the rest, or beyond where its square vanishes."""

MOST_LUCK = 1e-3
"""How probable so many accepted patches may be where none belongs to its partner."""


@dataclass(frozen=True, slots=True, eq=False)
class PairPiece:
    """A rectangle of accepted patches of one plane of one channel.

    Parameters
    ----------
    source, target : ndarray, shape (Y, X)
        The source as it was; the target float32 on the source's grid.
    plane : int
        Of the source stack; 0 for a plane.
    origin_px : (int, int)
        Row and column of the first pixel in the source's plane.
    channel : int
        Which of those of the images.
    """

    source: NDArray[Any]
    target: NDArray[np.float32]
    plane: int
    origin_px: tuple[int, int]
    channel: int = 0


@dataclass(frozen=True, slots=True)
class CutPair:
    """What was cut from two aligned images.

    Parameters
    ----------
    pieces : tuple of PairPiece
    accepted, rejected : int
        Patches.
    patch : int
        Side of a patch in pixels.
    shape : (int, int)
        Of the source's plane, in pixels.
    levels : tuple of tuple of float
        Of each channel, the intensities of the whole source, see `levels_of`.
    """

    pieces: tuple[PairPiece, ...]
    accepted: int
    rejected: int
    patch: int
    shape: tuple[int, int]
    levels: tuple[tuple[float, ...], ...]


def cut_channels(
    source: Sequence[PlacedImage], target: Sequence[PlacedImage], *, patch: int = PATCH
) -> Job[CutPair]:
    """Sample the target on the source's grid and keep what correlates.

    Every channel for itself, for networks of one channel: one of which no more patches
    correlate than by chance gives nothing.

    Parameters
    ----------
    source, target : sequence of PlacedImage
        One for each channel, as many in both, aligned in the world. All channels of a
        side have one shape and place. A plane beside a stack must carry its own depth:
        give it as a stack of one plane.
    patch : int, >= 16
        Side in pixels.

    Yields
    ------
    Progress
        After each plane.

    Raises
    ------
    TrainingError
        If the images do not overlap, or no more patches correlate than by chance.
    InputError
        If one of them holds NaN or infinite pixels.
    """
    _check_channels(source, target)
    cuts = []
    for number, pair in enumerate(zip(source, target, strict=True)):
        cuts.append((yield from _cut(*pair, patch, (number, len(source)))))
    accepted, rejected = sum(c.accepted for c in cuts), sum(c.rejected for c in cuts)
    _check(accepted, rejected, patch)
    return CutPair(
        tuple(chain.from_iterable(cut.pieces for cut in cuts)),
        accepted,
        rejected,
        patch,
        cuts[0].shape,
        tuple(chain.from_iterable(cut.levels for cut in cuts)),
    )


def cut_aligned(
    source: Micrograph, target: Micrograph, transform: Transform
) -> Job[CutPair]:
    """Cut every channel of two micrographs, the first of which is moved.

    Of the first time point. Of a stack beside a plane, the plane that lies nearest.

    Parameters
    ----------
    source, target : Micrograph
        Placed by their voxel sizes, the first pixels at 0.
    transform : Transform
        From the source to the target.

    Returns
    -------
    CutPair
        As of `cut_channels`, which says what is raised.
    """
    sides = [
        [placed_image(image, channel) for channel in range(image.size("C"))]
        for image in (source, target)
    ]
    plane = matched_plane(source, target, transform)
    if plane is not None:
        sides = [[image.plane(plane) for image in side] for side in sides]
    moved = [PlacedImage(i.pixels, transform.placed(i.to_world)) for i in sides[0]]
    return (yield from cut_channels(moved, sides[1]))


def _cut(
    source: PlacedImage, target: PlacedImage, patch: int, part: tuple[int, int]
) -> Job[CutPair]:
    """Cut one channel: that with this number, of so many."""
    number, parts = part
    count = len(source.z_um())
    shape = source.pixels.shape[-2], source.pixels.shape[-1]
    pieces: list[PairPiece] = []
    accepted = rejected = 0
    clock = RemainingTime()
    for index in range(count):
        planes = _facing(source, target, index)
        if planes is not None:
            good, origin = _good_patches(*planes, patch)
            accepted += int(good.sum())
            rejected += int((~good).sum())
            for box in _rectangles(good, origin, patch):
                place = box[0].start, box[1].start
                pieces.append(
                    PairPiece(planes[0][box], planes[1][box], index, place, number)
                )
        left = clock.after(index + 1, count)
        done = number * count + index + 1
        yield Progress(done, parts * count, "cutting pairs", left)
    if _is_chance(accepted, rejected):
        pieces, accepted, rejected = [], 0, accepted + rejected
    # Planes that face no target may be of NaN; if none faces one, all may be.
    levels = (levels_of(source.pixels),) if accepted + rejected else ()
    return CutPair(tuple(pieces), accepted, rejected, patch, shape, levels)


def _is_chance(accepted: int, rejected: int) -> bool:
    """Return whether so many patches may be accepted of images of different things.

    Of those patches `CHANCE` lets a share pass. Where all were accepted there may be
    one only, of which nothing can be said.
    """
    luck = special.bdtrc(accepted - 1, accepted + rejected, 1 - CHANCE / 100)
    return bool(rejected and luck > MOST_LUCK)


def _check_channels(
    source: Sequence[PlacedImage], target: Sequence[PlacedImage]
) -> None:
    if len(source) != len(target) or not source:
        raise TrainingError(
            f"The source has {len(source)} channels, the target {len(target)} - a pair "
            "needs as many in both - choose the channels that belong together."
        )


def _check(accepted: int, rejected: int, patch: int) -> None:
    if not accepted + rejected:
        raise TrainingError(
            f"Source and target share no {patch} x {patch} pixels - a pair needs an "
            "overlap - align the two first."
        )
    if not accepted:
        raise TrainingError(
            f"Of {rejected} patches of source and target no more correlate than by "
            "chance - both must show the same structures in the same place - align "
            "them better."
        )


def _facing(
    source: PlacedImage, target: PlacedImage, index: int
) -> tuple[NDArray[Any], NDArray[np.float32]] | None:
    """Return a plane of the source and the target there, (Y, X); NaN outside."""
    depth, z = source.z_um()[index], target.z_um()
    both_deep = source.pixels.ndim == 3 and target.pixels.ndim == 3
    at = 0.0
    if both_deep and len(z) > 1:
        at = float((depth - z[0]) / (z[1] - z[0]))
    stack = AxesView(target.pixels, "ZYX"[-target.pixels.ndim :], "ZYX")
    plane, reaches = plane_between(stack, at)
    if not reaches:
        return None
    shape = source.pixels.shape[-2], source.pixels.shape[-1]
    held = _held(plane, target.lateral, shape, source.lateral)
    facing = np.array(source.plane(index).pixels)
    check_finite(facing, "The source")
    return facing, held


def _held(
    plane: NDArray[np.float32],
    to_world: NDArray[np.float64],
    shape: tuple[int, int],
    grid: NDArray[np.float64],
) -> NDArray[np.float32]:
    """Return a plane on another grid; NaN outside of it and on its empty border."""
    found, held = sampled(plane, to_world, shape, grid), within_border(plane)
    if not held.all():
        found[~(sampled(held, to_world, shape, grid) > WITHIN)] = np.nan
    return found


def _good_patches(
    source: NDArray[Any], target: NDArray[np.float32], patch: int
) -> tuple[NDArray[np.bool_], tuple[int, int]]:
    """Return which patches of the overlap correlate, and where the first one lies."""
    rows, columns = inner_box(np.isfinite(target) & within_border(source))
    counts = (rows.stop - rows.start) // patch, (columns.stop - columns.start) // patch
    origin = rows.start, columns.start
    if not all(counts):
        return np.zeros((0, 0), bool), origin
    box = tuple(slice(o, o + n * patch) for o, n in zip(origin, counts, strict=True))
    own = _patches(source[box].astype(np.float32), patch)
    other = _patches(target[box], patch)
    limit = max(_chance_level(own, other), LEAST_CORRELATION)
    return (_correlations(own, other) > limit).reshape(counts), origin


def _chance_level(own: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    """Return the correlation that patches with wrong partners seldom exceed.

    Each patch with the one so many further on; where not all of these fit, by steps
    that are drawn, the same each time.
    """
    count = len(own)
    steps = np.random.default_rng(0).permutation(np.arange(1, count))
    wrong = [
        _correlations(own, np.roll(other, step, axis=0))
        for step in steps[: -(-WRONG_PARTNERS // count)]
    ]
    return float(np.percentile(wrong, CHANCE)) if wrong else 0.0


def _correlations(
    own: NDArray[np.float32], other: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Return that of each row with the one beside it."""
    return np.asarray(np.einsum("ij,ij->i", own, other))


def _patches(plane: NDArray[np.float32], patch: int) -> NDArray[np.float32]:
    """Return the structure of each patch as a row of length 1."""
    inside = np.ones(plane.shape, bool)
    clear = bandpassed(Canvas(plane, inside, 1.0, np.zeros(2))).values
    high, wide = (n // patch for n in plane.shape)
    # (Y, X) -> (rows of patches, patch, columns of patches, patch)
    blocks = clear.reshape(high, patch, wide, patch).swapaxes(1, 2)
    flat = blocks.reshape(high * wide, patch * patch)
    norms = np.linalg.norm(flat, axis=1, keepdims=True)
    least = max(EMPTY * float(norms.max()), float(np.finfo(np.float32).tiny))
    return np.asarray(flat / np.maximum(norms, least))


def _rectangles(
    good: NDArray[np.bool_], origin: tuple[int, int], patch: int
) -> list[Box]:
    """Join accepted patches to rectangles, the largest first, none twice."""
    left, boxes = good.copy(), []
    while left.any():
        top, bottom, first, last = _largest(left)
        left[top:bottom, first:last] = False
        rows = slice(origin[0] + top * patch, origin[0] + bottom * patch)
        boxes.append((rows, slice(origin[1] + first * patch, origin[1] + last * patch)))
    return boxes


def _largest(good: NDArray[np.bool_]) -> tuple[int, int, int, int]:
    """Return (top, bottom, left, right) of the largest accepted rectangle."""
    best, found = 0, (0, 0, 0, 0)
    for top in range(len(good)):
        run = np.ones(good.shape[1], bool)
        for bottom in range(top + 1, len(good) + 1):
            run &= good[bottom - 1]
            if not run.any():
                break
            edges = np.flatnonzero(np.diff(np.pad(run.astype(int), 1)))
            lengths = edges[1::2] - edges[::2]
            longest = int(lengths.argmax())
            area = int(lengths[longest]) * (bottom - top)
            if area > best:
                ends = int(edges[2 * longest]), int(edges[2 * longest + 1])
                best, found = area, (top, bottom, *ends)
    return found
