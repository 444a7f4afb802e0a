"""How much of a file is decoded at once."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from napari_gan_enhance.errors import FileFormatError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

EAGER_BYTES = 64 * 2**20
"""Smaller images are decoded at once and their file is closed again."""

LARGEST_CHUNK_BYTES = 512 * 2**20
"""Most that one compressed strip, tile or chunk may unpack to: a 16384² image of
16 bit in a single strip; whole slides and camera stacks have strips of a few MiB."""

MOST_PLANES = 10_000_000
"""Above, the sizes that a header claims are taken for damage: a list of so many
planes alone would fill a gigabyte."""


def check_chunk(chunk: Sequence[int], itemsize: int, path: Path) -> None:
    """Refuse pieces so large that unpacking one of them could fill the memory.

    Parameters
    ----------
    chunk : sequence of int
        Pixels along each axis that are decoded together.
    itemsize : int, bytes of one pixel
    path : Path

    Raises
    ------
    FileFormatError
    """
    size = math.prod(int(n) for n in chunk) * itemsize
    if size > LARGEST_CHUNK_BYTES:
        raise FileFormatError(
            f"{path.name!r} claims pieces that unpack to {size / 2**20:.0f} MiB - up "
            f"to {LARGEST_CHUNK_BYTES // 2**20} MiB are unpacked at once - save it as "
            "tiled TIFF."
        )
