"""How far two aligned images are off, block by block."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

BLOCK = 64
"""Side of a block in pixels: smaller ones hold too little to be told apart."""

UPSAMPLING = 20
"""Shifts are found to a twentieth of a pixel."""

LEAST_CORRELATION = 0.5
"""Blocks of a 512² pair of unrelated images of filaments or nuclei reach 0.3 once
shifted for the best fit; what lies below says nothing about alignment."""

MOST_SHIFT = 0.125
"""Share of a block; a larger shift is a block that was not found again."""


@dataclass(frozen=True, slots=True, eq=False)
class LocalShifts:
    """Shift of each block of the moving image that would bring it into place.

    Parameters
    ----------
    shift_um : ndarray, shape (rows, columns, 2), float64, µm
        (Y, X); NaN where the blocks do not correlate.
    correlation : ndarray, shape (rows, columns), float64, -1 to 1
        After the shift; NaN where a block is empty.
    block_um : float, µm
        Side of a block.
    origin_um : ndarray, shape (2,), µm
        World position of the first block's center.
    """

    shift_um: NDArray[np.float64]
    correlation: NDArray[np.float64]
    block_um: float
    origin_um: NDArray[np.float64]

    @property
    def distance_um(self) -> NDArray[np.float64]:
        """Length of each shift; NaN where nothing is known."""
        return np.asarray(np.linalg.norm(self.shift_um, axis=-1))

    @property
    def rms_um(self) -> float | None:
        """Root mean square of all shifts; None where no block correlates."""
        known = self.distance_um[np.isfinite(self.distance_um)]
        return float(np.sqrt(np.mean(known**2))) if known.size else None


def local_shifts(
    moving: NDArray[np.float32],
    fixed: NDArray[np.float32],
    inside: NDArray[np.bool_],
    pixel_um: float,
    origin_um: NDArray[np.float64],
) -> LocalShifts:
    """Measure the shift of every block by cross correlation.

    Parameters
    ----------
    moving, fixed : ndarray, shape (Y, X), float32
        On one grid, free of background.
    inside : ndarray, shape (Y, X), bool
        Where both are; blocks not wholly inside are left out.
    pixel_um : float, µm
    origin_um : ndarray, shape (2,), µm
        World position of the first pixel.
    """
    counts = tuple(max(1, n // BLOCK) for n in fixed.shape)
    shifts = np.full((*counts, 2), np.nan)
    correlation = np.full(counts, np.nan)
    for at, window in _blocks(counts):
        if inside[window].all():
            shift, peak = _shift(moving[window], fixed[window])
            correlation[at] = peak
            if peak >= LEAST_CORRELATION and np.abs(shift).max() < MOST_SHIFT * BLOCK:
                shifts[at] = shift * pixel_um
    center = origin_um + (BLOCK - 1) / 2 * pixel_um
    return LocalShifts(shifts, correlation, BLOCK * pixel_um, center)


def _blocks(
    counts: tuple[int, ...],
) -> Iterator[tuple[tuple[int, int], tuple[slice, slice]]]:
    for row in range(counts[0]):
        for column in range(counts[1]):
            rows = slice(row * BLOCK, (row + 1) * BLOCK)
            yield (row, column), (rows, slice(column * BLOCK, (column + 1) * BLOCK))


def _shift(
    moving: NDArray[np.float32], fixed: NDArray[np.float32]
) -> tuple[NDArray[np.float64], float]:
    """Return the shift of a block in pixels, and the correlation after it."""
    from skimage.registration import phase_cross_correlation

    taper = np.outer(*(np.hanning(n + 2)[1:-1] for n in fixed.shape))
    pair = [(x - x.mean()) * taper for x in (fixed, moving)]
    if min(float((x**2).sum()) for x in pair) <= 0:
        return np.zeros(2), 0.0
    # "phase" would give every frequency the same weight, those of pure noise too.
    shift, error, _ = phase_cross_correlation(
        *pair, upsample_factor=UPSAMPLING, normalization=None
    )
    # error² = 1 - correlation² at the peak (Guizar-Sicairos et al. (2008), eq. 1).
    return np.asarray(shift), float(np.sqrt(max(0.0, 1 - float(error) ** 2)))
