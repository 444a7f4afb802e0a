"""NIQE: how unlike sharp images an image is, in the statistics of its pixels.

The published model describes photographs. Here the model is fitted to sharp images of
the user's own microscope; a score means something only beside others of that model.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_gan_enhance.errors import InputError
from napari_gan_enhance.micrograph.intensity import check_finite, fit_intensity_scaling

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

BLOCK = 48
"""Pixels; half of what photographs have, as fields of microscopes are small."""

FEATURES = 36
"""18 at each of two scales."""

LEAST_BLOCKS = 4
"""Of an image to be scored."""

SHARPEST_SHARE = 0.75
"""Blocks of a sharp image count if they are at least so sharp, relative to the best."""

LEAST_STRUCTURE = 1e-3
"""Gray levels of local deviation below which a block is empty."""

PERCENTILES = (3.0, 99.8)
"""What becomes 0 and 255: the constant 1 in the contrast is one gray level."""

WINDOW_SIGMA = 7 / 6
"""Pixels; with 7 taps, as published."""

NEIGHBORS = ((0, 1), (1, 0), (1, 1), (1, -1))

SHAPES = np.arange(0.2, 10, 0.001)
"""Among which that of a distribution is sought, as published."""


@dataclass(frozen=True, slots=True, eq=False)
class NiqeModel:
    """What sharp images look like.

    Parameters
    ----------
    mean : ndarray, shape (36,), float64
    covariance : ndarray, shape (36, 36), float64
    blocks : int
        How many blocks of 48 px it was fitted to.
    """

    mean: NDArray[np.float64]
    covariance: NDArray[np.float64]
    blocks: int


def sharp_features(plane: NDArray[Any]) -> NDArray[np.float64]:
    """Return the features of the sharpest blocks of an image, to fit a model to.

    Parameters
    ----------
    plane : ndarray, shape (Y, X), any real dtype

    Returns
    -------
    ndarray, shape (blocks, 36), float64

    Raises
    ------
    InputError
        If the plane is blank or holds NaN.
    """
    features, sharpness = block_features(plane)
    sharp = sharpness >= SHARPEST_SHARE * sharpness.max(initial=0)
    return np.asarray(features[sharp], np.float64)


def fit_niqe(images: Sequence[NDArray[np.float64]]) -> NiqeModel:
    """Fit a model to the blocks of sharp images.

    Parameters
    ----------
    images : sequence of ndarray, each of shape (blocks, 36)
        From `sharp_features`, of the user's own images: same modality, magnification
        and sample. In all there should be some hundreds of blocks.

    Returns
    -------
    NiqeModel

    Raises
    ------
    InputError
        If there are not more blocks than features.
    """
    features = np.concatenate([np.empty((0, FEATURES)), *images])
    if len(features) <= FEATURES:
        raise InputError(
            f"The sharp images hold {len(features)} sharp blocks of {BLOCK} x {BLOCK} "
            f"pixels - more than {FEATURES} are needed to say what is usual, better "
            "some hundreds - give more or larger images."
        )
    covariance = np.cov(features, rowvar=False)
    return NiqeModel(features.mean(axis=0), covariance, len(features))


def niqe(plane: NDArray[Any], model: NiqeModel) -> float:
    """Return the distance of an image from the model.

    Parameters
    ----------
    plane : ndarray, shape (Y, X), any real dtype
    model : NiqeModel

    Returns
    -------
    float, >= 0
        Lower is better.

    Raises
    ------
    InputError
        If the plane has fewer than four blocks with structure, or holds NaN.

    References
    ----------
    Mittal et al. (2013), doi:10.1109/LSP.2012.2227726, eq. 10
    """
    features, _ = block_features(plane)
    if len(features) < LEAST_BLOCKS:
        raise InputError(
            f"A plane of {plane.shape[0]} x {plane.shape[1]} pixels has "
            f"{len(features)} blocks of {BLOCK} x {BLOCK} with structure - NIQE needs "
            f"at least {LEAST_BLOCKS} - choose a larger image."
        )
    step = features.mean(axis=0) - model.mean
    spread = (np.cov(features, rowvar=False) + model.covariance) / 2
    return float(np.sqrt(max(0.0, step @ np.linalg.pinv(spread) @ step)))


def block_features(
    plane: NDArray[Any],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the features of every block with structure, and how sharp each is.

    Parameters
    ----------
    plane : ndarray, shape (Y, X), any real dtype
        Brought to 0 to 255 by its percentiles, and cropped to whole blocks.

    Returns
    -------
    features : ndarray, shape (blocks, 36), float64
    sharpness : ndarray, shape (blocks,), float64
        Mean local deviation, gray levels.
    """
    check_finite(plane)
    scaling = fit_intensity_scaling(plane, *PERCENTILES)
    rows, columns = (n // BLOCK for n in plane.shape)
    crop = np.asarray(plane[: rows * BLOCK, : columns * BLOCK], np.float64)
    gray = 255 * (crop - scaling.low) / (scaling.high - scaling.low)
    if not gray.size:
        return np.empty((0, FEATURES)), np.empty(0)
    fine, deviation = _normalized(gray)
    # Means of two by two pixels: the half of the image without aliasing.
    coarse, _ = _normalized(gray.reshape(rows * BLOCK // 2, 2, -1, 2).mean(axis=(1, 3)))
    sharpness = _blocks(deviation, BLOCK).mean(axis=(1, 2))
    kept = sharpness > LEAST_STRUCTURE
    pairs = zip(
        _blocks(fine, BLOCK)[kept], _blocks(coarse, BLOCK // 2)[kept], strict=True
    )
    found = [np.concatenate([_describe(a), _describe(b)]) for a, b in pairs]
    features = np.array(found).reshape(-1, FEATURES)
    whole = np.isfinite(features).all(axis=1)
    return features[whole], sharpness[kept][whole]


def fit_asymmetric(values: NDArray[np.float64]) -> tuple[float, float, float]:
    """Fit an asymmetric generalized Gaussian distribution by its moments.

    Parameters
    ----------
    values : ndarray, any shape, float64

    Returns
    -------
    shape : float, 0.2 to 10
        2 for a Gaussian, 1 for a Laplace distribution.
    left, right : float
        Scale on either side of zero; NaN where no value lies there.

    References
    ----------
    Lasmar et al. (2009), doi:10.1109/ICIP.2009.5414404
    """
    below, above = values[values < 0], values[values > 0]
    if not (below.size and above.size):
        return np.nan, np.nan, np.nan
    left, right = np.sqrt((below**2).mean()), np.sqrt((above**2).mean())
    ratio = left / right
    moment = np.abs(values).mean() ** 2 / (values**2).mean()
    moment *= (ratio**3 + 1) * (ratio + 1) / (ratio**2 + 1) ** 2
    shape = float(SHAPES[np.argmin(np.abs(_moments_of_shapes() - moment))])
    to_scale = (_gamma(1 / shape) / _gamma(3 / shape)) ** 0.5
    return shape, float(left * to_scale), float(right * to_scale)


def _normalized(
    gray: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the image less its local mean over its local deviation, and that."""
    from scipy.ndimage import gaussian_filter

    def blur(image: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(
            gaussian_filter(image, WINDOW_SIGMA, radius=3, mode="nearest"), np.float64
        )

    mean = blur(gray)
    deviation = np.sqrt(np.abs(blur(gray * gray) - mean * mean))
    return (gray - mean) / (deviation + 1), deviation


def _blocks(image: NDArray[np.float64], side: int) -> NDArray[np.float64]:
    """Return (Y, X) as (blocks, side, side)."""
    rows, columns = (n // side for n in image.shape)
    grid = image.reshape(rows, side, columns, side).swapaxes(1, 2)
    return grid.reshape(rows * columns, side, side)


def _describe(block: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the 18 features of a block at one scale."""
    shape, left, right = fit_asymmetric(block)
    features = [shape, (left + right) / 2]
    for shift in NEIGHBORS:
        product = block * np.roll(block, shift, axis=(0, 1))
        shape, left, right = fit_asymmetric(product)
        mean = (right - left) * _gamma(2 / shape) / _gamma(1 / shape)
        features += [shape, mean, left, right]
    return np.array(features)


def _gamma(x: float) -> float:
    return math.gamma(x) if math.isfinite(x) else math.nan


@functools.cache
def _moments_of_shapes() -> NDArray[np.float64]:
    """Return mean(|x|)² / mean(x²) of the symmetric distribution of every shape."""
    from scipy.special import gamma

    curve = gamma(2 / SHAPES) ** 2 / (gamma(1 / SHAPES) * gamma(3 / SHAPES))
    return np.asarray(curve, np.float64)
