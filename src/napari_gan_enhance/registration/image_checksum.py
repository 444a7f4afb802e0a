"""Tell by a checksum whether two images are one, wherever they come from."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_gan_enhance.micrograph.view import AxesView

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_gan_enhance.micrograph.micrograph import Micrograph


def plane_checksum(plane: NDArray[Any]) -> str:
    """Return the SHA-256 of the type, the shape and the pixels of a plane.

    Parameters
    ----------
    plane : ndarray, shape (Y, X)
    """
    pixels = np.ascontiguousarray(plane)
    kind = f"{pixels.dtype.str} {pixels.shape}"
    return hashlib.sha256(kind.encode() + pixels.tobytes()).hexdigest()


def channel_checksums(micrograph: Micrograph) -> list[str]:
    """Return the checksum of the middle plane of each channel.

    Parameters
    ----------
    micrograph : Micrograph
    """
    axis = micrograph.sample_axis
    middle = {a: micrograph.size(a) // 2 for a in micrograph.axes if a not in "YXCS"}
    view = AxesView(micrograph.pixels, micrograph.axes, f"{axis}YX", middle)
    whole = slice(None)
    return [
        plane_checksum(view[(slice(channel, channel + 1), whole, whole)][0])
        for channel in range(view.shape[0])
    ]
