"""Refuse damaged and hostile TIFF files before anything large is decoded."""

from __future__ import annotations

import math
import operator
import re
import struct
from typing import TYPE_CHECKING, Any

from napari_gan_enhance.errors import FileFormatError
from napari_gan_enhance.io.limits import MOST_PLANES, check_chunk

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import tifffile

NOT_COMPRESSED = 1  # TIFF 6.0, tag 259
DESCRIPTION = 270  # ImageDescription, ASCII: OME-XML, ImageJ's and others' facts


def check_header(file: tifffile.TiffFile, path: Path) -> None:
    """Refuse a file whose structure would keep a reader busy for ever.

    Parameters
    ----------
    file : tifffile.TiffFile
        Just opened; its series not asked for yet.
    path : Path

    Raises
    ------
    FileFormatError
    """
    _check_directories(file, path)
    _check_description(file, path)
    _check_declared_planes(file.ome_metadata or "", path)


def check_series(
    series: tifffile.TiffPageSeries, pages: Sequence[Any], path: Path
) -> None:
    """Refuse an image that is not all there or would not fit into memory.

    Parameters
    ----------
    series : tifffile.TiffPageSeries
    pages : sequence of tifffile.TiffPage or None
        Those of the series that hold the image.
    path : Path

    Raises
    ------
    FileFormatError
    """
    page = series.keyframe
    if 0 in series.shape or 0 in page.shape:
        raise FileFormatError(
            f"{path.name!r} holds an image of shape {tuple(series.shape)} without "
            "pixels - every axis needs at least one - choose another file."
        )
    if int(page.compression) != NOT_COMPRESSED:
        check_chunk(page.chunks, page.dtype.itemsize, path)
    missing = sum(1 for page in pages if page is None)
    if missing:
        raise FileFormatError(
            f"{missing} of {len(pages)} planes of {path.name!r} are not there "
            "- every plane is needed - put all files of the set into one folder, or "
            "save what there is as a new image."
        )
    _check_stored(series, pages, path)
    _check_described(series, path)


def _check_directories(file: tifffile.TiffFile, path: Path) -> None:
    """Refuse directories that form a circle or lie over each other.

    tifffile finds some circles only; on others it goes on until memory ends. Where the
    list leads out of the file, it takes the planes listed so far for all there are.
    """
    layout, handle = file.tiff, file.filehandle
    offset, seen, used = int(file.pages.first.offset), set(), 0
    while offset:
        seen.add(offset)
        try:
            handle.seek(offset)
            (tags,) = struct.unpack(layout.tagnoformat, handle.read(layout.tagnosize))
            handle.seek(offset + layout.tagnosize + tags * layout.tagsize)
            link = handle.read(layout.offsetsize)
            (offset,) = struct.unpack(layout.offsetformat, link)
        except struct.error:
            raise _cut_short(path, "its list of images must lie inside it") from None
        used += tags * layout.tagsize
        if offset in seen or used > handle.size:
            raise FileFormatError(
                f"{path.name!r} lists its images in a circle - the list must come to "
                "an end - save the image again with the program that made it."
            )


def _check_description(file: tifffile.TiffFile, path: Path) -> None:
    """Refuse a file whose description is cut off, which tifffile leaves out silently.

    The pixels may be all there, but voxel size and channels stand in the description.
    """
    layout, handle = file.tiff, file.filehandle
    handle.seek(file.pages.first.offset)
    (tags,) = struct.unpack(layout.tagnoformat, handle.read(layout.tagnosize))
    word = "Q" if layout.offsetsize == 8 else "I"
    entry = f"{file.byteorder}HH{word}{word}"
    directory = handle.read(tags * struct.calcsize(entry))
    for code, _, length, offset in struct.iter_unpack(entry, directory):
        outside = length > layout.offsetsize and offset + length > handle.size
        if code == DESCRIPTION and outside:
            raise _cut_short(path, "its description must lie inside it")


def _check_declared_planes(ome_xml: str, path: Path) -> None:
    """Refuse OME-XML that claims more planes than a list of them would fit."""
    for sizes in re.findall(r"<(?:\w+:)?Pixels\b[^>]*>", ome_xml):
        numbers = re.findall(r"\bSize[CZT]\s*=\s*[\"'](\d+)", sizes)
        planes = math.prod(int(number) for number in numbers)
        if planes > MOST_PLANES:
            raise FileFormatError(
                f"{path.name!r} claims {planes} planes - up to {MOST_PLANES} are read "
                "- the file is damaged; save the image again."
            )


def _check_stored(
    series: tifffile.TiffPageSeries, pages: Sequence[Any], path: Path
) -> None:
    """Refuse planes whose pieces are not all inside the file."""
    pieces = math.prod(series.keyframe.chunked)
    for page in pages:
        size = page.parent.filehandle.size
        ends = map(operator.add, page.dataoffsets, page.databytecounts)
        if len(page.dataoffsets) < pieces or max(ends, default=0) > size:
            raise _cut_short(path, f"{pieces} pieces of each plane are needed")


def _check_described(series: tifffile.TiffPageSeries, path: Path) -> None:
    """Refuse planes of ImageJ that end early, which tifffile leaves out silently.

    Above 4 GB ImageJ writes one directory, and all planes behind it; how many there
    are stands in the description alone. A program that saves one of them again may
    keep the description: behind its plane no others begin.
    """
    page = series.keyframe
    file = page.parent
    images = (file.imagej_metadata or {}).get("images", 1)
    if images == 1 or series.size > page.size or file.pages.is_multipage:
        return
    start = page.dataoffsets[0]
    if page.offset < start and start + 2 * page.nbytes <= file.filehandle.size:
        raise _cut_short(path, f"it says that it holds {images} planes")


def _cut_short(path: Path, rule: str) -> FileFormatError:
    return FileFormatError(
        f"{path.name!r} is cut short - {rule} - copy the file again from where it came."
    )
