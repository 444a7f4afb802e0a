"""What a file says about an image besides its pixels, cleaned of nonsense."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from napari_gan_enhance.errors import InputError
from napari_gan_enhance.micrograph.micrograph import (
    UNKNOWN_MICROSCOPE,
    UNKNOWN_SIZE,
    VoxelSize,
)
from napari_gan_enhance.micrograph.microscope import Channel, Microscope, Modality

if TYPE_CHECKING:
    from collections.abc import Mapping

UM_PER_UNIT = {
    "m": 1e6,
    "dm": 1e5,
    "cm": 1e4,
    "mm": 1e3,
    "µm": 1.0,
    "um": 1.0,
    "micron": 1.0,
    "microns": 1.0,
    "micrometer": 1.0,
    "micrometers": 1.0,
    "micrometre": 1.0,
    "nm": 1e-3,
    "nanometer": 1e-3,
    "nanometers": 1e-3,
    "pm": 1e-6,
    "Å": 1e-4,
    "angstrom": 1e-4,
    "millimeter": 1e3,
    "centimeter": 1e4,
    "meter": 1e6,
    "in": 25400.0,
    "inch": 25400.0,
}
"""Length units found in TIFF files; pixels and other units are no lengths."""

S_PER_UNIT = {
    "s": 1.0,
    "sec": 1.0,
    "second": 1.0,
    "seconds": 1.0,
    "ms": 1e-3,
    "msec": 1e-3,
    "millisecond": 1e-3,
    "milliseconds": 1e-3,
    "µs": 1e-6,
    "us": 1e-6,
    "microsecond": 1e-6,
    "ns": 1e-9,
    "min": 60.0,
    "minute": 60.0,
    "minutes": 60.0,
    "h": 3600.0,
    "hr": 3600.0,
    "hour": 3600.0,
    "hours": 3600.0,
    "d": 86400.0,
    "day": 86400.0,
}


@dataclass(frozen=True, slots=True)
class FileMetadata:
    """Metadata of one image; see `Micrograph` for the meaning of each part."""

    voxel_size_um: VoxelSize = UNKNOWN_SIZE
    time_step_s: float | None = None
    channels: tuple[Channel, ...] = ()
    microscope: Microscope = UNKNOWN_MICROSCOPE
    provenance: Mapping[str, Any] = field(default_factory=dict)


def positive(value: object, factor: float | None = 1.0) -> float | None:
    """Return value x factor where that is a positive finite number, else None."""
    if factor is None or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value) * factor
    except ValueError:
        return None
    return number if math.isfinite(number) and number > 0 else None


def length_um(value: object, unit: object) -> float | None:
    """Return a length in µm, None where value or unit is no length."""
    name = str(unit).strip().replace("\u03bc", "µ").replace("\\u00B5", "µ")
    return positive(value, UM_PER_UNIT.get(name, UM_PER_UNIT.get(name.lower())))


def duration_s(value: object, unit: object) -> float | None:
    """Return a time in seconds, None where value or unit is no time."""
    name = str(unit).strip().replace("\u03bc", "µ")
    return positive(value, S_PER_UNIT.get(name, S_PER_UNIT.get(name.lower())))


def channel(
    name: object = "",
    *,
    emission_nm: float | None = None,
    excitation_nm: float | None = None,
    color: object = None,
) -> Channel:
    """Return a channel; a wavelength that light cannot have is left out."""
    text = "" if name is None else str(name)
    rgb = color if isinstance(color, str) and _is_color(color) else None
    return Channel(text, _light(emission_nm), _light(excitation_nm), rgb)


def microscope(
    modality: Modality | None = None,
    numerical_aperture: float | None = None,
    immersion_index: float | None = None,
) -> Microscope:
    """Return a microscope; values that cannot be, or contradict, are left out."""
    aperture = _allowed_aperture(numerical_aperture)
    index = _allowed_index(immersion_index)
    if aperture is not None and index is not None and aperture >= index:
        # Files often give the index of the mounting medium in this place.
        index = None
    return Microscope(modality, aperture, index)


def modality(name: object) -> Modality | None:
    """Return the modality with OME's name, None for any other."""
    found = [m for m in Modality if m.value == str(name)]
    return found[0] if found else None


def _allowed_aperture(value: float | None) -> float | None:
    try:
        return Microscope(numerical_aperture=value).numerical_aperture
    except InputError:
        return None


def _allowed_index(value: float | None) -> float | None:
    try:
        return Microscope(immersion_index=value).immersion_index
    except InputError:
        return None


def _light(value: float | None) -> float | None:
    try:
        return Channel(emission_nm=value).emission_nm
    except InputError:
        return None


def _is_color(text: str) -> bool:
    return re.fullmatch("#[0-9a-f]{6}", text) is not None
