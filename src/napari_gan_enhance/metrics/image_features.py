"""What a plane looks like in numbers: its noise, brightness and spectrum.

The numbers are taken on the scale a generator sees, so that gain and exposure of the
camera do not count but what they do to noise does.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.fft
from scipy.ndimage import gaussian_filter

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_gan_enhance.micrograph.intensity import IntensityScaling

LEAST_SIDE = 32
"""Pixels; a smaller plane has no spectrum worth the name."""

BANDS = (0.0, 0.03, 0.06, 0.1, 0.16, 0.22, 0.3, 0.4, 0.5, 0.71)
"""Edges of rings in the spectrum, cycles per pixel; the last ends in the corners."""

RANKS = (1, 25, 50, 75, 90, 97)
"""Percentiles of brightness."""

DARK, BRIGHT = 40, 90
"""Pixels of smoothed brightness below the first percentile are dark, above the second
bright: between them noise grows as photons do, and otherwise after a gamma curve."""

SMALLEST = 1e-9
"""Power that stands for none: a noiseless plane has a logarithm too."""

FEATURES = (
    *(f"power {low:g}-{high:g}" for low, high in pairwise(BANDS)),
    *(f"brightness {rank} %" for rank in RANKS),
    "brightest",
    "noise where dark",
    "noise where bright",
    "tails of the noise",
)
"""Names of the numbers, in their order."""


def image_features(
    plane: NDArray[Any], scaling: IntensityScaling
) -> NDArray[np.float64]:
    """Return what a plane looks like.

    Parameters
    ----------
    plane : ndarray, (Y, X), at least 32 x 32
        Finite pixels.
    scaling : IntensityScaling
        To the scale of the generator.

    Returns
    -------
    ndarray, shape (20,)
        In the order of `FEATURES`: log10 of the mean power in rings of the spectrum
        (Hann window), percentiles and log10 of the largest of the brightness; log10 of
        the mean square of the noise where the plane is dark and bright, and of its
        kurtosis. Noise is what the mask of Immerkær leaves.

    References
    ----------
    Immerkær (1996), doi:10.1006/cviu.1996.0060: the mask, blind to planes and edges.
    """
    image = scaling.forward(plane).astype(np.float64)
    brightest = np.log10(np.clip(image.max(), 1.0, 100.0))
    return np.array(
        [
            *_powers(image),
            *np.percentile(image, RANKS),
            brightest,
            *_noise(image),
        ]
    )


def _powers(image: NDArray[np.float64]) -> list[float]:
    window = np.multiply.outer(*(np.hanning(n + 2)[1:-1] for n in image.shape))
    spectrum = scipy.fft.rfft2((image - image.mean()) * window)
    power = np.abs(spectrum) ** 2 / (window**2).sum()
    y, x = np.fft.fftfreq(image.shape[0]), np.fft.rfftfreq(image.shape[1])
    ring = np.digitize(np.hypot(y[:, None], x[None]), BANDS[1:-1])
    sums = np.bincount(ring.ravel(), power.ravel(), len(BANDS) - 1)
    counts = np.maximum(np.bincount(ring.ravel(), minlength=len(BANDS) - 1), 1)
    return list(np.log10(sums / counts + SMALLEST))


def _noise(image: NDArray[np.float64]) -> list[float]:
    # The mask is the product of two second differences; 36 is the sum of its squares.
    rows = image[:-2] - 2 * image[1:-1] + image[2:]
    noise = (rows[:, :-2] - 2 * rows[:, 1:-1] + rows[:, 2:]) / 6
    near = gaussian_filter(image, 1.5)[1:-1, 1:-1]
    dark, bright = np.percentile(near, (DARK, BRIGHT))
    squared = noise**2
    mean = squared.mean()
    tails = (squared**2).mean() / mean**2 if mean > 0 else 1.0
    powers = (squared[near <= dark].mean(), squared[near >= bright].mean())
    return [*(np.log10(p + SMALLEST) for p in powers), float(np.log10(tails))]
