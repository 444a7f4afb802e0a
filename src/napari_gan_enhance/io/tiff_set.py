"""OME-TIFF images that are spread over several files."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import tifffile

from napari_gan_enhance.errors import FileFormatError
from napari_gan_enhance.io.boundary import check_readable, decoding

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def files_of_set(path: Path) -> set[Path]:
    """Return the files over which a TIFF file says that its images are spread.

    Only the head of the file is read.

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
            xml = file.ome_metadata
        if xml:
            return {path, *(path.parent / name for name in _others(xml, path.name))}
    return {path}


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
