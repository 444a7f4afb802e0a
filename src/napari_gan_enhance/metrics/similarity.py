"""SSIM of one plane, and the map that it is the mean of."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

import numpy as np

from napari_gan_enhance.progress import Job, Progress

if TYPE_CHECKING:
    from numpy.typing import NDArray

GAUSSIAN_SIGMA = 1.5
"""Pixels; this and the side are the window of doi:10.1109/TIP.2003.819861."""

GAUSSIAN_SIDE = 11
UNIFORM_SIDE = 7
"""Pixels; the window of scikit-image where nothing else is asked for."""


BAND = 256
"""Rows worked on at a time: a tenth of a second at 4096 pixels in a row."""


class SsimWindow(Enum):
    """Over which neighborhood SSIM takes means, variances and covariance.

    GAUSSIAN is 11 px with sigma 1.5 and population covariance, as published. UNIFORM
    is 7 px with sample covariance, the default of scikit-image.
    """

    GAUSSIAN = "gaussian 11 px, sigma 1.5"
    UNIFORM = "uniform 7 px"

    @property
    def side(self) -> int:
        """Width of the window in pixels."""
        return GAUSSIAN_SIDE if self is SsimWindow.GAUSSIAN else UNIFORM_SIDE


def similarity_map(
    image: NDArray[np.float64],
    reference: NDArray[np.float64],
    *,
    data_range: float,
    window: SsimWindow = SsimWindow.GAUSSIAN,
) -> Job[tuple[float, NDArray[np.float64]]]:
    """Compute the SSIM of a plane and its map.

    Parameters
    ----------
    image, reference : ndarray, shape (Y, X), float64
        Not smaller than the window.
    data_range : float, > 0
        Largest minus smallest possible intensity.
    window : SsimWindow

    Yields
    ------
    Progress
        After each band of rows.

    Returns
    -------
    mean : float, -1 to 1
        Over the pixels whose window lies inside the plane.
    map : ndarray, shape (Y, X), float64, -1 to 1
        Near the borders from mirrored pixels, which do not count in the mean.

    References
    ----------
    Wang et al. (2004), doi:10.1109/TIP.2003.819861, eq. 13
    """
    edge = window.side // 2
    full = np.empty(image.shape)
    parts = bands(len(image))
    for done, (top, bottom) in enumerate(parts, start=1):
        start = max(0, top - edge)
        rows = slice(start, bottom + edge)  # what the windows of the band reach
        part = _similarity(image[rows], reference[rows], data_range, window)
        full[top:bottom] = part[top - start :][: bottom - top]
        yield Progress(done, len(parts), "comparing")
    return float(full[edge:-edge, edge:-edge].mean()), full


def bands(rows: int) -> list[tuple[int, int]]:
    """Return first and last of bands of about equal height that cover a plane."""
    ends = np.linspace(0, rows, -(-rows // BAND) + 1).round().astype(int)
    return list(zip(ends[:-1].tolist(), ends[1:].tolist(), strict=True))


def _similarity(
    image: NDArray[np.float64],
    reference: NDArray[np.float64],
    data_range: float,
    window: SsimWindow,
) -> NDArray[np.float64]:
    from skimage.metrics import structural_similarity

    options = (
        {"gaussian_weights": True, "sigma": GAUSSIAN_SIGMA}
        if window is SsimWindow.GAUSSIAN
        else {"win_size": UNIFORM_SIDE}
    )
    _, full = structural_similarity(
        reference,
        image,
        data_range=data_range,
        use_sample_covariance=window is SsimWindow.UNIFORM,
        full=True,
        **options,
    )
    return np.asarray(full, np.float64)
