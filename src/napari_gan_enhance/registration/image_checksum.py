"""Tell by a checksum whether two images are one, wherever they come from."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_gan_enhance.micrograph.view import AxesView

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from napari_gan_enhance.micrograph.micrograph import Micrograph


def checksums(planes: Iterable[NDArray[Any]]) -> list[str]:
    """Return the SHA-256 of the type, the shape and the pixels of planes.

    What is the same everywhere, as of a detector that was off, is the same in all
    images: such planes tell none from another and are left out.

    Parameters
    ----------
    planes : iterable of ndarray, shape (Y, X)
    """
    return [_checksum(plane) for plane in planes if plane.min() != plane.max()]


def channel_checksums(micrograph: Micrograph) -> list[str]:
    """Return the checksums of the middle planes of all channels.

    Parameters
    ----------
    micrograph : Micrograph
    """
    axis = micrograph.sample_axis
    middle = {a: micrograph.size(a) // 2 for a in micrograph.axes if a not in "YXCS"}
    view = AxesView(micrograph.pixels, micrograph.axes, f"{axis}YX", middle)
    whole = slice(None)
    return checksums(
        view[(slice(channel, channel + 1), whole, whole)][0]
        for channel in range(view.shape[0])
    )


def _checksum(plane: NDArray[Any]) -> str:
    pixels = np.ascontiguousarray(plane)
    kind = f"{pixels.dtype.str} {pixels.shape}"
    return hashlib.sha256(kind.encode() + pixels.tobytes()).hexdigest()
