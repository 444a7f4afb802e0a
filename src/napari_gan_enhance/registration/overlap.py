r"""Where two images that are placed in the world overlap, turned ones included.

reference +--------------+      the grid of the reference is kept; of what the
          |   /\         |      result covers of it, a box is compared
          |  /+-+\       |
          | / | | \      |
          | \ +-+ /      |
          +--\  /--------+
              \/ result
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_gan_enhance.errors import InputError
from napari_gan_enhance.metrics.overlap import (
    SAME_GRID_PX,
    AxisMatch,
    Extent,
    Overlap,
    check_others,
    find_overlap,
    match_axis,
)
from napari_gan_enhance.registration.resample import inner_box, sampled

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from napari_gan_enhance.micrograph.micrograph import Micrograph

    Matrix = NDArray[np.float64]

MOST_POINTS = 1024
"""Along a side; of larger planes only so many points are asked whether the result
covers them. What lies between covered points is covered too."""


@dataclass(frozen=True, slots=True, eq=False)
class TurnedOverlap(Overlap):
    """The part of a reference that a turned or sheared result covers.

    Parameters
    ----------
    axes : mapping of "Z", "Y" and "X" to AxisMatch
    matrix : ndarray, shape (3, 3)
        From pixels of the result to pixels of the reference, in the plane.
    """

    matrix: Matrix

    @property
    def is_exact(self) -> bool:
        """Never: all pixels are interpolated."""
        return False

    def result_plane(
        self, result: Micrograph, place: Mapping[str, int]
    ) -> NDArray[Any]:
        """Read a plane of the result on the grid of the reference; cubic splines."""
        grid = np.eye(3)
        grid[:2, 2] = [self.axes[axis].reference.start for axis in "YX"]
        shape = self.size("Y"), self.size("X")
        return sampled(self.slab(result, place), self.matrix, shape, grid)


def world_overlap(
    result: Micrograph, reference: Micrograph, to_world: tuple[Matrix, Matrix]
) -> Overlap:
    """Return where two placed micrographs overlap.

    Parameters
    ----------
    result, reference : Micrograph
        Axes T, C and S have the same length in both.
    to_world : (matrix, matrix), each of shape (4, 4)
        From indices of Z, Y and X of the result, and of the reference, to µm. Of single
        planes Z is not looked at.

    Raises
    ------
    InputError
        If they do not overlap, or one is tilted out of the plane of the other.
    """
    flat = result.size("Z") == reference.size("Z") == 1
    matrices = [_flattened(m) if flat else m for m in to_world]
    relation = np.linalg.inv(matrices[1]) @ matrices[0]
    sizes = np.array([result.size(axis) for axis in "ZYX"])
    linear = relation[:3, :3]
    off = np.abs(linear - np.diag(np.diag(linear))) * sizes
    if (off < SAME_GRID_PX).all() and (np.diag(linear) > 0).all():
        unit = np.linalg.norm(matrices[1][:3, :3], axis=0)
        step = np.diag(linear)
        corner = relation[:3, 3] - step / 2 + 0.5
        extents = (
            Extent(_triple(step * unit), _triple(corner * unit)),
            Extent(_triple(unit)),
        )
        return find_overlap(result, reference, extents)
    check_others(result, reference)
    return _turned(result, reference, relation)


def _turned(result: Micrograph, reference: Micrograph, relation: Matrix) -> Overlap:
    linear = relation[:3, :3]
    if (
        np.abs([*linear[0, 1:], *linear[1:, 0]]).max() > SAME_GRID_PX
        or linear[0, 0] <= 0
    ):
        raise InputError(
            "One of the two stacks is tilted or upside down in Z against the other - "
            "planes are compared with planes - resample one of them first."
        )
    start = relation[0, 3] - linear[0, 0] / 2 + 0.5
    sizes = result.size("Z"), reference.size("Z")
    depth = match_axis(start, linear[0, 0], *sizes)
    plane = relation[np.ix_([1, 2, 3], [1, 2, 3])]
    rows, columns = _covered_box(result, reference, plane)
    if depth is None or rows.stop <= rows.start or columns.stop <= columns.start:
        raise InputError(
            "Result and reference do not overlap where they lie in the viewer - they "
            "must show a common place - move one of them, or align them first."
        )
    whole = {axis: slice(0, result.size(axis)) for axis in "YX"}
    axes = {
        "Z": depth,
        "Y": AxisMatch(rows, whole["Y"]),
        "X": AxisMatch(columns, whole["X"]),
    }
    return TurnedOverlap(axes, plane)


def _covered_box(
    result: Micrograph, reference: Micrograph, plane: Matrix
) -> tuple[slice, slice]:
    back = np.linalg.inv(plane)
    points = [
        np.arange(0, n, -(-n // MOST_POINTS))
        for n in (reference.size("Y"), reference.size("X"))
    ]
    covered = np.ones([len(p) for p in points], bool)
    for row, axis in enumerate("YX"):
        at = back[row, 0] * points[0][:, np.newaxis] + back[row, 1] * points[1]
        at += back[row, 2]
        covered &= (at >= 0) & (at <= result.size(axis) - 1)
    rows, columns = inner_box(covered)
    if rows.stop <= rows.start or columns.stop <= columns.start:
        return slice(0, 0), slice(0, 0)
    ends = [
        slice(int(p[part.start]), int(p[part.stop - 1]) + 1)
        for p, part in zip(points, (rows, columns), strict=True)
    ]
    return ends[0], ends[1]


def _flattened(matrix: Matrix) -> Matrix:
    """Return the matrix with nothing but a unit step along Z."""
    flat = matrix.copy()
    flat[0], flat[:, 0] = 0, 0
    flat[0, 0] = 1
    return flat


def _triple(values: Matrix) -> tuple[float, float, float]:
    z, y, x = values.tolist()
    return z, y, x
