"""What a generator may be told of the optics: width of the PSF, and pixel size."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from napari_gan_enhance.micrograph.micrograph import Micrograph

FWHM = 0.514
"""Lateral full width at half maximum of a wide-field PSF in wavelength / NA (Born and
Wolf, Principles of Optics, 7th ed., section 8.5: the Airy pattern)."""


class ToldOptics(NamedTuple):
    """The optics of one channel; None where not known.

    Parameters
    ----------
    psf_width_px : float or None, pixels
        Lateral FWHM of a wide-field PSF: how blurred the image is.
    pixel_um : float or None, µm
        Beside the width it tells the aperture, and with it how deep the focus is: how
        much of the light is haze.
    """

    psf_width_px: float | None = None
    pixel_um: float | None = None


UNKNOWN = ToldOptics()

UNITS = ToldOptics(4.0, 0.25)
"""What a network is told as 1, so that usual values lie within its input intensities;
0 means not known."""


def told_optics(micrograph: Micrograph, channel: int = 0) -> ToldOptics:
    """Return what a micrograph says of the optics of a channel.

    Parameters
    ----------
    micrograph : Micrograph
        Numerical aperture, emission wavelength and pixel size are taken from it.
    channel : int

    Returns
    -------
    ToldOptics
        The width is 0.514 wavelength / NA / pixel size.
    """
    pixel_um = micrograph.voxel_size_um.x
    return ToldOptics(_psf_width_px(micrograph, channel), pixel_um)


def with_told_planes(
    images: Tensor, optics: Sequence[ToldOptics], names: Sequence[str]
) -> Tensor:
    """Append constant planes that tell the optics of each image.

    Parameters
    ----------
    images : Tensor, shape (N, C, Y, X)
    optics : sequence of ToldOptics, one for each image
    names : sequence of str
        Fields of `ToldOptics`: one plane each.

    Returns
    -------
    Tensor, shape (N, C + len(names), Y, X)
    """
    import torch  # whoever asks for the optics alone does without

    if not names:
        return images
    rows = [[_in_units(one, name) for name in names] for one in optics]
    planes = torch.tensor(rows, dtype=images.dtype, device=images.device)
    shape = (*planes.shape, *images.shape[-2:])
    return torch.cat([images, planes[..., None, None].expand(shape)], dim=1)


def _in_units(optics: ToldOptics, name: str) -> float:
    value = getattr(optics, name)
    return 0.0 if value is None else float(value / getattr(UNITS, name))


def _psf_width_px(micrograph: Micrograph, channel: int) -> float | None:
    aperture = micrograph.microscope.numerical_aperture
    pixel_um = micrograph.voxel_size_um.x
    if micrograph.is_rgb or aperture is None or pixel_um is None:
        return None
    if channel >= len(micrograph.channels):
        return None
    emission_nm = micrograph.channels[channel].emission_nm
    if emission_nm is None:
        return None
    return FWHM * 1e-3 * emission_nm / aperture / pixel_um
