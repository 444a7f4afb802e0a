"""Where the center of a measured PSF is, and how it comes to stand on a voxel."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from napari_gan_enhance.optics.psf_width import half_points

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

LOCAL = 0.35
"""Along an axis whose ends hold less light than this share of the brightest slice, the
center is the centroid of all light: that is what deconvolution keeps in place. Along Z
of a wide-field PSF each plane holds the same light, and its centroid says nothing."""

PASSES = 20
"""Centroids within a window around the last center; each pass gains a digit or more."""

SETTLED = 1e-4
"""Voxels; a move below it ends the passes."""

ON_VOXEL = 0.01
"""Voxels; nearer than that to a voxel or to the point between two, it is there."""

SPLINE_DEGREE = 5
"""Of the light summed up along an axis: of what falls on each voxel then 4."""

EDGE = 1e-6
"""Voxels that a window may lie outside by rounding."""


def center_of(psf: NDArray[np.float64]) -> tuple[float, ...]:
    """Return the center of the brightest spot, in voxels from the first voxel's center.

    Along each axis the centroid of all light in the largest window around it, or, where
    light does not fall off (`LOCAL`), the middle between the points of half maximum.

    Parameters
    ----------
    psf : ndarray, any axes
        Non-negative, on no background.
    """
    core = _core(psf)
    local = [_is_local(psf, axis) for axis in range(psf.ndim)]
    center = np.array([_half_center(psf, core, axis) for axis in range(psf.ndim)])
    for _ in range(PASSES):
        window = _window(psf.shape, center)
        weighted = psf.copy()
        for axis, weights in enumerate(window):
            weighted *= _along(weights, axis, psf.ndim)
        moved = center.copy()
        for axis in (a for a, is_local in enumerate(local) if is_local):
            light = weighted.sum(axis=_others(axis, psf.ndim))
            moved[axis] = _mean_place(light, center[axis], psf.shape[axis])
        settled = np.abs(moved - center).max() < SETTLED
        center = moved
        if settled:
            break
    return tuple(float(c) for c in center)


def room(shape: Sequence[int], center: Sequence[float]) -> tuple[float, ...]:
    """Return how far it is from the center to the nearer edge, in voxels."""
    return tuple(min(c + 0.5, n - 0.5 - c) for n, c in zip(shape, center, strict=True))


def regridded(
    psf: NDArray[np.float64], center: Sequence[float], ratios: Sequence[float]
) -> NDArray[np.float64]:
    """Put the center on a voxel, on a grid of another voxel size, of odd sizes.

    Light is interpolated as its sum along each axis, so that what falls on a larger
    voxel is added up, and a smaller one gets its share.

    Parameters
    ----------
    psf : ndarray, any axes
    center : sequence of float, voxels
    ratios : sequence of float, > 0
        New voxel size by the old, for each axis.

    Returns
    -------
    ndarray
        As large as fits into the old frame with the center in the middle.
    """
    rooms = room(psf.shape, center)
    for axis, (place, ratio, reach) in enumerate(
        zip(center, ratios, rooms, strict=True)
    ):
        half = max(0, int(np.floor(reach / ratio - 0.5 + EDGE)))
        steps = np.arange(2 * half + 2, dtype=np.float64) - half - 0.5
        edges = place + 0.5 + steps * ratio
        psf = _between(psf, axis, edges)
    return psf


def rounded_center(center: Sequence[float], shape: Sequence[int]) -> tuple[float, ...]:
    """Take a center for that of a voxel, or of the frame, where it is all but there."""
    found = []
    for place, size in zip(center, shape, strict=True):
        near = [p for p in (round(place), (size - 1) / 2) if abs(place - p) < ON_VOXEL]
        found.append(float(near[0]) if near else place)
    return tuple(found)


def _core(psf: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return the voxels around the peak that are above half of it."""
    from scipy.ndimage import gaussian_filter, label

    # A single noisy voxel is not the peak.
    smooth = gaussian_filter(psf, 0.7, mode="constant")
    peak = np.unravel_index(int(smooth.argmax()), psf.shape)
    labels, _ = label(smooth >= smooth[peak] / 2)
    return np.asarray(labels == labels[peak])


def _is_local(psf: NDArray[np.float64], axis: int) -> bool:
    light = psf.sum(axis=_others(axis, psf.ndim))
    return bool(max(light[0], light[-1]) < LOCAL * light.max())


def _half_center(psf: NDArray[np.float64], core: NDArray[np.bool_], axis: int) -> float:
    """Return the middle of the spot along an axis, from the lines that cross it."""
    others = _others(axis, psf.ndim)
    lines = core.any(axis=axis, keepdims=True)
    light = np.where(lines, psf, 0).sum(axis=others)
    found = half_points(light)
    if found is not None:
        return (found[0] + found[1]) / 2
    weights = np.maximum(light - light.max() / 2, 0)
    return float(weights @ np.arange(len(light)) / weights.sum())


def _window(
    shape: tuple[int, ...], center: NDArray[np.float64]
) -> list[NDArray[np.float64]]:
    """Return the share of each voxel in the largest window around the center."""
    found = []
    for size, place, reach in zip(
        shape, center, room(shape, [float(c) for c in center]), strict=True
    ):
        voxel = np.arange(size) - place
        share = np.clip(reach - np.abs(voxel) + 0.5, 0, 1)
        found.append(share)
    return found


def _mean_place(light: NDArray[np.float64], fallback: float, size: int) -> float:
    """Return the centroid of light along an axis, never outside the frame."""
    total = float(light.sum())
    if total <= 0:
        return fallback
    return float(np.clip(light @ np.arange(size) / total, 0, size - 1))


def _between(
    psf: NDArray[np.float64], axis: int, edges: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the light between the edges along an axis; voxel i reaches to i + 1."""
    from scipy.interpolate import make_interp_spline

    size = psf.shape[axis]
    first = round(float(edges[0]))
    if np.allclose(edges, first + np.arange(len(edges)), atol=EDGE, rtol=0):
        return psf.take(range(first, first + len(edges) - 1), axis=axis)
    degree = min(SPLINE_DEGREE, size if size % 2 else size - 1)
    start = np.zeros_like(psf.take([0], axis=axis))
    total = np.concatenate([start, psf.cumsum(axis=axis)], axis=axis)
    spline = make_interp_spline(np.arange(size + 1.0), total, k=degree, axis=axis)
    return np.asarray(np.diff(spline(np.clip(edges, 0, size)), axis=axis))


def _others(axis: int, axes: int) -> tuple[int, ...]:
    return tuple(a for a in range(axes) if a != axis)


def _along(values: NDArray[Any], axis: int, axes: int) -> NDArray[Any]:
    return values.reshape([-1 if a == axis else 1 for a in range(axes)])
