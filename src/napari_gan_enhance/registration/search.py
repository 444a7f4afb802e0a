"""Find rotation, scale and shift from nothing: try them all on thumbnails.

A thumbnail is so small that a pose costs a millisecond; all shifts of a pose come from
one Fourier transform. The correlation over all poses is also what the best one is
judged by: unrelated images have a best pose too.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import fft

from napari_gan_enhance.progress import Job, Progress
from napari_gan_enhance.registration.canvas import warped
from napari_gan_enhance.registration.filtering import bandpassed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from napari_gan_enhance.registration.canvas import Canvas

THUMBNAIL = 128
"""Pixels along the longer side of the larger image."""

ANGLES = tuple(np.arange(-9.0, 9.1, 1.5))
SCALES = tuple(np.arange(0.85, 1.151, 0.03))
"""Degrees and ratios tried first: steps of one pixel at the rim of a thumbnail, up to
what two stages mounted with care differ by."""

ALL_ANGLES = tuple(np.arange(-180.0, 180.0, 1.5))
ALL_SCALES = (0.9, 0.95, 1.0, 1.05, 1.1)
"""Tried where the first find nothing: cameras may be mounted at any angle."""

SKIP = 2
"""Every so many of the poses tried first are tried at once; the others only around the
best of these: a step of two pixels at the rim still correlates."""

BEST = 2
"""Poses whose neighbors are tried."""

REPORT_EVERY = 40
"""Poses between two reports: about 50 ms."""


@dataclass(frozen=True, slots=True)
class Pose:
    """Rotation, scale and shift of the moving image, and how well they correlate.

    Parameters
    ----------
    matrix : ndarray, shape (3, 3)
        World to world in µm, moving to fixed.
    correlation : float, -1 to 1
        Of the thumbnails.
    """

    matrix: NDArray[np.float64]
    correlation: float


def search_pose(
    moving: Canvas,
    fixed: Canvas,
    angles: Sequence[float] = ANGLES,
    scales: Sequence[float] = SCALES,
    *,
    skip: int = SKIP,
) -> Job[Pose]:
    """Return the pose of the moving thumbnail that correlates best.

    Parameters
    ----------
    moving, fixed : Canvas
        Of one pixel size; about `THUMBNAIL` pixels.
    angles : sequence of float, degrees
        From the row axis to the column axis of the world; evenly spaced.
    scales : sequence of float, > 0
    skip : int, >= 1
        Try each so many angles and scales, then those between around the best.

    Yields
    ------
    Progress
    """
    thumbnails = _Thumbnails(moving, fixed, angles, scales)
    last = len(angles) - 1, len(scales) - 1
    first = itertools.product(range(0, last[0] + 1, skip), range(0, last[1] + 1, skip))
    poses: dict[tuple[int, int], Pose] = {}
    todo = list(first)
    between = range(1 - skip, skip)
    while todo:
        for done, at in enumerate(todo, start=1):
            poses[at] = thumbnails.pose(angles[at[0]], scales[at[1]])
            if done % REPORT_EVERY == 0:
                yield Progress(done, len(todo), "searching the pose")
        best = sorted(poses, key=lambda at: -poses[at].correlation)
        near = {
            (min(max(i + y, 0), last[0]), min(max(j + x, 0), last[1]))
            for i, j in best[:BEST]
            for y, x in itertools.product(between, between)
        }
        todo = sorted(near - poses.keys())
    return poses[best[0]]


class _Thumbnails:
    """Two thumbnails, one of which is turned and scaled.

    Parameters
    ----------
    moving, fixed : Canvas
    angles, scales : sequence of float
        All that may be asked for.
    """

    def __init__(
        self,
        moving: Canvas,
        fixed: Canvas,
        angles: Sequence[float],
        scales: Sequence[float],
    ) -> None:
        self._canvases = moving, fixed
        self._source = bandpassed(moving).values
        self._target = bandpassed(fixed).values
        turns = np.deg2rad(angles)
        # Of a turned square's sides: what is added must not reach around the border.
        wider = max(scales) * float(
            (np.abs(np.cos(turns)) + np.abs(np.sin(turns))).max()
        )
        longest = max(self._source.shape) * wider + 2
        self._shape = [
            fft.next_fast_len(n + int(np.ceil(longest)), real=True)
            for n in self._target.shape
        ]
        self._spectrum = fft.rfft2(self._target, self._shape)
        self._energy = float((self._target**2).sum())

    def pose(self, angle: float, scale: float) -> Pose:
        """Return the best pose of one angle and scale: all shifts are tried."""
        turn = rotation(angle) * scale
        turned, low = _turned(self._source, turn)
        product = self._spectrum * fft.rfft2(turned, self._shape).conj()
        surface = fft.irfft2(product, self._shape)
        found = int(surface.argmax())
        norm = np.sqrt(self._energy * float((turned**2).sum())) + np.finfo(float).tiny
        at = np.array(np.unravel_index(found, surface.shape), dtype=float)
        shift = np.where(at < self._target.shape, at, at - self._shape)
        matrix = _world_pose(turn, shift - low, *self._canvases)
        return Pose(matrix, float(surface.flat[found] / norm))


def rotation(degrees: float) -> NDArray[np.float64]:
    """Return the rotation that turns the row axis towards the column axis."""
    turn = np.deg2rad(degrees)
    cosine, sine = np.cos(turn), np.sin(turn)
    return np.array([[cosine, -sine], [sine, cosine]])


def _turned(
    image: NDArray[np.float32], turn: NDArray[np.float64]
) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """Return a turned image, and turn @ index of what became its first pixel."""
    ends = np.array(image.shape) - 1.0
    corners = np.array([[y, x] for y in (0, ends[0]) for x in (0, ends[1])]) @ turn.T
    low = np.floor(corners.min(axis=0))
    shape = tuple(np.ceil(corners.max(axis=0) - low).astype(int) + 1)
    back = np.linalg.inv(turn)
    values = warped(image, back, back @ low, shape)
    return np.nan_to_num(values, copy=False), low


def _world_pose(
    turn: NDArray[np.float64], shift: NDArray[np.float64], moving: Canvas, fixed: Canvas
) -> NDArray[np.float64]:
    """Return index -> turn @ index + shift between canvases as a world matrix."""
    between = np.eye(3)
    between[:2, :2], between[:2, 2] = turn, shift
    return np.asarray(fixed.to_world @ between @ np.linalg.inv(moving.to_world))
