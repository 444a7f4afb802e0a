"""Which file something was made of, and in which state the file was."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari_gan_enhance.io.boundary import check_readable, decoding
from napari_gan_enhance.io.read import is_zarr
from napari_gan_enhance.io.tiff_set import files_of_set

if TYPE_CHECKING:
    from pathlib import Path


def file_state(path: Path) -> dict[str, Any]:
    """Tell which image file this is, and by size and time what it holds.

    No checksum: images have terabytes, and who records again changes the time. No
    folder: results are shared, and moved with what they were made of.

    Parameters
    ----------
    path : Path
        A file, or the folder of an OME-Zarr image.

    Returns
    -------
    dict
        JSON values: `name`, that of a link's target; `bytes` and `modified_ns`, the sum
        and the newest of all files that the image is spread over.

    Raises
    ------
    FileFormatError
        If the file cannot be opened.
    """
    folder = is_zarr(path)
    if not folder:
        check_readable(path)
    with decoding(path):
        files = path.rglob("*") if folder else files_of_set(path)
        states = [file.stat() for file in files if file.is_file()]
        return {
            "name": path.resolve().name,
            "bytes": sum(state.st_size for state in states),
            "modified_ns": max(state.st_mtime_ns for state in states),
        }
