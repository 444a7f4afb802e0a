"""Distill a point spread function from a stack of beads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from napari_gan_enhance.micrograph.micrograph import PixelArray, VoxelSize


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
    near_edge, near_other, saturated, faint : int
        Points that were dropped, each for the first reason that holds.
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
    near_edge: int
    near_other: int
    saturated: int
    faint: int
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
        Y and X, and 3 µm along Z.

    Returns
    -------
    BeadPsf

    Raises
    ------
    InputError
        If no bead is left, or points, voxel size or shape do not fit the stack.
    """
    raise NotImplementedError
