"""Losses, as plain functions of two images or of the discriminator's logits."""

from __future__ import annotations

import functools
from typing import Literal, TypeAlias

import torch
from torch import Tensor, nn

Adversary: TypeAlias = Literal["relativistic", "vanilla"]
"""Form of the adversarial loss."""

WINDOW = 11
"""Taps of the SSIM window (Wang et al. 2004, doi:10.1109/TIP.2003.819861)."""

SIGMA = 1.5
"""Standard deviation of the SSIM window in pixels (same paper)."""


def ssim(a: Tensor, b: Tensor, *, data_range: float) -> Tensor:
    """Mean structural similarity of two batches, differentiable.

    Parameters
    ----------
    a, b : Tensor, shape (N, C, Y, X), float32, Y and X >= 11
    data_range : float
        Span of the intensities; sets the constants C1 and C2.

    Returns
    -------
    Tensor, scalar
        Mean over the region that the window covers whole.

    References
    ----------
    Wang et al. (2004), doi:10.1109/TIP.2003.819861, eq. 13, with the Gaussian window
    11 taps wide of sigma 1.5.
    """
    c1, c2 = (0.01 * data_range) ** 2, (0.03 * data_range) ** 2
    mean_a, mean_b = _smooth(a), _smooth(b)
    variance_a = _smooth(a * a) - mean_a**2
    variance_b = _smooth(b * b) - mean_b**2
    covariance = _smooth(a * b) - mean_a * mean_b
    luminance = (2 * mean_a * mean_b + c1) / (mean_a**2 + mean_b**2 + c1)
    structure = (2 * covariance + c2) / (variance_a + variance_b + c2)
    return (luminance * structure).mean()


def discriminator_loss(kind: Adversary, real: Tensor, fake: Tensor) -> Tensor:
    """Return what the discriminator pays for not telling real from fake.

    Parameters
    ----------
    kind : "relativistic" or "vanilla"
        softplus(C(fake) - C(real)) of pairs, twice, because both terms of the paper's
        eq. 5 are equal to it for the label 0; or the plain cross-entropy of the
        released code. Both are 2 ln 2 where all logits are equal.
    real, fake : Tensor, shape (N, 1)
        Logits C of images that belong together. The "BCE of a difference" is only
        defined for logits: there is no sigmoid before.

    Returns
    -------
    Tensor, scalar, > 0

    References
    ----------
    Panek et al., arXiv 2403.18026, eq. 5; Jolicoeur-Martineau, arXiv 1807.00734, the
    pairwise form (RSGAN).
    """
    if kind == "relativistic":
        return 2 * nn.functional.softplus(fake - real).mean()
    return (nn.functional.softplus(-real) + nn.functional.softplus(fake)).mean()


def generator_loss(kind: Adversary, real: Tensor, fake: Tensor) -> Tensor:
    """Return what the generator pays for being told from the real images.

    Parameters
    ----------
    kind : "relativistic" or "vanilla"
        softplus(C(real) - C(fake)) of pairs, eq. 6 for the label 1; or the plain
        cross-entropy with that label. Both are ln 2 where all logits are 0.
    real, fake : Tensor, shape (N, 1)
        Logits C; those of real images carry no gradient.

    Returns
    -------
    Tensor, scalar, > 0

    References
    ----------
    Panek et al., arXiv 2403.18026, eq. 6.
    """
    if kind == "relativistic":
        return nn.functional.softplus(real - fake).mean()
    return nn.functional.softplus(-fake).mean()


def _smooth(x: Tensor) -> Tensor:
    """Apply the window where it fits: (N, C, Y, X) -> (N, C, Y - 10, X - 10)."""
    # The window is separable. As two matrix products it is ten times faster on a
    # processor than as a convolution of single channels.
    rows, columns = (_band(n).to(x) for n in x.shape[-2:])
    return rows @ x @ columns.T


@functools.cache
def _band(size: int) -> Tensor:
    """Return the matrix (size - 10, size) that slides the window along one axis."""
    taps = torch.arange(WINDOW, dtype=torch.float32) - WINDOW // 2
    window = torch.exp(-0.5 * (taps / SIGMA) ** 2)
    band = torch.zeros(size - WINDOW + 1, size)
    for row in range(len(band)):
        band[row, row : row + WINDOW] = window / window.sum()
    return band
