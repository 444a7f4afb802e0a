"""Richardson-Lucy with an unmatched back projector: a few iterations are enough."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from napari_gan_enhance.optics.iteration import EPSILON
from napari_gan_enhance.optics.psf_width import fwhm_um

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_gan_enhance.optics.iteration import Iterations, Observation

ALPHA = 0.05
"""Of the Wiener filter; 0.001, the default of the authors' function, came out 0.4 dB
worse after 10 iterations on filaments with 100 to 300 photons."""

ORDER = 10
"""Of the Butterworth filter; the authors recommend 4 to 15 and use 10."""

NYQUIST = 0.5  # cycles per pixel


def wiener_butterworth(
    observation: Observation, estimate: torch.Tensor, psf: NDArray[np.float32]
) -> Iterations:
    """Iterate with the back projector of `back_projector` instead of H^T, in place.

        x <- x * B (y / H x)

    Not monotone, and the flux is kept only nearly: stop early. The estimate stays at or
    above 1e-6 of the brightest pixel, as B has negative values.

    References
    ----------
    Guo et al. (2020), doi:10.1038/s41587-020-0560-x.
    """

    def make(transfer: torch.Tensor, frequencies: list[torch.Tensor]) -> torch.Tensor:
        return back_projector(transfer, frequencies, psf)

    observation.blur.project_back_with(make)
    while True:
        correction = yield from observation.correction(estimate)
        estimate.mul_(correction).clamp_(min=EPSILON)
        yield estimate


def back_projector(
    transfer: torch.Tensor, frequencies: list[torch.Tensor], psf: NDArray[np.float32]
) -> torch.Tensor:
    """Return the Wiener-Butterworth transfer function.

        B(k) = conj(H) / (|H|^2 + alpha) / sqrt(1 + eps2 * (sum_i (k_i / c_i)^2)^n)

    The cut-off c_i is 1 / FWHM of the PSF along axis i. There B shall pass as much as
    the PSF does, beta, and its Wiener part passes w = beta / (beta^2 + alpha); so
    eps2 = (w / beta)^2 - 1. The authors' code has w / beta^2 - 1, which misses that.

    Parameters
    ----------
    transfer : tensor, complex or real
        H on the grid of `frequencies`.
    frequencies : list of tensor
        Cycles per pixel along each axis, ready for broadcasting.
    psf : ndarray, odd, centered

    Returns
    -------
    tensor like `transfer`
        1 at frequency 0: the back projector has sum 1.

    References
    ----------
    Guo et al. (2020), doi:10.1038/s41587-020-0560-x, methods and regDeconProject.
    """
    cutoffs = [1 / fwhm for fwhm in _widths(psf)]
    beta = _gain(psf, cutoffs)
    wiener_gain = beta / (beta**2 + ALPHA)
    eps2 = max((wiener_gain / beta) ** 2 - 1, 0.0)
    radius2 = sum(
        ((k / cutoff) ** 2 for k, cutoff in zip(frequencies, cutoffs, strict=True)),
        start=torch.zeros((), device=transfer.device),
    )
    # Far beyond the cut-off the power would overflow; B is 0 there either way.
    butterworth = radius2.clamp(max=1e3).pow(ORDER).mul_(eps2).add_(1).rsqrt_()
    wiener = transfer.conj() / (transfer.abs().square() + ALPHA)
    projector = wiener.mul_(butterworth)
    return projector / projector.flatten()[0].real


def _widths(psf: NDArray[np.float32]) -> list[float]:
    """Return the FWHM along each axis in pixels; the whole length where it has none."""
    widths = fwhm_um(psf, (1.0,) * psf.ndim)
    return [w or float(n) for w, n in zip(widths, psf.shape, strict=True)]


def _gain(psf: NDArray[np.float32], cutoffs: list[float]) -> float:
    """Return the mean over the axes of |H| at the cut-off."""
    gains = []
    for axis, cutoff in enumerate(cutoffs):
        if psf.shape[axis] == 1:
            continue
        others = tuple(a for a in range(psf.ndim) if a != axis)
        line = psf.sum(axis=others, dtype=np.float64)
        phase = 2j * np.pi * min(cutoff, NYQUIST) * np.arange(len(line))
        gains.append(abs(np.sum(line * np.exp(phase))))
    return float(np.mean(gains)) if gains else 1.0
