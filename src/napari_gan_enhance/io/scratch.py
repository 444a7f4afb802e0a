"""An array on disk for results that do not fit into memory."""

from __future__ import annotations

import contextlib
import errno
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_gan_enhance.errors import OutputError
from napari_gan_enhance.io.atomic import ADVICE, output_errors

FULL = (errno.ENOSPC, errno.EDQUOT)
"""What only writing can fail with; others may come from reading the source."""

if TYPE_CHECKING:
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

    from napari_gan_enhance.io.scratch_store import ScratchStore

    place = Path(folder)
    with (
        output_errors(place),
        scratch_errors(place),
        tempfile.TemporaryDirectory(
            prefix=".napari-gan-enhance-", dir=place, ignore_cleanup_errors=True
        ) as made,
    ):
        yield zarr.create_array(
            ScratchStore(Path(made) / "scratch.zarr"),
            shape=shape,
            dtype=dtype,
            chunks=tuple(min(c, max(n, 1)) for c, n in zip(chunks, shape, strict=True)),
            compressors=None,
            fill_value=0,
        )


@contextlib.contextmanager
def scratch_errors(folder: Path) -> Iterator[None]:
    """Turn a full disk under a scratch array into OutputError.

    Parameters
    ----------
    folder : Path
        Where the scratch array lies, for the message.

    Raises
    ------
    OutputError
        If the disk is full; other errors pass.
    """
    try:
        yield
    except OSError as error:
        if isinstance(error, OutputError) or error.errno not in FULL:
            raise
        raise OutputError(
            f"{str(folder)!r} cannot take an intermediate result "
            f"({os.strerror(error.errno)}) - results larger than memory are kept there "
            f"at first - {ADVICE[error.errno]}."
        ) from error
