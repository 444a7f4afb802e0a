"""A sharp image against the blurred one it came from: RSP, RSE and the error map.

The sharp image is blurred by a Gaussian, scaled and shifted so that it comes nearest to
the blurred one; what is left is its error. Detail finer than the blur is invisible to
this: a fine checkerboard added to the sharp image leaves RSP at 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.fft import dctn, idctn
from scipy.optimize import minimize_scalar

from napari_gan_enhance.errors import InputError
from napari_gan_enhance.metrics.frequencies import (
    gaussian_transfer,
    squared_frequencies,
)
from napari_gan_enhance.micrograph.intensity import check_finite

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

SIGMAS = np.concatenate([[0.0], np.geomspace(0.2, 32.0, 23)])
"""Blurs tried at first, pixels; the search goes on around the best of them."""

PRECISION = 1e-6
"""To which the blur is found, pixels."""


@dataclass(frozen=True, slots=True, eq=False)
class SquirrelFit:
    """How a sharp image explains a blurred one.

    Parameters
    ----------
    sigma_px : float, pixels
        Of the Gaussian.
    scale, offset : float
        blurred = scale * (Gaussian * sharp) + offset.
    rsp : float, -1 to 1
        Resolution-scaled Pearson coefficient of the two sides.
    rse : float, intensity of the blurred image
        Resolution-scaled error, the root mean square of their difference.
    error_map : ndarray, shape (Y, X), float32, >= 0
        The absolute difference.
    """

    sigma_px: float
    scale: float
    offset: float
    rsp: float
    rse: float
    error_map: NDArray[np.float32]


def fit_squirrel(sharp: NDArray[Any], blurred: NDArray[Any]) -> SquirrelFit:
    """Find the Gaussian, the scale and the offset that make one image of another.

    Parameters
    ----------
    sharp, blurred : ndarray, shape (Y, X), any real dtype
        The enhanced image and the one that it was made from.

    Returns
    -------
    SquirrelFit

    Raises
    ------
    InputError
        If shapes differ, or an image is constant or holds NaN or infinity.

    Notes
    -----
    Blurring is multiplication under the cosine transform, with reflected edges; sums of
    squares are the same on both sides of it, so that the search transforms nothing.

    References
    ----------
    Culley et al. (2018), doi:10.1038/nmeth.4605, Online Methods.
    """
    check_pair(sharp, blurred)
    source, image = (_contrast(plane) for plane in (sharp, blurred))
    square = squared_frequencies(image.shape)

    def shown(sigma: float) -> NDArray[np.float64]:
        return source * gaussian_transfer(square, sigma)

    def explained(sigma: float) -> float:
        guess = shown(sigma)
        return float((guess * image).sum()) ** 2 / float((guess**2).sum())

    sigma = _best(explained)
    guess = shown(sigma)
    common, square_sum = float((guess * image).sum()), float((guess**2).sum())
    scale = common / square_sum
    difference = idctn(image - scale * guess, norm="ortho")
    return SquirrelFit(
        sigma_px=sigma,
        scale=scale,
        offset=float(np.mean(blurred) - scale * np.mean(sharp)),
        rsp=common / float(np.sqrt(square_sum * (image**2).sum())),
        rse=float(np.sqrt((difference**2).mean())),
        error_map=np.abs(difference).astype(np.float32),
    )


def check_pair(sharp: NDArray[Any], blurred: NDArray[Any]) -> None:
    """Refuse planes that cannot be compared.

    Raises
    ------
    InputError
        If shapes differ, or an image is constant or holds NaN or infinity.
    """
    if sharp.ndim != 2 or sharp.shape != blurred.shape:
        raise InputError(
            f"A result of shape {sharp.shape} and an input of shape {blurred.shape} "
            "cannot be compared - both must be one plane (Y, X) on one grid - choose "
            "the result of this very input."
        )
    for name, plane in (("result", sharp), ("input", blurred)):
        check_finite(plane)
        if not plane.size or plane.min() == plane.max():
            raise InputError(
                f"The {name} has no contrast: all of its pixels are the same - there "
                "must be structure to compare - choose another plane or channel."
            )


def _contrast(plane: NDArray[Any]) -> NDArray[np.float64]:
    """Transform a plane less its mean."""
    values = np.asarray(plane, np.float64)
    return np.asarray(dctn(values - values.mean(), norm="ortho"), np.float64)


def _best(explained: Callable[[float], float]) -> float:
    """Return the blur that explains most."""
    at = int(np.argmax([explained(sigma) for sigma in SIGMAS]))
    low, high = SIGMAS[max(at - 1, 0)], SIGMAS[min(at + 1, len(SIGMAS) - 1)]
    found = minimize_scalar(
        lambda sigma: -explained(sigma),
        bounds=(low, high),
        method="bounded",
        options={"xatol": PRECISION},
    )
    return float(found.x)
