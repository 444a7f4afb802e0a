"""Distill a point spread function from a stack of beads."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np

from napari_gan_enhance.errors import InputError
from napari_gan_enhance.micrograph.micrograph import VoxelSize
from napari_gan_enhance.optics.psf import point_spread_function, psf_shape
from napari_gan_enhance.optics.psf_centering import center_of, regridded
from napari_gan_enhance.optics.psf_repair import (
    border_level,
    is_saturated,
    light_only,
    repaired,
)
from napari_gan_enhance.optics.psf_voxels import checked_voxel
from napari_gan_enhance.optics.psf_width import fwhm_um

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from napari_gan_enhance.micrograph.micrograph import PixelArray

Reason: TypeAlias = Literal["near_edge", "near_other", "saturated", "faint"]

SEARCH_UM = (0.6, 0.3, 0.3)
"""How far from a point its bead is looked for, along (z, y, x), in µm."""

WINDOW_UM = (3.0, 1.5, 1.5)
"""Window without optics, along (z, y, x), in µm."""

WINDOW_SHARE = 0.5
"""Largest default window as a share of the stack: in a larger one few beads fit."""

SHARES = (1.0, 0.7, 0.5)
"""Of the default window along Y and X, tried until a bead stands alone in it."""

LEAST_SIGNAL = 5.0
"""Standard deviations of the background that a bead's peak must stand above it."""

OTHER_PEAK = 0.35
"""Share of the peak above which a second spot in the window is another bead."""

MOST_OFF_UM = (0.2, 0.08, 0.08)
"""How far the center of light may be from the brightest voxel, along (z, y, x), in µm;
a voxel is always allowed. Farther, something else in the window draws it."""


@dataclass(frozen=True, slots=True, eq=False)
class BeadPsf:
    """A PSF averaged over beads.

    Parameters
    ----------
    values : ndarray, axes of the stack, odd, float32
        Non-negative, centered, sum 1.
    voxel_size_um : VoxelSize
        Of the stack.
    used : int
        Beads in the average.
    fwhm_um : tuple of float or None, µm
        (z, y, x) or (y, x), measured; None where it cannot be.
    theory_um : tuple of float or None, µm
        The same of the PSF computed for these voxels; None without optics.
    notes : tuple of str
        Sentences for the user: what was dropped and repaired.
    """

    values: NDArray[np.float32]
    voxel_size_um: VoxelSize
    used: int
    fwhm_um: tuple[float | None, ...]
    theory_um: tuple[float | None, ...]
    notes: tuple[str, ...]


def distill_psf(
    stack: PixelArray,
    points: Sequence[Sequence[float]],
    voxel_size_um: Sequence[float | None],
    *,
    numerical_aperture: float | None = None,
    immersion_index: float | None = None,
    emission_nm: float | None = None,
    shape: Sequence[int] | None = None,
) -> BeadPsf:
    """Average beads to one point spread function.

    Each point is moved to the brightest spot near it. Beads nearer than half the
    window to the edge of the stack or to another bead are dropped, and so are saturated
    and faint ones. Those left are cut out, freed of their background, shifted by parts
    of a voxel until their centers agree, weighted by their light, and averaged.

    Parameters
    ----------
    stack : numpy, dask or zarr array, axes (Z, Y, X) or (Y, X), any real dtype
        Only windows around the points are read.
    points : sequence of (z, y, x) or (y, x), pixels
        One for each bead, near its center; pixel centers have whole numbers.
    voxel_size_um : (z, y, x) or (y, x), µm
    numerical_aperture, immersion_index, emission_nm : float or None
        For the theory and the default of `shape`.
    shape : sequence of int, odd, or None
        Of the window; None takes what theory needs, or without optics 1.5 µm along
        Y and X, and 3 µm along Z, and down to half of it along Y and X where no bead
        stands alone in more.

    Returns
    -------
    BeadPsf

    Raises
    ------
    InputError
        If no bead is left, or points, voxel size or shape do not fit the stack.
    """
    voxel = checked_voxel(voxel_size_um, len(stack.shape))
    optics = _optics(numerical_aperture, immersion_index, emission_nm)
    spots = _spots(stack, points, voxel)
    for half in _windows(stack.shape, voxel, optics, shape):
        total, dropped, used = np.zeros([2 * n + 1 for n in half]), Counter[Reason](), 0
        for spot in spots:
            bead = _bead(stack, spot, half, voxel, spots)
            if isinstance(bead, str):
                dropped[bead] += 1
            else:
                total, used = total + bead, used + 1
        if used:
            break
    _check_used(used, dropped)
    measured = repaired(total, "average of beads", center=half)
    theory: tuple[float | None, ...] = (None,) * len(voxel)
    if optics:
        computed = point_spread_function(measured.values.shape, voxel, **optics)
        theory = fwhm_um(computed, voxel)
    return BeadPsf(
        measured.values,
        VoxelSize(*(None,) * (3 - len(voxel)), *voxel),
        used,
        fwhm_um=fwhm_um(measured.values, voxel),
        theory_um=theory,
        notes=(_counted(used, dropped), *measured.notes),
    )


WORDS: dict[Reason, str] = {
    "near_edge": "too near to the edge",
    "near_other": "too near to another",
    "saturated": "saturated",
    "faint": "too faint",
}


def _optics(
    na: float | None, index: float | None, emission_nm: float | None
) -> dict[str, Any]:
    """Return the optics, or nothing where one number is missing."""
    if na is None or index is None or emission_nm is None:
        return {}
    return {
        "numerical_aperture": na,
        "immersion_index": index,
        "emission_nm": emission_nm,
    }


def _windows(
    stack: tuple[int, ...],
    voxel: tuple[float, ...],
    optics: dict[str, Any],
    shape: Sequence[int] | None,
) -> list[tuple[int, ...]]:
    """Return half sizes of the windows to try, the one that is wanted first."""
    if shape is not None:
        sizes = tuple(shape)
        if len(sizes) != len(stack) or any(n < 3 or n % 2 == 0 for n in sizes):
            raise InputError(
                f"A window of {sizes} voxels does not fit a stack of {stack} - it has "
                "as many axes, and odd sizes from 3 on - correct it."
            )
        return [tuple(n // 2 for n in sizes)]
    most = tuple(max(3, int(n * WINDOW_SHARE)) for n in stack)
    if optics:
        half = tuple(n // 2 for n in psf_shape(most, voxel, **optics))
    else:
        wanted = _voxels(WINDOW_UM, voxel)
        half = tuple(min(n, w) // 2 for n, w in zip(most, wanted, strict=True))
    return [
        (*half[:-2], *(max(1, round(n * share)) for n in half[-2:])) for share in SHARES
    ]


def _spots(
    stack: PixelArray, points: Sequence[Sequence[float]], voxel: tuple[float, ...]
) -> list[tuple[int, ...]]:
    """Return the brightest voxel near each point; each bead once."""
    reach = _voxels(SEARCH_UM, voxel)
    found: dict[tuple[int, ...], None] = {}
    for point in points:
        if len(point) != len(voxel) or not np.isfinite(point).all():
            raise InputError(
                f"Point {tuple(point)} does not fit a stack of {tuple(stack.shape)} - "
                f"it has {len(voxel)} coordinates in pixels - pick beads in the stack."
            )
        spot = tuple(round(float(p)) for p in point)
        if all(0 <= p < n for p, n in zip(spot, stack.shape, strict=True)):
            # Twice, so that a point beside a bead comes to its top.
            spot = _brightest(stack, _brightest(stack, spot, reach), reach)
        found[spot] = None
    return list(found)


def _brightest(
    stack: PixelArray, spot: tuple[int, ...], reach: Sequence[int]
) -> tuple[int, ...]:
    from scipy.ndimage import gaussian_filter

    low = [max(0, p - r) for p, r in zip(spot, reach, strict=True)]
    box = tuple(slice(a, p + r + 1) for a, p, r in zip(low, spot, reach, strict=True))
    smooth = gaussian_filter(np.asarray(stack[box], np.float64), 0.7)
    peak = np.unravel_index(int(smooth.argmax()), smooth.shape)
    return tuple(a + int(p) for a, p in zip(low, peak, strict=True))


def _bead(
    stack: PixelArray,
    spot: tuple[int, ...],
    half: tuple[int, ...],
    voxel: tuple[float, ...],
    spots: Sequence[tuple[int, ...]],
) -> NDArray[np.float64] | Reason:
    """Return a bead without background, centered in its window; or why not."""
    margin = _voxels(MOST_OFF_UM, voxel)
    reach = [n + m for n, m in zip(half, margin, strict=True)]
    sides = list(zip(spot, reach, stack.shape, strict=True))
    if any(p - r < 0 or p + r >= n for p, r, n in sides):
        return "near_edge"
    raw = np.asarray(stack[tuple(slice(p - r, p + r + 1) for p, r, _ in sides)])
    window = raw.astype(np.float64)
    level, noise = border_level(window)
    window -= level
    reason = _unfit(raw, window, noise)
    if reason is None and any(_is_inside(o, spot, half) for o in spots if o != spot):
        reason = "near_other"
    if reason is not None:
        return reason
    # Near the spot only: noise far from it has a long lever.
    near = [min(n, m) for n, m in zip(reach, _voxels(SEARCH_UM, voxel), strict=True)]
    core = light_only(_middle(window, near), noise)
    offset = [c - n for c, n in zip(center_of(core), near, strict=True)]
    if any(abs(o) > m for o, m in zip(offset, margin, strict=True)):
        return "near_other"
    center = [r + o for r, o in zip(reach, offset, strict=True)]
    return _middle(regridded(window, center, (1.0,) * window.ndim), half)


def _voxels(lengths_um: tuple[float, ...], voxel: tuple[float, ...]) -> list[int]:
    """Return lengths along the last axes in voxels, at least 1."""
    lengths = lengths_um[-len(voxel) :]
    return [max(1, round(a / b)) for a, b in zip(lengths, voxel, strict=True)]


def _unfit(
    raw: NDArray[Any], window: NDArray[np.float64], noise: float
) -> Reason | None:
    from scipy.ndimage import gaussian_filter, label

    is_full = raw.dtype.kind in "iu" and raw.max() == np.iinfo(raw.dtype).max
    if is_full or is_saturated(window):
        return "saturated"
    smooth = gaussian_filter(window, 0.7)
    middle = tuple(n // 2 for n in window.shape)
    if smooth[middle] < LEAST_SIGNAL * noise or smooth[middle] <= 0:
        return "faint"
    count = label(smooth > OTHER_PEAK * smooth[middle])[1]
    return "near_other" if count > 1 else None


def _is_inside(
    other: tuple[int, ...], spot: tuple[int, ...], half: tuple[int, ...]
) -> bool:
    return all(abs(a - b) <= h for a, b, h in zip(other, spot, half, strict=True))


def _middle(centered: NDArray[np.float64], half: Sequence[int]) -> NDArray[np.float64]:
    """Cut the window out of the middle."""
    return centered[
        tuple(
            slice(n // 2 - h, n // 2 + h + 1)
            for n, h in zip(centered.shape, half, strict=True)
        )
    ]


def _counted(used: int, dropped: Counter[Reason]) -> str:
    total = used + sum(dropped.values())
    listed = [f"{dropped[r]} {words}" for r, words in WORDS.items() if dropped[r]]
    why = f"; left out: {', '.join(listed)}" if listed else ""
    return f"{used} of {total} beads were averaged{why}."


def _check_used(used: int, dropped: Counter[Reason]) -> None:
    if not used:
        raise InputError(
            f"{_counted(used, dropped)[:-1]} - at least one must stand alone, "
            "unsaturated and within the stack - mark other beads."
        )
