"""Tell whether two layers show one image, wherever they lie."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from napari_gan_enhance.registration.image_checksum import checksums
from napari_gan_enhance.viewer.layers import layer_axes
from napari_gan_enhance.viewer.placement import axis_length

if TYPE_CHECKING:
    from collections.abc import Callable


def checksums_of(layer: Any) -> Callable[[], list[str]]:
    """Return what reads the middle planes of all channels and gives their SHA-256.

    They are the same whatever of the layer is on screen, after an alignment, and for a
    copy or a file that was opened again.

    Parameters
    ----------
    layer : napari.layers.Image

    Returns
    -------
    callable
        May be called in any thread; the layer itself is not kept. See
        `registration.image_checksum.checksums`.

    Raises
    ------
    InputError
        If the axes of the layer have no meaning.
    """
    data = layer.data[0] if layer.multiscale else layer.data
    axes = layer_axes(layer)
    whole = {"Y": slice(None), "X": slice(None)}
    planes = [
        tuple(
            {**whole, "C": channel}.get(letter, length // 2)
            for letter, length in zip(axes, data.shape, strict=False)
        )
        for channel in range(axis_length(layer, "C"))
    ]

    return lambda: checksums(np.asarray(data[plane]) for plane in planes)
