"""What the makers of TIFF variants wrote about an image: one function for each.

Resolution tags are trusted only where they carry a real unit and a size that a
microscope can have; 72 dpi is what programs write when they know nothing.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_gan_enhance.io.file_metadata import (
    FileMetadata,
    channel,
    duration_s,
    length_um,
    microscope,
    positive,
)
from napari_gan_enhance.micrograph.micrograph import VoxelSize

if TYPE_CHECKING:
    import tifffile

    from napari_gan_enhance.micrograph.microscope import Channel

LARGEST_PIXEL_UM = 15.0
"""Camera pixels have up to 15 µm and objectives magnify; 1200 dpi is 21 µm."""

INCH, CENTIMETER = 2, 3  # TIFF 6.0, tag 296
UNIT_NAMES = {INCH: "inch", CENTIMETER: "cm"}


def read_metadata(
    file: tifffile.TiffFile, series: tifffile.TiffPageSeries
) -> FileMetadata:
    """Read what the file says about one series.

    Parameters
    ----------
    file : tifffile.TiffFile
    series : tifffile.TiffPageSeries

    Returns
    -------
    FileMetadata
        Missing values are None, channels empty where nothing is said of them.
    """
    if series.kind in ("ome", "mmstack") and file.is_ome:
        from napari_gan_enhance.io.ome_metadata import read_ome

        images = [s for s in file.series if s.kind == series.kind]
        index = images.index(series)
        metadata = read_ome(file.ome_metadata, index, series.name, len(images))
        if metadata is not None:
            return metadata
    readers = {
        "imagej": _imagej,
        "stk": _stk,
        "lsm": _lsm,
        "mmstack": _micro_manager,
        "sis": _olympus,
    }
    reader = readers.get(series.kind)
    metadata = FileMetadata() if reader is None else reader(file)
    if series.kind == "imagej" or metadata.voxel_size_um.x is not None:
        return metadata
    y, x = _resolution_um(series.keyframe)
    return replace(metadata, voxel_size_um=metadata.voxel_size_um._replace(y=y, x=x))


def _imagej(file: tifffile.TiffFile) -> FileMetadata:
    facts = file.imagej_metadata or {}
    unit = facts.get("unit", "")
    page = file.pages.first
    pixels_per_unit = _resolution(page)
    y, x = (_believable(length_um(v, unit), unit) for v in pixels_per_unit)
    # ImageJ writes spacing in the same unit; without a unit it means nothing.
    z = _believable(length_um(facts.get("spacing"), unit), unit)
    time_step = duration_s(facts.get("finterval"), facts.get("tunit", "s"))
    if time_step is None and positive(facts.get("fps")):
        time_step = 1 / float(facts["fps"])
    return FileMetadata(VoxelSize(z, y, x), time_step, _imagej_channels(facts))


def _imagej_channels(facts: dict[str, Any]) -> tuple[Channel, ...]:
    """ImageJ keeps no channel names, but one lookup table for each channel."""
    count = facts.get("channels", 1)
    tables = facts.get("LUTs") or []
    if count < 2 or len(tables) != count:
        return ()
    brightest = [np.asarray(table)[:, -1] for table in tables]
    return tuple(channel(color=_hex_color(*rgb)) for rgb in brightest)


def _stk(file: tifffile.TiffFile) -> FileMetadata:
    facts = file.stk_metadata or {}
    unit = facts.get("CalibrationUnits", "")
    y = length_um(facts.get("YCalibration"), unit)
    x = length_um(facts.get("XCalibration"), unit)
    if not facts.get("SpatialCalibration", 1):
        y = x = None
    distances = np.unique(np.atleast_1d(facts.get("ZDistance", 0.0)))
    # MetaMorph gives the distance to the next plane in µm.
    z = positive(float(distances[0])) if len(distances) == 1 else None
    text = "".join(facts.get("PlaneDescriptions", [])[:1])
    return FileMetadata(
        VoxelSize(z, y, x),
        channels=(channel(str(facts.get("Name", ""))),) if facts.get("Name") else (),
        microscope=microscope(
            None, _metamorph(text, "_MagNA_"), _metamorph(text, "_MagRI_")
        ),
    )


def _metamorph(text: str, name: str) -> float | None:
    """Return a positive property of MetaMorph's XML description."""
    found = re.search(rf'id="{name}"[^>]*value="([^"]+)"', text)
    return positive(found[1]) if found else None


def _lsm(file: tifffile.TiffFile) -> FileMetadata:
    facts = file.lsm_metadata or {}
    # Zeiss writes metres and seconds.
    z, y, x = (length_um(facts.get(f"VoxelSize{a}"), "m") for a in "ZYX")
    colors = facts.get("ChannelColors") or {}
    pairs = zip(colors.get("ColorNames", []), colors.get("Colors", []), strict=False)
    objective = str((facts.get("ScanInformation") or {}).get("Objective", ""))
    aperture = re.search(r"x/(\d(?:\.\d+)?)", objective)  # "Plan-Apo 63x/1.40 Oil"
    return FileMetadata(
        VoxelSize(z, y, x),
        duration_s(facts.get("TimeIntervall"), "s"),
        tuple(channel(name, color=_hex_color(*rgba[:3])) for name, rgba in pairs),
        microscope(None, positive(aperture[1]) if aperture else None),
    )


def _micro_manager(file: tifffile.TiffFile) -> FileMetadata:
    facts = (file.micromanager_metadata or {}).get("Summary", {})
    pixel = positive(facts.get("PixelSize_um"))
    names = facts.get("ChNames") or []
    return FileMetadata(
        VoxelSize(positive(facts.get("z-step_um")), pixel, pixel),
        duration_s(facts.get("Interval_ms"), "ms"),
        tuple(channel(name) for name in names),
    )


def _olympus(file: tifffile.TiffFile) -> FileMetadata:
    facts = file.sis_metadata or {}
    y, x = (length_um(facts.get(f"pixelsize{a}"), "m") for a in "yx")
    return FileMetadata(VoxelSize(None, y, x))


def _resolution_um(page: tifffile.TiffPage) -> tuple[float | None, float | None]:
    """Return (y, x) pixel size from the resolution tags, None where not credible."""
    tag = page.tags.get(296)
    unit = UNIT_NAMES.get(int(tag.value), "") if tag is not None else ""
    y, x = (_believable(length_um(v, unit), unit) for v in _resolution(page))
    return y, x


def _resolution(page: tifffile.TiffPage) -> tuple[float | None, float | None]:
    """Return (y, x) units per pixel, of whatever unit."""
    sizes = []
    for code in (283, 282):  # YResolution, XResolution: pixels per unit
        tag = page.tags.get(code)
        pair = tag.value if tag is not None else (0, 1)
        good = isinstance(pair, tuple) and len(pair) == 2 and pair[0] > 0
        sizes.append(pair[1] / pair[0] if good else None)
    return sizes[0], sizes[1]


def _believable(size_um: float | None, unit: object) -> float | None:
    """Return the size unless its unit is that of a print and the size no pixel's."""
    microscopic = length_um(1, unit) is not None and (length_um(1, unit) or 0) <= 1
    if size_um is None or microscopic or size_um <= LARGEST_PIXEL_UM:
        return size_um
    return None


def _hex_color(red: int, green: int, blue: int) -> str:
    return f"#{int(red):02x}{int(green):02x}{int(blue):02x}"
