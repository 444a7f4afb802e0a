"""Accelerated Richardson-Lucy: each iteration starts further along the last step."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from napari_gan_enhance.optics.iteration import EPSILON

if TYPE_CHECKING:
    from napari_gan_enhance.optics.iteration import Iterations, Observation


def accelerated(observation: Observation, estimate: torch.Tensor) -> Iterations:
    """Iterate by vector extrapolation; ten iterations are worth 20 to 25 plain ones.

    With RL one plain iteration,

        y_k = x_k + a_k (x_k - x_(k-1))        at least 1e-6 of the brightest pixel
        x_(k+1) = RL(y_k)
        g_k = x_(k+1) - y_k
        a_k = <g_(k-1), g_(k-2)> / <g_(k-2), g_(k-2)>        between 0 and 1

    A negative product means that the last steps went to and fro: what is remembered is
    forgotten, and the acceleration begins anew. Takes the memory of three more images.

    References
    ----------
    Biggs and Andrews (1997), doi:10.1364/AO.36.001766.
    """
    before = estimate.clone()  # x_(k-1), then y_k, then x_(k+1)
    step, last_step = torch.zeros_like(estimate), torch.zeros_like(estimate)
    while True:
        length = _product(last_step, last_step)
        factor = _product(step, last_step) / length if length else 0.0
        if factor < 0:
            last_step.zero_()
            step.zero_()
        factor = min(max(factor, 0.0), 1.0)
        guess = before.sub_(estimate).mul_(-factor).add_(estimate)
        guess.clamp_(min=EPSILON)
        correction = yield from observation.correction(guess)
        # y (c - 1), into the memory of the older of the two steps
        torch.mul(guess, correction.clamp_(min=0).sub_(1), out=last_step)
        step, last_step = last_step, step
        estimate, before = guess.add_(step).clamp_(min=0), estimate
        yield estimate


def _product(a: torch.Tensor, b: torch.Tensor) -> float:
    return float(torch.dot(a.view(-1), b.view(-1)))
