"""Files of other projects' test suites: all open but those listed, with the reason."""

from __future__ import annotations

import bz2
from typing import TYPE_CHECKING

import numpy as np
import pytest
import tifffile

from napari_gan_enhance.errors import FileFormatError
from napari_gan_enhance.io.ome_metadata import image_metadata, parse_ome
from napari_gan_enhance.io.read import read_all

if TYPE_CHECKING:
    from pathlib import Path

NOT_READABLE = {
    "0x0.tiff": "without pixels",
    "0x1.tiff": "without pixels",
    "1x0.tiff": "without pixels",
    "deflate-last-strip-extra-data.tiff": "cannot be decoded",  # unpacks to too much
    "gray.c16.tif": "complex128",
    "gray.c8.tif": "complex64",
    "invalid-palette-ref.tiff": "out of bounds",  # 65 colors, index 70
    "logluv-3c-16b.tiff": "not supported",  # SGI LogLuv coding
    # Old-style JPEG without the tables; obsolete since 1995.
    "ojpeg_chewey_subsamp21_multi_strip.tiff": "Not a JPEG file",
    "ojpeg_single_strip_no_rowsperstrip.tiff": "Not a JPEG file",
    "ojpeg_zackthecat_subsamp22_single_strip.tiff": "Not a JPEG file",
    "test_ifd_loop_subifd.tif": "in a circle",
    "test_ifd_loop_to_first.tif": "in a circle",
    "test_ifd_loop_to_self.tif": "in a circle",
}


@pytest.mark.shared_data
def test_every_readable_file_opens(shared_data: Path, tmp_path: Path) -> None:
    folder = shared_data / "readers"
    files = [p for p in sorted(folder.rglob("*")) if p.suffix in (".tif", ".tiff")]
    for packed in sorted(folder.rglob("*.bz2")):
        files.append(tmp_path / packed.stem)
        files[-1].write_bytes(bz2.decompress(packed.read_bytes()))
    refused = {}
    for path in files:
        try:
            images = read_all(path)
        except FileFormatError as error:
            refused[path.name] = str(error)
            continue
        assert all(image.pixels[...].shape == image.shape for image in images)
    assert len(files) == 145
    assert refused.keys() == NOT_READABLE.keys()
    for name, reason in NOT_READABLE.items():
        assert name in refused[name]
        assert reason in refused[name]


@pytest.mark.shared_data
def test_gray_pixels_are_those_of_tifffile(shared_data: Path) -> None:
    for path in sorted(
        (shared_data / "readers" / "imagecodecs").glob("gray.[fiu]?.tif")
    ):
        np.testing.assert_array_equal(read_all(path)[0].pixels, tifffile.imread(path))


@pytest.mark.shared_data
def test_every_ome_xml_is_understood(shared_data: Path) -> None:
    described = 0
    for path in sorted((shared_data / "readers" / "ome-types").glob("*.xml")):
        ome = parse_ome(path.read_text(encoding="utf-8"))
        assert ome is not None, path.name
        for image in ome.images:
            image_metadata(ome, image)
            described += 1
    assert described > 0


def test_what_is_no_ome_xml_is_left_out() -> None:
    assert parse_ome("<OME><Image") is None
    assert parse_ome("<html/>") is None
