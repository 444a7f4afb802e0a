"""The one place where whatever a reader throws at damaged files becomes one error.

tifffile raises ValueError, ZeroDivisionError, TypeError, IndexError, MemoryError, codec
errors and more on damaged files, at opening as well as when a region is read much
later; whoever calls sees `FileFormatError` with the file's name in both cases.
"""

from __future__ import annotations

import contextlib
import lzma
import os
import stat
import struct
import zlib
from typing import TYPE_CHECKING

from napari_gan_enhance.errors import FileFormatError, GanEnhanceError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

DECODING_ERRORS: tuple[type[Exception], ...] = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    EOFError,
    LookupError,
    MemoryError,
    OSError,
    RuntimeError,  # also every error of imagecodecs
    SyntaxError,  # XML that cannot be parsed
    TypeError,
    ValueError,  # also TiffFileError, zarr's and pydantic's errors
    lzma.LZMAError,
    struct.error,
    zlib.error,
)
"""What tifffile, imagecodecs, zarr and the XML parsers raise on damaged files."""

MOST_DETAIL = 160
"""Characters kept of a library's message: one line in a terminal or notification."""

KINDS = "TIFF, OME-TIFF, ImageJ, BigTIFF, STK, LSM and OME-Zarr images can be read"


@contextlib.contextmanager
def decoding(path: Path) -> Iterator[None]:
    """Turn every error met while a file is decoded into FileFormatError.

    Parameters
    ----------
    path : Path
        The file; its name stands in the message.

    Raises
    ------
    FileFormatError
        Instead of whatever was raised inside.
    """
    try:
        yield
    except FileFormatError:
        raise
    except GanEnhanceError as error:
        raise FileFormatError(f"{path.name!r} cannot be used: {error}") from error
    except DECODING_ERRORS as error:
        raise FileFormatError(
            f"{path.name!r} cannot be decoded ({_detail(error)}) - {KINDS} - save the "
            "image again with the program that made it."
        ) from error


def check_readable(path: Path) -> None:
    """Refuse a path that is missing, empty, no regular file, or not ours to read.

    Raises
    ------
    FileFormatError
        With the reason.
    """
    try:
        status = path.stat()
        if stat.S_ISREG(status.st_mode):
            with path.open("rb"):
                pass
    except OSError as error:
        raise FileFormatError(
            f"{path.name!r} cannot be opened ({reason(error)}) - an image file that "
            "this account may read is needed - check the path and its permissions."
        ) from error
    except ValueError as error:  # a NUL character in the name
        raise FileFormatError(
            f"{path.name!r} is no file name - a path without NUL characters is "
            "needed - check the path."
        ) from error
    if not stat.S_ISREG(status.st_mode):
        kind = "a folder" if stat.S_ISDIR(status.st_mode) else "no regular file"
        raise FileFormatError(f"{path.name!r} is {kind} - {KINDS} - choose a file.")
    if status.st_size == 0:
        raise FileFormatError(
            f"{path.name!r} is empty - {KINDS} - copy or save the image again."
        )


def reason(error: OSError) -> str:
    """Return in words why the operating system refused."""
    return os.strerror(error.errno) if error.errno else str(error)


def _detail(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    text = lines[0] if lines else type(error).__name__
    if isinstance(error, LookupError):  # its text may be the key alone
        text = f"{text} is missing"
    return text if len(text) <= MOST_DETAIL else text[: MOST_DETAIL - 1] + "…"
