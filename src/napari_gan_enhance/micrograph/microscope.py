"""What is known of the microscope that took an image."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from napari_gan_enhance.errors import InputError


class Modality(Enum):
    """How an image was formed; values are OME's acquisition modes."""

    WIDE_FIELD = "WideField"
    CONFOCAL = "LaserScanningConfocalMicroscopy"
    SPINNING_DISK = "SpinningDiskConfocal"


@dataclass(frozen=True, slots=True)
class Microscope:
    """The objective and the way the image was formed; None where not known.

    Parameters
    ----------
    modality : Modality or None
    numerical_aperture : float or None, > 0
    immersion_index : float or None, >= 1
        Refractive index of the immersion medium; above the numerical aperture.

    Raises
    ------
    InputError
        If a value is out of range or the aperture is not below the index.
    """

    modality: Modality | None = None
    numerical_aperture: float | None = None
    immersion_index: float | None = None

    def __post_init__(self) -> None:
        na, index = self.numerical_aperture, self.immersion_index
        if na is not None and not 0 < na < 2:
            raise InputError(
                f"Numerical aperture {na!r} cannot be - it lies above 0 and below 2 - "
                "read it off the objective."
            )
        if index is not None and not 1 <= index < 3:
            raise InputError(
                f"Immersion index {index!r} cannot be - it lies between 1 and 3 - use "
                "1.0 for air, 1.333 for water, 1.515 for oil."
            )
        if na is not None and index is not None and na >= index:
            raise InputError(
                f"Numerical aperture {na} does not fit immersion index {index} - the "
                "aperture must be below the index - correct one of the two."
            )


@dataclass(frozen=True, slots=True)
class Channel:
    """One channel of a micrograph; None where not known.

    Parameters
    ----------
    name : str
        Empty where not known.
    emission_nm, excitation_nm : float or None, nanometres in vacuum, > 0
    color : str or None
        "#rrggbb", as the file wants the channel to be shown.

    Raises
    ------
    InputError
        If a wavelength is not between 100 and 3000 nm.
    """

    name: str = ""
    emission_nm: float | None = None
    excitation_nm: float | None = None
    color: str | None = None

    def __post_init__(self) -> None:
        for value in (self.emission_nm, self.excitation_nm):
            if value is not None and not 100 <= value <= 3000:
                raise InputError(
                    f"Wavelength {value!r} nm cannot be - light has 100 to 3000 nm - "
                    "give the wavelength in nanometres."
                )
