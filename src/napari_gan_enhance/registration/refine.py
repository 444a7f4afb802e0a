"""Refine a transform by Gauss-Newton steps on all pixels.

Inverse compositional form of Lucas and Kanade's method (Baker and Matthews (2004),
doi:10.1023/B:VISI.0000011205.11775.fd, section 3.2): the change is sought on the side
of the fixed image, so that gradients and normal equations are set up once, and a step
costs one interpolation of the moving image. The gain between the two images is fitted
in every step; both must be free of background, as `filtering` makes them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np

from napari_gan_enhance.registration.canvas import seen_by

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from napari_gan_enhance.registration.canvas import Canvas

    Matrix = NDArray[np.float64]

TransformKind: TypeAlias = Literal["translation", "rigid", "similarity", "affine"]

SETTLED_PX = 2e-3
"""A step that moves no corner further ends the refinement; far below what noise lets
one find."""

MOST_STEPS = 15

LEAST_INSIDE = 0.05
"""Share of the fixed pixels that the moving image must still cover."""


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a refinement.

    Parameters
    ----------
    matrix : ndarray, shape (3, 3)
        World to world in µm, moving to fixed.
    correlation : float, -1 to 1
        Where both images are, before the step; NaN where they hardly overlap.
    """

    matrix: Matrix
    correlation: float


def refine(
    moving: Canvas, fixed: Canvas, matrix: Matrix, kind: TransformKind
) -> Iterator[Step]:
    """Yield ever better transforms; the last is the result.

    Parameters
    ----------
    moving, fixed : Canvas
        Band-passed, of one pixel size.
    matrix : ndarray, shape (3, 3)
        Where to begin: a few pixels off at most.
    kind : "translation", "rigid", "similarity" or "affine"
        What may change; the rest stays as in `matrix`.

    Yields
    ------
    Step
    """
    back = np.linalg.inv(fixed.to_world)
    basis = _basis(kind)
    center, radius = _frame(fixed.values.shape)
    descent = _Descent(fixed, basis, center, radius)
    for _ in range(MOST_STEPS):
        found, correlation = descent.step(moving, matrix)
        change = _change(basis, found, center, radius)
        matrix = fixed.to_world @ change @ back @ matrix
        yield Step(matrix, correlation)
        if not _moved(change, fixed.values.shape) > SETTLED_PX:
            return


class _Descent:
    """Normal equations of one fixed image."""

    def __init__(
        self, fixed: Canvas, basis: Matrix, center: Matrix, radius: float
    ) -> None:
        self._fixed = fixed
        shape = fixed.values.shape
        slopes = np.gradient(fixed.values)
        rows = ((np.arange(shape[0]) - center[0]) / radius).astype("f4")[:, None]
        columns = ((np.arange(shape[1]) - center[1]) / radius).astype("f4")[None]
        # How the fixed image changes with each of the six numbers of an affine change.
        images = [
            slope * factor
            for slope in slopes
            for factor in (np.float32(1), rows, columns)
        ]
        weights = basis.astype("f4")
        self._descent = np.stack(
            [
                sum(w * i for w, i in zip(row, images, strict=True) if w)
                for row in weights
            ]
        ).reshape(len(basis), -1)

    def step(self, moving: Canvas, matrix: Matrix) -> tuple[Matrix, float]:
        """Return the best change of the fixed side, and the present correlation."""
        seen = seen_by(self._fixed, moving, matrix)
        valid = np.isfinite(seen) & self._fixed.inside
        if valid.mean() < LEAST_INSIDE:
            return np.zeros(len(self._descent)), float("nan")
        seen = np.where(valid, seen, 0).ravel()
        target = np.where(valid, self._fixed.values, 0).ravel()
        power, cross = float(seen @ seen), float(seen @ target)
        if not power > 0 or not cross > 0:
            return np.zeros(len(self._descent)), float("nan")
        descent = self._descent if valid.all() else self._descent * valid.ravel()
        wanted = descent @ (seen * (cross / power) - target)
        change = np.linalg.lstsq(descent @ descent.T, wanted, rcond=None)[0]
        return change, cross / np.sqrt(power * float(target @ target))


def _basis(kind: TransformKind) -> Matrix:
    """Return the allowed changes as combinations of those of an affine change.

    Columns: shift y, y from y, y from x, shift x, x from y, x from x.
    """
    shift_y, shift_x = [1, 0, 0, 0, 0, 0], [0, 0, 0, 1, 0, 0]
    turn, grow = [0, 0, -1, 0, 1, 0], [0, 1, 0, 0, 0, 1]
    rows = {
        "translation": [shift_y, shift_x],
        "rigid": [shift_y, shift_x, turn],
        "similarity": [shift_y, shift_x, turn, grow],
        "affine": np.eye(6),
    }
    return np.array(rows[kind], dtype=float)


def _frame(shape: tuple[int, ...]) -> tuple[Matrix, float]:
    """Return the center and half the longer side: all numbers become pixels."""
    return (np.array(shape) - 1) / 2, max(shape) / 2


def _change(basis: Matrix, found: Matrix, center: Matrix, radius: float) -> Matrix:
    """Return the change of the fixed side as a matrix on its indices."""
    numbers = (found @ basis).reshape(2, 3)
    change = np.eye(3)
    change[:2, :2] += numbers[:, 1:] / radius
    if np.allclose(basis.sum(axis=0)[[1, 5]], 0) and len(basis) == 3:
        change[:2, :2] = _nearest_rotation(change[:2, :2])
    change[:2, 2] = numbers[:, 0] + center - change[:2, :2] @ center
    return change


def _nearest_rotation(matrix: Matrix) -> Matrix:
    """Return the rotation nearest to a matrix: a small turn is one to first order."""
    left, _, right = np.linalg.svd(matrix)
    return np.asarray(left @ right)


def _moved(change: Matrix, shape: tuple[int, ...]) -> float:
    ends = [0.0, 1.0]
    corners = np.array([[y * shape[0], x * shape[1], 1] for y in ends for x in ends])
    return float(np.linalg.norm(corners @ (change - np.eye(3)).T, axis=1).max())
