"""An array on disk for results that do not fit into memory."""

from __future__ import annotations

import contextlib
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_gan_enhance.io.atomic import output_errors

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator


@contextlib.contextmanager
def scratch_array(
    shape: tuple[int, ...],
    dtype: Any,
    folder: str | os.PathLike[str],
    chunks: tuple[int, ...],
) -> Iterator[Any]:
    """Give a zarr array on disk that is removed at the end.

    Parameters
    ----------
    shape : tuple of int
    dtype : dtype-like
    folder : path-like
        Where the array's own temporary folder is made; choose the disk of the result.
    chunks : tuple of int
        As many as `shape`; writes that cover whole chunks need not read first.

    Yields
    ------
    zarr.Array
        Filled with zeros; not compressed.

    Raises
    ------
    OutputError
        If the disk is full or the folder cannot be written to.
    """
    import zarr

    place = Path(folder)
    with (
        output_errors(place),
        tempfile.TemporaryDirectory(
            prefix=".napari-gan-enhance-", dir=place, ignore_cleanup_errors=True
        ) as made,
    ):
        yield zarr.create_array(
            Path(made) / "scratch.zarr",
            shape=shape,
            dtype=dtype,
            chunks=tuple(min(c, max(n, 1)) for c, n in zip(chunks, shape, strict=True)),
            compressors=None,
            fill_value=0,
        )
