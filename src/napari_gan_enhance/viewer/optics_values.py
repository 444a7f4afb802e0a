"""The microscope's numbers as the docks show them, and where they come from."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeAlias

from napari_gan_enhance.micrograph.micrograph import VoxelSize
from napari_gan_enhance.micrograph.microscope import Microscope

if TYPE_CHECKING:
    from napari_gan_enhance.micrograph.micrograph import Micrograph
    from napari_gan_enhance.viewer.choices import RunChoices

Numbers: TypeAlias = tuple[float | None, ...]

SAMPLES = ("Red", "Green", "Blue", "Alpha")


@dataclass(frozen=True, slots=True)
class OpticsValues:
    """Numbers that set the PSF; None where not known.

    Parameters
    ----------
    numerical_aperture, immersion_index : float or None
    emission_nm : tuple of float or None, nanometres
        One for each channel.
    voxel_size_um : tuple of float or None, µm
        (z, y, x).
    """

    numerical_aperture: float | None = None
    immersion_index: float | None = None
    emission_nm: tuple[float | None, ...] = ()
    voxel_size_um: tuple[float | None, ...] = (None, None, None)

    def by_field(self) -> dict[str, float | None]:
        """Return every number under the name of its field, such as "emission_nm.0"."""
        emission = {f"emission_nm.{i}": v for i, v in enumerate(self.emission_nm)}
        sizes = zip("zyx", self.voxel_size_um, strict=True)
        return {
            "numerical_aperture": self.numerical_aperture,
            "immersion_index": self.immersion_index,
            **emission,
            **{f"voxel_size_um.{axis}": size for axis, size in sizes},
        }


@dataclass(frozen=True, slots=True)
class TypedOptics:
    """What a user has typed over what was shown.

    Parameters
    ----------
    shown, typed : OpticsValues
        Before, and after.
    """

    shown: OpticsValues
    typed: OpticsValues

    def over(self, known: OpticsValues) -> OpticsValues:
        """Return what is known by now, with what was typed in its place."""
        shown, typed = self.shown, self.typed
        aperture, index = _over(
            (known.numerical_aperture, known.immersion_index),
            (shown.numerical_aperture, shown.immersion_index),
            (typed.numerical_aperture, typed.immersion_index),
        )
        return OpticsValues(
            aperture,
            index,
            _over(known.emission_nm, shown.emission_nm, typed.emission_nm),
            _over(known.voxel_size_um, shown.voxel_size_um, typed.voxel_size_um),
        )


def optics_in_file(micrograph: Micrograph) -> OpticsValues:
    """Return what the file says; what it does not say stays None."""
    microscope = micrograph.microscope
    emission = tuple(channel.emission_nm for channel in micrograph.channels)
    if micrograph.is_rgb:  # its one channel says nothing of the single samples
        emission = (None,) * micrograph.size("S")
    return OpticsValues(
        microscope.numerical_aperture,
        microscope.immersion_index,
        emission,
        tuple(micrograph.voxel_size_um),
    )


def optics_chosen(choices: RunChoices) -> OpticsValues:
    """Return the numbers that a run would use."""
    return OpticsValues(
        choices.numerical_aperture,
        choices.immersion_index,
        choices.emission_nm,
        choices.voxel_size_um,
    )


def _over(known: Numbers, shown: Numbers, typed: Numbers) -> Numbers:
    if not len(known) == len(shown) == len(typed):  # other channels by now
        return known
    each = zip(known, shown, typed, strict=True)
    return tuple(k if t == s else t for k, s, t in each)


def with_lateral_optics(micrograph: Micrograph, values: OpticsValues) -> Micrograph:
    """Return a micrograph that says of the lateral PSF what the form says.

    What the form holds counts, even where the file says otherwise: the user saw it.
    The immersion index and the distance between planes need not be on screen: they
    stay the file's, the index where the aperture allows it.

    Parameters
    ----------
    micrograph : Micrograph
    values : OpticsValues

    Returns
    -------
    Micrograph
        The same pixels.

    Raises
    ------
    InputError
        If a number cannot be.
    """
    known, aperture = micrograph.microscope, values.numerical_aperture
    index = known.immersion_index
    fits = aperture is None or index is None or aperture < index
    channels = micrograph.channels
    if len(values.emission_nm) == len(channels) and not micrograph.is_rgb:
        told = zip(channels, values.emission_nm, strict=True)
        channels = tuple(replace(c, emission_nm=emission) for c, emission in told)
    return micrograph.with_pixels(
        micrograph.pixels,
        voxel_size_um=VoxelSize(micrograph.voxel_size_um.z, *values.voxel_size_um[-2:]),
        channels=channels,
        microscope=Microscope(known.modality, aperture, index if fits else None),
    )


def channel_names(micrograph: Micrograph) -> tuple[str, ...]:
    """Return a name for each wavelength; empty where there is none."""
    if micrograph.is_rgb:
        return SAMPLES[: micrograph.size("S")]
    return tuple(channel.name for channel in micrograph.channels)


def with_last_objective(values: OpticsValues, last: RunChoices) -> OpticsValues:
    """Fill a missing objective with the one used last; wavelengths are never guessed.

    Both numbers come from the same objective, so either both are taken or none.
    """
    if (values.numerical_aperture, values.immersion_index) != (None, None):
        return values
    return replace(
        values,
        numerical_aperture=last.numerical_aperture,
        immersion_index=last.immersion_index,
    )
