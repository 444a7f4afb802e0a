"""How many iterations each channel of a micrograph gets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari_gan_enhance.micrograph.contrast import most_contrast
from napari_gan_enhance.micrograph.view import AxesView
from napari_gan_enhance.optics.channel_psfs import operator_options
from napari_gan_enhance.optics.stopping import choose_iterations
from napari_gan_enhance.progress import Job, Progress

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    import torch
    from numpy.typing import NDArray

    from napari_gan_enhance.micrograph.micrograph import Micrograph
    from napari_gan_enhance.optics.settings import DeconvolveSettings, Optics

STAGE = "choosing iterations"

LARGEST_SIDE = 2048
"""Of a plane, and `LARGEST_DEPTH` of a stack: of larger images so much is looked at to
choose a number, which takes up to 0.5 GB."""

LARGEST_DEPTH = 32


def channel_iterations(
    psfs: Sequence[NDArray[np.float32]],
    micrograph: Micrograph,
    settings: DeconvolveSettings,
    optics: Optics,
    channels: Sequence[int],
    device: torch.device,
) -> Job[dict[int, int]]:
    """Return the number of iterations for some channels.

    A number that is chosen belongs to the whole image: it comes from the first time,
    and the first plane where planes are deconvolved one by one, and does not depend on
    the region or the tiles of a job.

    Parameters
    ----------
    psfs : sequence of ndarray
        One for each channel.
    micrograph : Micrograph
    settings : DeconvolveSettings
    optics : Optics
        The settings completed.
    channels : sequence of int
        Channels, or samples of an RGB image, to look at.
    device : torch.device

    Yields
    ------
    Progress
        `note` says what was chosen, and why.
    """
    if settings.iterations != "auto":
        return dict.fromkeys(channels, settings.iterations)
    chosen = {}
    for channel in channels:
        image = _looked_at(micrograph, optics, channel)
        if image.min() == image.max():
            chosen[channel] = 1
            why = "1 iteration: the first plane, or stack, is constant."
        else:
            point = yield from choose_iterations(
                image,
                psfs[channel],
                device=device.type,
                **operator_options(settings, optics),
            )
            chosen[channel], why = point.iterations, point.reason
        name = f"Channel {channel + 1}: " if len(psfs) > 1 else ""
        yield Progress(0, 1, STAGE, note=f"{name}{why}")
    return chosen


def _looked_at(micrograph: Micrograph, optics: Optics, channel: int) -> NDArray[Any]:
    axes = optics.spatial_axes
    place = {a: 0 for a in micrograph.axes if a not in axes}
    place |= {a: channel for a in micrograph.sample_axis if a in micrograph.axes}
    view = AxesView(micrograph.pixels, micrograph.axes, axes, place)
    limits = (LARGEST_DEPTH, LARGEST_SIDE, LARGEST_SIDE)[-len(axes) :]
    middle = view[tuple(map(_middle, view.shape, limits))]
    # Around what is stitched, or cut out of its background, the middle may be empty.
    if middle.min() == middle.max() and middle.shape != view.shape:
        return view[most_contrast(view, limits)]
    return middle


def _middle(size: int, limit: int) -> slice:
    start = max(0, size - limit) // 2
    return slice(start, min(size, start + limit))
