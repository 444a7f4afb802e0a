"""Images that are spread over several TIFF files, and files that are about others."""

from __future__ import annotations

import contextlib
import logging
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import numpy as np
import tifffile

from napari_gan_enhance.errors import FileFormatError
from napari_gan_enhance.io.boundary import check_readable, decoding
from napari_gan_enhance.io.tiff_checks import check_header

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

POSITION = "R"
"""tifffile's letter for the places that a stage went to, each an image of its own."""

# tifffile reports damage that it works around; without a configured log that would
# go to standard error.
logging.getLogger("tifffile").addHandler(logging.NullHandler())


def files_of_set(path: Path) -> set[Path]:
    """Return the files over which a TIFF file says that its images are spread.

    Only the head of the file is read; of Micro-Manager's, what lists the planes.

    Parameters
    ----------
    path : Path

    Returns
    -------
    set of Path
        The file itself, and those beside it that it names; they may be missing. Of a
        file that cannot be read the file alone: reading it says what is wrong.
    """
    with contextlib.suppress(FileFormatError), decoding(path):
        check_readable(path)
        with tifffile.TiffFile(path) as file:
            if file.is_mmstack:
                check_header(file, path)
                if (series := file.series[0]).kind == "mmstack":
                    names = _own(series)[1]
                    return {path, *(path.parent / name for name in names)}
            xml = file.ome_metadata
        if xml:
            return {path, *(path.parent / name for name in _others(xml, path.name))}
    return {path}


def own_positions(series: tifffile.TiffPageSeries) -> list[int]:
    """Return the positions that a file gives of all that its series holds.

    Each file of a Micro-Manager dataset tells of all its files. It gives the positions
    that it holds, so that each comes from one file, and where those go on in other
    files the positions of these, too.

    Parameters
    ----------
    series : tifffile.TiffPageSeries

    Returns
    -------
    list of int
        Not empty; 0 alone where there are no positions.
    """
    return _own(series)[0] if POSITION in series.axes else [0]


def pages_of(series: tifffile.TiffPageSeries, position: int) -> list[Any]:
    """Return the pages of one position; None for a plane that is not there."""
    return [series.pages[i] for i in _page_numbers(series)[position]]


def _own(series: tifffile.TiffPageSeries) -> tuple[list[int], set[str]]:
    """Return the positions that a file gives, and the names of their files."""
    rows = _page_numbers(series)
    files = {series.keyframe.parent.filehandle.name}
    if not series.is_multifile:
        return list(range(len(rows))), files
    found = [
        {page.parent.filehandle.name for i in row if (page := series.pages[i])}
        for row in rows
    ]
    while more := {name for names in found if names & files for name in names} - files:
        files |= more
    return [i for i, names in enumerate(found) if names & files], files


def _page_numbers(series: tifffile.TiffPageSeries) -> NDArray[np.intp]:
    """Return the numbers of all pages; one row for each position."""
    numbers = np.arange(len(series.pages))
    at = series.axes.find(POSITION)
    if at < 0:
        return numbers[np.newaxis]
    stacked = series.shape[: len(series.shape) - series.keyframe.ndim]
    if len(numbers) != np.prod(stacked):  # one page stands for all behind it
        numbers = np.zeros(stacked, np.intp)
    return np.moveaxis(numbers.reshape(stacked), at, 0).reshape(stacked[at], -1)


def _others(xml: str, own_name: str) -> Iterator[str]:
    """Yield the names of other files in OME-XML, by the rules of tifffile.

    A file may have been renamed: its UUID tells which planes are its own, and only
    where it has none its name does.
    """
    root = ET.fromstring(xml)
    own = root.get("UUID")
    for part in root.iter():
        name = part.get("FileName")
        if name is None or not part.tag.endswith("UUID"):
            continue
        is_own = part.text == own if own else name.lower() == own_name.lower()
        if not is_own:
            yield name
