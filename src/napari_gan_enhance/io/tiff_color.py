"""From the way a TIFF file codes intensity to plain intensity or RGB."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from napari_gan_enhance.io.lazy import native

if TYPE_CHECKING:
    from collections.abc import Callable

    import tifffile
    from numpy.typing import NDArray

# TIFF 6.0, tag 262 (PhotometricInterpretation) and tag 338 (ExtraSamples)
WHITE_IS_ZERO, RGB, PALETTE, YCBCR = 0, 2, 3, 6
ASSOCIATED_ALPHA, UNASSOCIATED_ALPHA = 1, 2

MICROSCOPY = ("is_imagej", "is_ome", "is_stk", "is_lsm", "is_micromanager")
"""tifffile's names for programs whose palettes and inversions are a way of showing
intensities (ImageJ's lookup tables), not of coding colors."""


def is_color(page: tifffile.TiffPage) -> bool:
    """Return whether the samples of a page are red, green and blue.

    YCbCr counts: it is written with JPEG only, whose decoder gives RGB.
    """
    return int(page.photometric) in (RGB, YCBCR)


def alpha_samples(page: tifffile.TiffPage) -> int:
    """Return how many of the last samples of a page are alpha."""
    kinds = [int(kind) for kind in page.extrasamples]
    return sum(kind in (ASSOCIATED_ALPHA, UNASSOCIATED_ALPHA) for kind in kinds)


def conversion(
    page: tifffile.TiffPage,
) -> tuple[Callable[[NDArray[Any]], NDArray[Any]], int]:
    """Return what turns stored values into intensities, and how many samples it adds.

    Palette images become RGB (indices are no intensities; 16 bit, or 8 where the
    palette has no more), images where zero is white are inverted, and values come in
    the machine's byte order. One-bit images stay boolean. In files of microscopy
    programs both are lookup tables for display, and the values stay as they are.

    Parameters
    ----------
    page : tifffile.TiffPage

    Returns
    -------
    callable
        Array of any shape -> array of that shape, with samples appended if any.
    int
        Samples appended: 3 for palettes, else 0.
    """
    if any(getattr(page.parent, name) for name in MICROSCOPY):
        return native, 0
    if int(page.photometric) == PALETTE and page.colormap is not None:
        return _palette_lookup(np.asarray(page.colormap)), 3
    if int(page.photometric) == WHITE_IS_ZERO:
        return _inversion(page), 0
    return native, 0


def _inversion(
    page: tifffile.TiffPage,
) -> Callable[[NDArray[Any]], NDArray[Any]]:
    kind = page.dtype.kind
    bits = page.bitspersample

    def invert(values: NDArray[Any]) -> NDArray[Any]:
        known = native(values)
        if kind == "b":
            return ~known
        if kind == "u":
            inverted: NDArray[Any] = known.dtype.type(2**bits - 1) - known
            return inverted
        return ~known if kind == "i" else known

    return invert


def _palette_lookup(
    colormap: NDArray[Any],
) -> Callable[[NDArray[Any]], NDArray[Any]]:
    """Return the lookup for a colormap of shape (3, entries), 16 bit."""
    # Programs that think in 8 bit store v as v * 257 or as v * 256.
    narrow = (
        np.array_equal(colormap, (colormap >> 8) * 257) or not (colormap & 255).any()
    )
    table = (colormap >> 8).astype(np.uint8) if narrow else colormap
    colors: NDArray[Any] = np.ascontiguousarray(table.T)  # (entries, 3)

    def look_up(values: NDArray[Any]) -> NDArray[Any]:
        looked_up: NDArray[Any] = colors[values.astype(np.intp, copy=False)]
        return looked_up

    return look_up
