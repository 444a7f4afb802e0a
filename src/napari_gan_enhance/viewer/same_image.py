"""Tell whether two layers show one image, wherever they lie."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from napari_gan_enhance.registration.image_checksum import plane_checksum
from napari_gan_enhance.viewer.layers import layer_axes

if TYPE_CHECKING:
    from collections.abc import Callable


def checksum_of(layer: Any) -> Callable[[], str]:
    """Return what reads the middle plane of an image and gives its SHA-256.

    It is the same whatever of the layer is on screen, after an alignment, and for a
    copy or a file that was opened again.

    Parameters
    ----------
    layer : napari.layers.Image

    Returns
    -------
    callable
        May be called in any thread; the layer itself is not kept.

    Raises
    ------
    InputError
        If the axes of the layer have no meaning.
    """
    data = layer.data[0] if layer.multiscale else layer.data
    middle = tuple(
        slice(None) if letter in "YX" else length // 2
        for letter, length in zip(layer_axes(layer), data.shape, strict=False)
    )

    return lambda: plane_checksum(np.asarray(data[middle]))
