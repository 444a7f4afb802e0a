"""Whether two images show the same thing at all.

Any two images have a best pose. What tells a true one: moved away from it, by any
distance, the images correlate much less. The shifted correlations are the chance level
of this very pair, with its own texture, size and noise, so no assumption about any of
these is needed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import fft

from napari_gan_enhance.errors import InputError
from napari_gan_enhance.registration.canvas import seen_by

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_gan_enhance.registration.canvas import Canvas

PEAK_PX = 12
"""Half the width of the peak: the band-pass keeps nothing broader than 8 px."""

LEAST_OVERLAP = 0.25
"""Share of the full overlap that a shifted comparison must have to count."""

LEAST_RATIO = 1.4
LEAST_DEVIATIONS = 5.0
"""By how much the correlation must exceed the best of the shifted ones, and how many of
their standard deviations it must be. Between unrelated images (noise, or two different
fields of filaments or nuclei, 64 to 512 pixels wide) the best of all poses reached a
ratio of 1.2 and 4.3 deviations; true pairs at least 1.7 and 5.8."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """How much better two images correlate as aligned than shifted.

    Parameters
    ----------
    correlation : float, -1 to 1
        As aligned; of the band-passed images.
    chance : float
        The highest correlation when shifted.
    deviations : float
        Correlation over the standard deviation of the shifted ones.
    """

    correlation: float
    chance: float
    deviations: float

    @property
    def is_convincing(self) -> bool:
        """Whether the images show the same thing."""
        return (
            self.correlation > LEAST_RATIO * self.chance
            and self.deviations > LEAST_DEVIATIONS
        )


def evidence(moving: Canvas, fixed: Canvas, matrix: NDArray[np.float64]) -> Evidence:
    """Compare two images as aligned with all shifted comparisons.

    Parameters
    ----------
    moving, fixed : Canvas
        Band-passed, of one pixel size.
    matrix : ndarray, shape (3, 3)
        World to world in µm, moving to fixed.
    """
    seen = seen_by(fixed, moving, matrix)
    is_seen = np.isfinite(seen)
    seen = np.where(is_seen, seen, 0)
    shape = [fft.next_fast_len(2 * n, real=True) for n in fixed.values.shape]
    still, still_energy, inside = (
        fft.rfft2(x.astype(np.float32), shape)
        for x in (fixed.values, fixed.values**2, fixed.inside)
    )
    shifted, shifted_energy, reached = (
        fft.rfft2(x.astype(np.float32), shape).conj() for x in (seen, seen**2, is_seen)
    )
    cross = fft.irfft2(still * shifted, shape)
    # Energies of what overlaps at each shift: a corner in common is no full agreement.
    energy = fft.irfft2(still_energy * reached, shape)
    energy *= fft.irfft2(inside * shifted_energy, shape)
    overlap = fft.irfft2(inside * reached, shape)
    floor = 1e-6 * float(energy.max()) + np.finfo(np.float32).tiny
    surface = (cross / np.sqrt(np.maximum(energy, floor))).astype(np.float32)
    return _judged(surface, overlap > LEAST_OVERLAP * overlap[0, 0])


def check_evidence(found: Evidence) -> None:
    """Refuse an alignment that is no better than chance.

    Raises
    ------
    InputError
    """
    if not found.is_convincing:
        raise InputError(
            f"The images correlate by {found.correlation:.2f} at best, and by up to "
            f"{found.chance:.2f} when one is shifted away - the same structures must "
            "show in both - choose other channels or layers, or set landmarks by hand."
        )


def _judged(surface: NDArray[np.float32], counts: NDArray[np.bool_]) -> Evidence:
    rows, columns = (np.minimum(np.arange(n), n - np.arange(n)) for n in surface.shape)
    near = (rows[:, None] <= PEAK_PX) & (columns[None] <= PEAK_PX)
    shifted = surface[counts & ~near]
    if shifted.size == 0:
        return Evidence(float(surface[0, 0]), 1.0, 0.0)
    spread = float(shifted.std()) + np.finfo(float).tiny
    peak = float(surface[0, 0])
    return Evidence(peak, float(shifted.max()), float(peak / spread))
