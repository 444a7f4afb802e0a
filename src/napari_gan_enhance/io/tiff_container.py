"""Write tiled, compressed TIFF one tile at a time.

tifffile's writer pulls its tiles from an iterator inside one call, so a job could
neither report progress nor stop during a large plane. Here the caller pushes tiles:

    header | tiles of plane 0 | IFD 0 | tiles of plane 1 | IFD 1 | ...
                                  `--------- next IFD ------^

TIFF 6.0, Adobe Photoshop TIFF Technical Notes (deflate, predictor 3) and the BigTIFF
design; little-endian.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any, BinaryIO

import imagecodecs
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

TILE = 512
"""Side of a tile; a multiple of 16, as TIFF asks."""

COMPRESSION_LEVEL = 6
"""Of deflate. Level 9 saves about 1 % on camera noise for three times the time."""

CLASSIC_LIMIT = 2**32 - 2**25
"""Bytes of pixels above which offsets may pass 32 bit: deflate adds less than 0.1 %
to noise, and the directories need some room."""

ADOBE_DEFLATE = 8
HORIZONTAL, FLOATING_POINT = 2, 3  # predictors
SAMPLE_FORMAT = {"u": 1, "i": 2, "f": 3}
ASCII, SHORT, LONG, LONG8 = 2, 3, 4, 16  # types of tag values
CODES = {SHORT: "H", LONG: "I", LONG8: "Q"}


class TiledTiff:
    """A TIFF file that grows by tiles.

    Parameters
    ----------
    file : binary file, empty, writable and seekable
    shape : (int, int, int)
        Y, X and samples of every plane; 3 samples are RGB.
    dtype : dtype
        Integer or floating, up to 64 bit.
    big : bool
        BigTIFF, with 64-bit offsets.
    """

    def __init__(
        self, file: BinaryIO, shape: tuple[int, int, int], dtype: Any, *, big: bool
    ) -> None:
        self._file = file
        self._shape = shape
        self._dtype = np.dtype(dtype).newbyteorder("<")
        self._big = big
        self._tiles: list[tuple[int, int]] = []
        header = (
            struct.pack("<2sHHHQ", b"II", 43, 8, 0, 0)
            if big
            else struct.pack("<2sHI", b"II", 42, 0)
        )
        file.write(header)
        # Where the offset of the next directory will be written.
        self._link = 8 if big else 4

    def write_tile(self, block: NDArray[Any]) -> None:
        """Append the next tile of the current plane, row by row.

        Parameters
        ----------
        block : ndarray, shape (h, w, samples), h and w <= TILE
            Smaller only at the lower and right edges; filled up with its edge there.
        """
        missing = [(0, TILE - n) for n in block.shape[:2]]
        full = np.pad(block, [*missing, (0, 0)], mode="edge")
        coded = imagecodecs.deflate_encode(self._predicted(full), COMPRESSION_LEVEL)
        self._tiles.append((self._file.tell(), len(coded)))
        self._file.write(coded)

    def end_plane(self, description: str = "") -> None:
        """Write the directory of the current plane and begin the next.

        Parameters
        ----------
        description : str, ASCII
            ImageDescription of this plane.
        """
        if self._file.tell() % 2:  # a directory begins on a word
            self._file.write(b"\0")
        at = self._file.tell()
        self._file.seek(self._link)
        self._file.write(struct.pack("<Q" if self._big else "<I", at))
        self._file.seek(at)
        self._write_directory(self._tags(description))
        self._tiles = []

    def _predicted(self, tile: NDArray[Any]) -> bytes:
        """Return differences of neighbours, which deflate packs better."""
        values = np.ascontiguousarray(tile, dtype=self._dtype)
        if self._dtype.kind == "f":
            coded = imagecodecs.floatpred_encode(values, axis=-2)
        else:
            coded = imagecodecs.delta_encode(values, axis=-2)
        return np.ascontiguousarray(coded).tobytes()

    def _tags(self, description: str) -> list[tuple[int, int, list[int] | bytes]]:
        height, width, samples = self._shape
        kind = self._dtype.kind
        offset_type = LONG8 if self._big else LONG
        tags: list[tuple[int, int, list[int] | bytes]] = [
            (256, LONG, [width]),
            (257, LONG, [height]),
            (258, SHORT, [8 * self._dtype.itemsize] * samples),
            (259, SHORT, [ADOBE_DEFLATE]),
            (262, SHORT, [2 if samples == 3 else 1]),  # RGB, or black is zero
            (277, SHORT, [samples]),
            (284, SHORT, [1]),  # samples of a pixel lie together
            (305, ASCII, b"napari-gan-enhance\0"),
            (317, SHORT, [FLOATING_POINT if kind == "f" else HORIZONTAL]),
            (322, SHORT, [TILE]),
            (323, SHORT, [TILE]),
            (324, offset_type, [offset for offset, _ in self._tiles]),
            (325, LONG, [size for _, size in self._tiles]),
            (339, SHORT, [SAMPLE_FORMAT[kind]] * samples),
        ]
        if samples > 1 and samples != 3:  # further samples of no stated meaning
            tags.append((338, SHORT, [0] * (samples - 1)))
        if description:
            tags.append((270, ASCII, description.encode("ascii") + b"\0"))
        return sorted(tags)

    def _write_directory(self, tags: list[tuple[int, int, list[int] | bytes]]) -> None:
        """Write a directory and, after it, the values that do not fit into it."""
        entry, inline = ("<HHQ", 8) if self._big else ("<HHI", 4)
        word = "<Q" if self._big else "<I"
        count = struct.pack("<Q" if self._big else "<H", len(tags))
        start = self._file.tell()
        self._link = start + len(count) + len(tags) * (struct.calcsize(entry) + inline)
        after = self._link + inline
        directory, beyond = [count], []
        for code, kind, values in tags:
            data, number = _packed(kind, values)
            directory.append(struct.pack(entry, code, kind, number))
            if len(data) <= inline:
                directory.append(data.ljust(inline, b"\0"))
                continue
            directory.append(struct.pack(word, after))
            padded = data + b"\0" * (len(data) % 2)
            beyond.append(padded)
            after += len(padded)
        # No next directory yet.
        self._file.write(b"".join([*directory, b"\0" * inline, *beyond]))


def _packed(kind: int, values: list[int] | bytes) -> tuple[bytes, int]:
    """Return a tag's values as bytes, and their number."""
    if isinstance(values, bytes):
        return values, len(values)
    return struct.pack(f"<{len(values)}{CODES[kind]}", *values), len(values)
