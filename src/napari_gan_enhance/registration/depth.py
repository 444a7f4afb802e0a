"""Match planes: where along Z a plane lies in a stack, or one stack in another."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_gan_enhance.progress import Job, Progress
from napari_gan_enhance.registration.canvas import canvas_of, seen_by
from napari_gan_enhance.registration.filtering import band_of, contrast_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_gan_enhance.registration.canvas import Canvas, PlacedImage

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
        After each plane, twice: its place, and what of it is compared.

    Returns
    -------
    float, µm
        Between planes by a parabola through the best and its neighbors.
    """
    side = max(max(p.pixels.shape[-2:]) * p.pixel_um for p in (moving, fixed))
    pixel_um = max(side / SIDE, moving.pixel_um, fixed.pixel_um)
    planes = [(p, index) for p in (fixed, moving) for index in range(len(p.z_um()))]
    canvases: list[Canvas] = []
    for image, index in planes:
        canvases.append(canvas_of(image.plane(index), pixel_um))
        yield Progress(len(canvases), 2 * len(planes), "matching planes")
    targets, sources = canvases[: len(fixed.z_um())], canvases[len(fixed.z_um()) :]
    still, seen = [], []
    # One contrast for each image: empty planes must not look as full as others.
    contrast = contrast_of(targets)
    for target in targets:
        still.append(band_of(target, contrast).values.ravel())
        yield Progress(len(planes) + len(still), 2 * len(planes), "matching planes")
    contrast = contrast_of(sources)
    for source in sources:
        clear = seen_by(targets[0], band_of(source, contrast), lateral)
        seen.append(np.nan_to_num(clear).ravel())
        done = len(planes) + len(still) + len(seen)
        yield Progress(done, 2 * len(planes), "matching planes")
    return _best_shift(np.stack(seen), np.stack(still), moving.z_um(), fixed.z_um())


def _best_shift(
    seen: NDArray[np.float32],
    still: NDArray[np.float32],
    moving: NDArray[np.float64],
    fixed: NDArray[np.float64],
) -> float:
    """Return the shift at which the volumes that face each other correlate best.

    Parameters
    ----------
    seen, still : ndarray, shape (planes, pixels)
        Of the moving and the fixed image.
    moving, fixed : ndarray, µm
        Where the planes stand, evenly spaced.
    """
    steps = [abs(float(z[1] - z[0])) for z in (moving, fixed) if len(z) > 1]
    step = min(s for s in steps if s > 0)
    first, last = fixed.min() - moving.max(), fixed.max() - moving.min()
    shifts = np.arange(first, last + step / 2, step)
    products = seen @ still.T, (seen**2).sum(axis=1), (still**2).sum(axis=1)
    spacing = steps[-1] if len(fixed) > 1 else step
    scores = np.array([_score(products, moving + s, fixed, spacing) for s in shifts])
    best = int(np.argmax(scores))
    if not 0 < best < len(shifts) - 1:
        return float(shifts[best])
    before, peak, after = scores[best - 1 : best + 2]
    bend = before - 2 * peak + after
    if not np.isfinite(bend) or bend >= 0:
        return float(shifts[best])
    return float(shifts[best] + step * 0.5 * (before - after) / bend)


def _score(
    products: tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]],
    moved: NDArray[np.float64],
    fixed: NDArray[np.float64],
    spacing: float,
) -> float:
    """Return the correlation of all planes that face each other, as one volume.

    A mean over planes would rise as empty ones leave the overlap.

    Parameters
    ----------
    products : (ndarray, ndarray, ndarray)
        Of moving with fixed planes, and of each with itself.
    moved, fixed : ndarray, µm
    spacing : float, µm
        Of the fixed planes; between two of them lies their weighted mean.
    """
    faces = (moved >= fixed.min() - 1e-6) & (moved <= fixed.max() + 1e-6)
    least = max(1.0, LEAST_PLANES * min(len(moved), len(fixed)))
    if faces.sum() < least:
        return -np.inf
    apart = np.abs(moved[faces, None] - fixed) / spacing
    weights = np.clip(1 - apart, 0, None)
    cross, own, other = products
    energy = own[faces].sum() * (weights @ other).sum()
    return float((weights * cross[faces]).sum() / np.sqrt(max(energy, 1e-30)))
