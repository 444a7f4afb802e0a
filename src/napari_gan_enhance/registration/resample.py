"""Bring the moving image onto the grid of the fixed one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import ndimage

from napari_gan_enhance.errors import InputError
from napari_gan_enhance.micrograph.micrograph import Micrograph, VoxelSize
from napari_gan_enhance.micrograph.view import AxesView
from napari_gan_enhance.progress import Job, Progress, RemainingTime
from napari_gan_enhance.registration.canvas import PlacedImage, warped
from napari_gan_enhance.tiling.region import positions, snapped_region

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from napari_gan_enhance.registration.splitting import Box
    from napari_gan_enhance.registration.transform import Transform

    Matrix = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Resampled:
    """The moving image on the fixed grid.

    Parameters
    ----------
    micrograph : Micrograph
        float32, zero where the moving image does not reach. Y and X (and Z, where both
        are stacks) are those of the fixed image, other axes those of the moving one.
    overlap : (slice, slice)
        The largest part of the grid found that the moving image covers wholly.
    plane : int or None
        For a plane and a stack: the plane of the stack that was taken.
    """

    micrograph: Micrograph
    overlap: Box
    plane: int | None


def in_same_unit(
    moving: Micrograph, fixed: Micrograph
) -> tuple[Micrograph, Micrograph, str]:
    """Give both images a pixel size, and two stacks a spacing, where only one has it.

    Returns
    -------
    (Micrograph, Micrograph, str)
        The images, and what was assumed, in sentences; empty where nothing was.
    """
    images, said = [moving, fixed], []
    known = [has_pixel_size(image) for image in images]
    if not any(known):
        said.append("No pixel size is known: lengths are in pixels, not µm.")
    spaced = [image.voxel_size_um.z is not None for image in images]
    if not all(image.size("Z") > 1 for image in images):
        spaced = [True, True]  # no plane needs it
    for what, axes, has in (
        ("pixel size", ("y", "x"), known),
        ("distance between planes", ("z",), spaced),
    ):
        if has[0] == has[1]:
            continue
        told, lacking = has.index(True), has.index(False)
        size = images[told].voxel_size_um
        image = images[lacking]
        added = {axis: getattr(size, axis) for axis in axes}
        images[lacking] = image.with_pixels(
            image.pixels, voxel_size_um=image.voxel_size_um._replace(**added)
        )
        which = ("moving", "fixed")[lacking]
        said.append(f"The {which} image is taken to have the other's {what}.")
    return images[0], images[1], " ".join(said)


def has_pixel_size(micrograph: Micrograph) -> bool:
    """Return whether both sides of a pixel are known."""
    return None not in (micrograph.voxel_size_um.y, micrograph.voxel_size_um.x)


def placed_matrix(micrograph: Micrograph, axes: str) -> Matrix:
    """Return the matrix from indices to µm, the first pixel's center at 0.

    A size that is not known counts as 1, so that lengths are in pixels; of a pixel both
    sides are known or neither counts.

    Parameters
    ----------
    micrograph : Micrograph
    axes : str
        "YX" or "ZYX".
    """
    sizes = dict(zip("ZYX", micrograph.voxel_size_um, strict=True))
    if not has_pixel_size(micrograph):
        sizes |= {"Y": None, "X": None}
    return np.diag([*(sizes[a] or 1.0 for a in axes), 1.0])


def placed_image(micrograph: Micrograph, channel: int = 0) -> PlacedImage:
    """Return one channel of the first time point, as a plane or stack.

    Color samples are averaged.

    Raises
    ------
    InputError
        If there is no such channel.
    """
    if not 0 <= channel < micrograph.size("C"):
        raise InputError(
            f"There is no channel {channel} - the image has {micrograph.size('C')}, "
            "counted from 0 - choose one of them."
        )
    axes = "ZYX" if micrograph.size("Z") > 1 else "YX"
    place = {"T": 0, "C": channel}
    fixed = {a: at for a, at in place.items() if a in micrograph.axes}
    view = AxesView(micrograph.pixels, micrograph.axes, axes + "S", fixed)
    pixels = view[(slice(None),) * (len(axes) + 1)]
    flat = pixels[..., 0] if pixels.shape[-1] == 1 else pixels.mean(axis=-1)
    return PlacedImage(flat, placed_matrix(micrograph, axes))


def resample(
    moving: Micrograph,
    fixed: Micrograph,
    transform: Transform,
    *,
    provenance: Mapping[str, Any],
) -> Job[Resampled]:
    """Sample the moving image at every pixel of the fixed grid.

    Parameters
    ----------
    moving, fixed : Micrograph
        Placed by their voxel sizes, the first pixels at 0.
    transform : Transform
    provenance : mapping
        What the result says about how it came to be.

    Yields
    ------
    Progress
        After each plane.

    Returns
    -------
    Resampled
    """
    depths, is_deep = _wanted_depths(moving, fixed, transform)
    others = [a for a in moving.axes if a in "TCS" and moving.size(a) > 1]
    axes = "".join(
        a for a in "TCZYXS" if a in "YX" or a in others or a == "Z" * is_deep
    )
    lateral = fixed.size("Y"), fixed.size("X")
    sizes = {"Z": len(depths), "Y": lateral[0], "X": lateral[1]}
    pixels = np.zeros([sizes.get(a) or moving.size(a) for a in axes], np.float32)
    matrix = transform.placed(placed_matrix(moving, "YX"))
    grid, whole = placed_matrix(fixed, "YX"), (slice(None), slice(None))
    covered, clock = np.ones(lateral, bool), RemainingTime()
    work = _work(moving, others, depths, is_deep=is_deep)
    for done, (source, depth, at) in enumerate(work, start=1):
        plane, reaches = plane_between(source, depth)
        found = sampled(plane, matrix, lateral, grid)
        covered &= np.isfinite(found)
        if reaches:
            AxesView(pixels, axes, "YX", at)[whole] = np.nan_to_num(found)
        yield Progress(done, len(work), "resampling", clock.after(done, len(work)))
    size = fixed.voxel_size_um
    result = moving.with_pixels(
        pixels,
        axes=axes,
        voxel_size_um=VoxelSize(size.z if is_deep else None, size.y, size.x),
        provenance=dict(provenance),
    )
    plane_index = matched_plane(moving, fixed, transform)
    return Resampled(result, inner_box(covered), plane_index)


def sampled(
    plane: NDArray[Any], to_world: Matrix, shape: tuple[int, int], grid: Matrix
) -> NDArray[np.float32]:
    """Return a plane on another grid; NaN outside of it.

    Coarser grids get the mean over their pixel, others cubic splines, cut to the range
    of the plane: the waves of a spline are no light.

    Parameters
    ----------
    plane : ndarray, shape (Y, X)
    to_world : ndarray, shape (3, 3)
        From its indices to the world.
    shape : (int, int)
        Of the grid.
    grid : ndarray, shape (3, 3)
        From the grid's indices to the world.

    Raises
    ------
    InputError
        If pixels are NaN or infinite: a spline would spread them over all others.
    """
    into = np.linalg.inv(to_world) @ grid
    values = np.asarray(plane, np.float32)
    low, high = values.min(), values.max()
    if not (np.isfinite(low) and np.isfinite(high)):
        raise InputError(
            "An image to be resampled holds NaN or infinite pixels - all pixels must "
            "be finite - replace them, for instance by the background."
        )
    grain = np.linalg.norm(into[:2, :2], axis=1)
    sigmas = np.sqrt(np.maximum(grain**2 - 1, 0) / 12)
    smooth = ndimage.gaussian_filter(values, sigmas) if (sigmas > 0.1).any() else values
    found = warped(smooth, into[:2, :2], into[:2, 2], shape, cubic=True)
    return np.clip(found, low, high)


def inner_box(covered: NDArray[np.bool_]) -> Box:
    """Return a large box that holds covered pixels only.

    The side with the largest share of uncovered pixels is moved inwards until none is
    left: for the slightly turned rectangles of an alignment that is the largest box,
    give or take a few pixels.

    Parameters
    ----------
    covered : ndarray, shape (Y, X), bool

    Returns
    -------
    (slice, slice)
        Empty where nothing is covered.
    """
    # Sums over any box from four corners of the table.
    table = np.pad((~covered).astype(np.int64).cumsum(0).cumsum(1), ((1, 0), (1, 0)))
    top, left, (bottom, right) = 0, 0, covered.shape
    while top < bottom and left < right:
        sides = {
            "top": _count(table, top, top + 1, left, right) / (right - left),
            "bottom": _count(table, bottom - 1, bottom, left, right) / (right - left),
            "left": _count(table, top, bottom, left, left + 1) / (bottom - top),
            "right": _count(table, top, bottom, right - 1, right) / (bottom - top),
        }
        worst = max(sides, key=lambda side: sides[side])
        if sides[worst] == 0:
            break
        top, bottom = top + (worst == "top"), bottom - (worst == "bottom")
        left, right = left + (worst == "left"), right - (worst == "right")
    if _count(table, top, bottom, left, right):
        return slice(0, 0), slice(0, 0)  # covered on all sides, with a hole inside
    return slice(top, bottom), slice(left, right)


def plane_between(source: AxesView, index: float) -> tuple[NDArray[np.float32], bool]:
    """Return a plane between two of a stack, and whether the stack reaches there.

    Half a plane beyond the first or last still counts as that plane: a voxel is not a
    point.
    """
    last = source.shape[0] - 1
    reaches = -0.5 <= index <= last + 0.5
    inside = min(max(index, 0.0), float(last))
    low = int(inside)
    share = inside - low
    planes = source[slice(low, min(low + 2, last + 1)), slice(None), slice(None)]
    first = planes[0].astype(np.float32)
    if share < 1e-6 or len(planes) == 1:
        return first, reaches
    return (1 - share) * first + share * planes[1].astype(np.float32), reaches


def matched_plane(
    moving: Micrograph, fixed: Micrograph, transform: Transform
) -> int | None:
    """Return which plane of a stack lies beside a plane; None for two of a kind."""
    deep = [m.size("Z") > 1 for m in (moving, fixed)]
    if deep[0] == deep[1]:
        return None
    stack, z = (moving, -transform.z_um) if deep[0] else (fixed, transform.z_um)
    index = round(z / (stack.voxel_size_um.z or 1.0))
    return min(max(index, 0), stack.size("Z") - 1)


def _count(
    table: NDArray[np.int64], top: int, bottom: int, left: int, right: int
) -> int:
    lower, upper = table[bottom], table[top]
    return int(lower[right] - upper[right] - lower[left] + upper[left])


def _work(
    moving: Micrograph, others: list[str], depths: list[float], *, is_deep: bool
) -> list[tuple[AxesView, float, dict[str, int]]]:
    """Return source stack, position in it, and place in the result, for each plane."""
    found = []
    for place in positions(snapped_region(moving, None, {}), others):
        source = AxesView(moving.pixels, moving.axes, "ZYX", place)
        for index, depth in enumerate(depths):
            at = {**place, "Z": index} if is_deep else place
            found.append((source, depth, at))
    return found


def _wanted_depths(
    moving: Micrograph, fixed: Micrograph, transform: Transform
) -> tuple[list[float], bool]:
    """Return where in the moving stack each plane is taken; whether both are stacks."""
    step = moving.voxel_size_um.z or 1.0
    if moving.size("Z") == 1:
        return [0.0], False
    if fixed.size("Z") == 1:
        return [-transform.z_um / step], False
    own = fixed.voxel_size_um.z or 1.0
    count = fixed.size("Z")
    return [(i * own - transform.z_um) / step for i in range(count)], True
