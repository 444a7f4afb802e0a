"""What the numbers of trust mean, in sentences for the user."""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING

from napari_gan_enhance.trust.maps import LIMITS, PlaneTrust

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

MISFIT = 2.0
"""Re-blurred results are pointed out from twice the noise on."""


def sentences(planes: Sequence[PlaneTrust]) -> tuple[str, ...]:
    """Return what to tell the user of all planes together.

    Parameters
    ----------
    planes : sequence of PlaneTrust
        Medians over them are told.
    """
    if not planes:
        return ("The image is blank: there is nothing to believe or to doubt.",)
    return tuple(_told(planes))


def _told(planes: Sequence[PlaneTrust]) -> Iterator[str]:
    middle = sorted(planes, key=lambda plane: plane.cutoff)[len(planes) // 2]
    where = (
        f"{1 / middle.cutoff:.1f} pixels"
        if middle.cutoff_um is None
        else f"{1e3 * middle.cutoff_um:.0f} nm"
    )
    yield f"The input supports detail down to {where}: {LIMITS[middle.limit]}."
    beyond = statistics.median(plane.beyond for plane in planes)
    yield (
        f"{100 * beyond:.1f} % of the contrast of the result is finer than that"
        + (" and rests on what the model has learned." if beyond else ".")
    )
    misfit = statistics.median(plane.misfit for plane in planes)
    rsp = statistics.median(plane.rsp for plane in planes)
    yield (
        f"Blurred again, the result matches the input with a correlation of {rsp:.3f}, "
        + (
            f"but misses it by {misfit:.1f} times its noise."
            if misfit > MISFIT
            else f"to within {misfit:.1f} times its noise."
        )
    )
