"""Frequencies of a plane under the cosine transform, which reflects at the edges."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def squared_frequencies(
    shape: tuple[int, ...], pixel: tuple[float, float] = (1.0, 1.0)
) -> NDArray[np.float64]:
    """Return the square of the frequency of each coefficient of `scipy.fft.dctn`.

    Parameters
    ----------
    shape : (Y, X)
    pixel : (y, x), any unit of length
        Size of a pixel; frequencies are in cycles per that unit.

    Returns
    -------
    ndarray, shape (Y, X), float64
    """
    y, x = (
        (np.arange(n) / (2 * n * size)) ** 2
        for n, size in zip(shape, pixel, strict=True)
    )
    return y[:, np.newaxis] + x


def gaussian_transfer(square: NDArray[np.float64], sigma: float) -> NDArray[np.float64]:
    """Return what a Gaussian of a standard deviation lets through.

    Parameters
    ----------
    square : ndarray, any shape
        Squared frequencies.
    sigma : float, in the unit whose cycles the frequencies count
    """
    return np.exp(-2 * (np.pi * sigma) ** 2 * square)
