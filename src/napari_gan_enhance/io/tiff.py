"""Open the image series of a TIFF file as Micrographs."""

from __future__ import annotations

import weakref
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import tifffile

from napari_gan_enhance.errors import FileFormatError
from napari_gan_enhance.io.axes import plan_axes
from napari_gan_enhance.io.boundary import check_readable, decoding
from napari_gan_enhance.io.lazy import LazyPixels, OpenFile, file_stem
from napari_gan_enhance.io.tiff_checks import check_header, check_series
from napari_gan_enhance.io.tiff_color import alpha_samples, conversion, is_color
from napari_gan_enhance.io.tiff_metadata import read_metadata
from napari_gan_enhance.io.tiff_set import POSITION, own_positions, pages_of
from napari_gan_enhance.micrograph.micrograph import Micrograph

if TYPE_CHECKING:
    from pathlib import Path

FORMATS = {
    "ome": "OME-TIFF",
    "imagej": "ImageJ TIFF",
    "stk": "MetaMorph STK",
    "lsm": "Zeiss LSM",
    "mmstack": "Micro-Manager TIFF",
    "sis": "Olympus TIFF",
    "fluoview": "FluoView TIFF",
    "scanimage": "ScanImage TIFF",
}
"""tifffile's names of kinds of series, in words."""


class TiffImages(Sequence[Micrograph]):
    """The images of one open TIFF file: its series, or each position of a stage.

    Thumbnails are left out.

    Parameters
    ----------
    path : Path

    Raises
    ------
    FileFormatError
        If the file cannot be read or holds no image.
    """

    def __init__(self, path: Path) -> None:
        check_readable(path)
        self.path = path
        with decoding(path):
            self.file = tifffile.TiffFile(path)
            self._opened = OpenFile(self.file.close)
            check_header(self.file, path)
            self._images = [
                (series, position)
                for series in self.file.series
                if not _is_thumbnail(series)
                for position in own_positions(series)
            ]
        if not self._images:
            raise FileFormatError(
                f"{path.name!r} holds no image - at least one is needed - choose "
                "another file."
            )

    @property
    def format(self) -> str:
        """What kind of TIFF it is, in words."""
        kind = FORMATS.get(self._images[0][0].kind, "TIFF")
        return f"{kind} (BigTIFF)" if self.file.is_bigtiff else kind

    def __len__(self) -> int:
        """Count the images."""
        return len(self._images)

    def __getitem__(self, index: Any) -> Any:
        """Return one image; its pixels are decoded when they are read."""
        series, position = self._images[index]
        with decoding(self.path):
            pixels, axes = self._pixels(series, position)
            metadata = read_metadata(self.file, series)
            channels = metadata.channels
            size = dict(zip(axes, pixels.shape, strict=True)).get("C", 1)
            return Micrograph(
                pixels=pixels,
                axes=axes,
                voxel_size_um=metadata.voxel_size_um,
                time_step_s=metadata.time_step_s,
                channels=channels if len(channels) == size else (),
                microscope=metadata.microscope,
                name=self._name(series, position),
                provenance=metadata.provenance,
            )

    def _pixels(
        self, series: tifffile.TiffPageSeries, position: int
    ) -> tuple[LazyPixels, str]:
        page = series.keyframe
        check_series(series, pages_of(series, position), self.path)
        plan = plan_axes(
            series.axes,
            tuple(int(n) for n in series.shape),
            color=is_color(page),
            alpha=alpha_samples(page),
            position=position,
        )
        convert, samples = conversion(page)
        pixels = LazyPixels(
            _source(series),
            plan,
            self.path,
            self._opened,
            convert=convert,
            samples=samples,
        )
        return pixels, plan.axes + ("S" if samples else "")

    def _name(self, series: tifffile.TiffPageSeries, position: int) -> str:
        stem = file_stem(self.path)
        if len(self._images) == 1:
            return stem
        if POSITION in series.axes:
            return f"{stem}: position {position}"
        return f"{stem}: {series.name or self._images.index((series, position))}"


def _source(series: tifffile.TiffPageSeries) -> Any:
    """Return an array that decodes on reading: a memory map where nothing is coded."""
    page = series.keyframe
    file = page.parent.filehandle
    if series.dataoffset is not None and page.is_memmappable:
        dtype = np.dtype(page.parent.byteorder + page.dtype.char)
        return file.memmap_array(dtype, series.shape, series.dataoffset)
    import zarr

    store = series.aszarr(level=0)
    array = zarr.open_array(store, mode="r")
    # It opens the other files of a set, which are not `file`'s to close.
    weakref.finalize(array, store.close)
    return array


def _is_thumbnail(series: tifffile.TiffPageSeries) -> bool:
    return bool(series.kind == "lsm" and series.keyframe.is_reduced)
