"""What all ways of iterating share, and the plain one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import torch

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from napari_gan_enhance.optics.blur import Blur

EPSILON = 1e-6
"""Share of the brightest pixel that stands for dark ones in the start and in divisions:
below the error of a float32 Fourier transform nothing can be told from zero."""

Iterations: TypeAlias = "Iterator[torch.Tensor | None]"
"""Endless: the estimate after each iteration, valid until the next is asked for, and
three times None before it, between its four transforms."""


@dataclass(frozen=True, slots=True, eq=False)
class Observation:
    """An image, and how it came about.

    Parameters
    ----------
    image : tensor, (Y, X) or (Z, Y, X), float32
        Amounts of light, maximum 1.
    blur : Blur
    darkest : float, > 0
        Where the blurred estimate is below, it explains nothing.
    is_dark_zero : bool
        There the quotient is 0; otherwise the image is divided by `darkest`.
    """

    image: torch.Tensor
    blur: Blur
    darkest: float = EPSILON
    is_dark_zero: bool = False

    def correction(self, estimate: torch.Tensor) -> Generator[None, None, torch.Tensor]:
        """Return H^T (y / H x): what an estimate x must be multiplied by."""
        blurred = yield from self.blur.forward(estimate)
        yield
        if self.is_dark_zero:
            dark = blurred < self.darkest
            torch.div(self.image, blurred, out=blurred).masked_fill_(dark, 0)
        else:
            blurred.clamp_(min=self.darkest)
            torch.div(self.image, blurred, out=blurred)
        return (yield from self.blur.backward(blurred))


def plain(observation: Observation, estimate: torch.Tensor) -> Iterations:
    """Iterate as Richardson and Lucy do, in place.

        x <- x * H^T (y / H x)

    References
    ----------
    Richardson (1972), doi:10.1364/JOSA.62.000055; Lucy (1974), doi:10.1086/111605,
    eq. (15).
    """
    while True:
        correction = yield from observation.correction(estimate)
        # Rounding may leave a correction of almost zero below zero.
        estimate.mul_(correction.clamp_(min=0))
        yield estimate
