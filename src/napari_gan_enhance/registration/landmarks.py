"""A transform from points that were set by hand in both images."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_gan_enhance.errors import InputError
from napari_gan_enhance.registration.transform import Transform

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_gan_enhance.registration.refine import TransformKind

LEAST_POINTS = {"translation": 1, "rigid": 2, "similarity": 2, "affine": 3}
"""Points that fix a transform in the plane."""

ON_ONE_LINE = 1e-3
"""Ratio of the extents of the points below which they lie on one line (or spot)."""


def fit_landmarks(
    moving: NDArray[np.float64], fixed: NDArray[np.float64], kind: TransformKind
) -> Transform:
    """Return the transform that brings landmarks together, by least squares.

    Rotation and scale follow Umeyama (1991), doi:10.1109/34.88573, equations 40 to 43.
    Along Z, where points have one, only the mean shift is fitted: the planes of both
    stacks are parallel.

    Parameters
    ----------
    moving, fixed : ndarray, shape (n, 2) or (n, 3), float64, µm
        (Z,) Y, X of the same points in the world of each image.
    kind : "translation", "rigid", "similarity" or "affine"

    Returns
    -------
    Transform
        `details["landmarks_um"]` holds the residual of each point, `residual_um` their
        root mean square.

    Raises
    ------
    InputError
        If there are too few points, not as many in both, or they lie on one line.
    """
    _check(moving, fixed, kind)
    source, target = moving[:, -2:], fixed[:, -2:]
    centers = source.mean(axis=0), target.mean(axis=0)
    linear = _linear(source - centers[0], target - centers[1], kind)
    n = moving.shape[1]
    matrix = np.eye(n + 1)
    matrix[-3:-1, -3:-1] = linear
    matrix[-3:-1, -1] = centers[1] - linear @ centers[0]
    if n == 3:
        matrix[0, 3] = float(np.mean(fixed[:, 0] - moving[:, 0]))
    off = residuals_um(matrix, moving, fixed)
    rms = round(float(np.sqrt(np.mean(off**2))), 6)
    details = {"landmarks_um": [round(float(v), 6) for v in off]}
    return Transform(matrix, kind, rms, "landmarks", details)


def residuals_um(
    matrix: NDArray[np.float64],
    moving: NDArray[np.float64],
    fixed: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Return how far each landmark ends from its partner, shape (n,), µm."""
    moved = moving @ matrix[:-1, :-1].T + matrix[:-1, -1]
    return np.asarray(np.linalg.norm(moved - fixed, axis=1))


def _check(
    moving: NDArray[np.float64], fixed: NDArray[np.float64], kind: TransformKind
) -> None:
    need = LEAST_POINTS[kind]
    if moving.shape != fixed.shape or len(moving) < need:
        raise InputError(
            f"{len(moving)} landmarks in the moving and {len(fixed)} in the fixed "
            f"image do not fix a transform of kind {kind!r} - at least {need} are "
            "needed, as many in both - set the missing ones."
        )
    for points in (moving, fixed):
        extents = np.linalg.svd(points[:, -2:] - points[:, -2:].mean(0))[1]
        is_line = len(points) > 2 and extents[-1] < ON_ONE_LINE * extents[0]
        is_spot = need > 1 and extents[0] <= 0
        if is_spot or (kind == "affine" and is_line):
            raise InputError(
                f"The landmarks lie on one line or spot - for a transform of kind "
                f"{kind!r} they must be spread out - set more, or allow less."
            )


def _linear(
    source: NDArray[np.float64], target: NDArray[np.float64], kind: TransformKind
) -> NDArray[np.float64]:
    if kind == "translation":
        return np.eye(2)
    if kind == "affine":
        return np.asarray(np.linalg.lstsq(source, target, rcond=None)[0].T)
    left, sizes, right = np.linalg.svd(target.T @ source)
    signs = np.array([1.0, np.sign(np.linalg.det(left @ right))])
    turn = left @ np.diag(signs) @ right
    if kind == "rigid":
        return np.asarray(turn)
    return np.asarray(turn * float(sizes @ signs) / float((source**2).sum()))
