"""How wide the PSF is in pixels: what a generator may be told of the optics."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

    from napari_gan_enhance.micrograph.micrograph import Micrograph

FWHM = 0.514
"""Lateral full width at half maximum of a wide-field PSF in wavelength / NA (Born and
Wolf, Principles of Optics, 7th ed., section 8.5: the Airy pattern)."""

UNIT_PX = 4.0
"""Width in pixels that a network is told as 1, so that usual ones lie within its input
intensities; 0 means not known."""


def psf_width_px(micrograph: Micrograph, channel: int = 0) -> float | None:
    """Return the lateral FWHM of a wide-field PSF in pixels; None where not known.

    Parameters
    ----------
    micrograph : Micrograph
        Numerical aperture, emission wavelength and pixel size are taken from it.
    channel : int

    Returns
    -------
    float or None
        0.514 wavelength / NA / pixel size.
    """
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


def with_width_plane(images: Tensor, widths_px: list[float | None]) -> Tensor:
    """Append a constant plane that tells the width of each image's PSF.

    Parameters
    ----------
    images : Tensor, shape (N, C, Y, X)
    widths_px : list of float or None, one for each image
        None where not known.

    Returns
    -------
    Tensor, shape (N, C + 1, Y, X)
    """
    import torch  # whoever asks for a width alone does without

    told = [0.0 if width is None else width / UNIT_PX for width in widths_px]
    plane = torch.tensor(told, dtype=images.dtype, device=images.device)
    shape = (len(images), 1, *images.shape[-2:])
    return torch.cat([images, plane.view(-1, 1, 1, 1).expand(shape)], dim=1)
