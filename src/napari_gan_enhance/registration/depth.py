"""Match planes: where along Z a plane lies in a stack, or one stack in another."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_gan_enhance.progress import Job, Progress
from napari_gan_enhance.registration.canvas import canvas_of, seen_by
from napari_gan_enhance.registration.filtering import bandpassed

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_gan_enhance.registration.canvas import PlacedImage

SIDE = 256
"""Pixels along the longer side of what is compared: planes differ in what is in focus,
which shows at a few pixels of a usual camera already."""

LEAST_PLANES = 0.3
"""Share of the shorter stack that must face planes of the other one."""


def match_depth(
    moving: PlacedImage, fixed: PlacedImage, lateral: NDArray[np.float64]
) -> Job[float]:
    """Return the shift along Z, moving to fixed, at which planes correlate best.

    Parameters
    ----------
    moving, fixed : PlacedImage
        At least one a stack; a plane stands at its own Z of 0.
    lateral : ndarray, shape (3, 3)
        World to world in µm for Y and X, moving to fixed.

    Yields
    ------
    Progress
        After each plane.

    Returns
    -------
    float, µm
        Between planes by a parabola through the best and its neighbors.
    """
    side = max(max(p.pixels.shape[-2:]) * p.pixel_um for p in (moving, fixed))
    pixel_um = max(side / SIDE, moving.pixel_um, fixed.pixel_um)
    total = len(moving.z_um()) + len(fixed.z_um())
    targets, sources = [], []
    for index in range(len(fixed.z_um())):
        targets.append(bandpassed(canvas_of(fixed.plane(index), pixel_um)))
        yield Progress(len(targets), total, "matching planes")
    for index in range(len(moving.z_um())):
        canvas = bandpassed(canvas_of(moving.plane(index), pixel_um))
        seen = seen_by(targets[0], canvas, lateral)
        sources.append(np.nan_to_num(seen).ravel())
        yield Progress(len(targets) + len(sources), total, "matching planes")
    flat = np.stack([t.values.ravel() for t in targets])
    table = _normalized(np.stack(sources)) @ _normalized(flat).T
    return _best_shift(table, moving.z_um(), fixed.z_um())


def _normalized(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    norms = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.maximum(norms, np.finfo(np.float32).tiny))


def _best_shift(
    table: NDArray[np.float32], moving: NDArray[np.float64], fixed: NDArray[np.float64]
) -> float:
    """Return the shift with the best mean of the correlations of facing planes.

    Parameters
    ----------
    table : ndarray, shape (moving planes, fixed planes)
    moving, fixed : ndarray, µm
        Where the planes stand, evenly spaced.
    """
    steps = [abs(float(z[1] - z[0])) for z in (moving, fixed) if len(z) > 1]
    step = min(s for s in steps if s > 0)
    first, last = fixed.min() - moving.max(), fixed.max() - moving.min()
    shifts = np.arange(first, last + step / 2, step)
    least = max(1.0, LEAST_PLANES * min(len(moving), len(fixed)))
    scores = np.array([_score(table, moving + s, fixed, least) for s in shifts])
    best = int(np.argmax(scores))
    if not 0 < best < len(shifts) - 1:
        return float(shifts[best])
    before, peak, after = scores[best - 1 : best + 2]
    bend = before - 2 * peak + after
    if not np.isfinite(bend) or bend >= 0:
        return float(shifts[best])
    return float(shifts[best] + step * 0.5 * (before - after) / bend)


def _score(
    table: NDArray[np.float32],
    moved: NDArray[np.float64],
    fixed: NDArray[np.float64],
    least: float,
) -> float:
    """Return the mean correlation of planes that face each other."""
    order = np.argsort(fixed)
    low, high = fixed.min() - 1e-6, fixed.max() + 1e-6
    facing = [
        float(np.interp(z, fixed[order], table[row, order]))
        for row, z in enumerate(moved)
        if low <= z <= high
    ]
    # A coarser moving stack faces more fixed planes than it has.
    return float(np.mean(facing)) if len(facing) >= min(least, len(moved)) else -np.inf
