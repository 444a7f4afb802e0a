"""The PSF of each channel of a micrograph, and what its operator must know."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari_gan_enhance.optics.psf import point_spread_function, psf_shape
from napari_gan_enhance.optics.psf_file import read_psf

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from napari_gan_enhance.micrograph.micrograph import Micrograph
    from napari_gan_enhance.optics.settings import DeconvolveSettings, Optics


def channel_psfs(
    micrograph: Micrograph, settings: DeconvolveSettings, optics: Optics
) -> tuple[list[NDArray[np.float32]], tuple[str, ...]]:
    """Return one PSF for each channel, all of one shape, and what to tell the user.

    Parameters
    ----------
    micrograph : Micrograph
    settings : DeconvolveSettings
    optics : Optics
        The settings completed.

    Raises
    ------
    InputError, FileFormatError
        If a PSF from a file cannot be used.
    """
    if optics.psf_path is not None:
        measured = read_psf(optics.psf_path, optics.spatial_axes, optics.voxel_size_um)
        return [measured.values] * len(optics.emission_nm), measured.notes
    voxel = optics.voxel_size_um
    objective: dict[str, Any] = {
        "numerical_aperture": optics.numerical_aperture,
        "immersion_index": optics.immersion_index,
        "model": settings.model,
    }
    if settings.model == "gibson-lanni":
        objective["depth_um"] = settings.depth_um
        objective["sample_index"] = settings.sample_index
    # One halo for all channels, as tiles are cut alike: the reddest PSF is the largest.
    reddest = max(v for v in optics.emission_nm if v is not None)
    image_shape = tuple(micrograph.size(axis) for axis in optics.spatial_axes)
    shape = psf_shape(image_shape, voxel, emission_nm=reddest, **objective)
    integrate = settings.convention == "fair"
    computed = {
        wavelength: point_spread_function(
            shape, voxel, emission_nm=wavelength, integrate=integrate, **objective
        )
        for wavelength in set(optics.emission_nm)
        if wavelength is not None
    }
    return [computed[v] for v in optics.emission_nm if v is not None], ()


def operator_options(settings: DeconvolveSettings, optics: Optics) -> dict[str, Any]:
    """Return the keywords of RichardsonLucy that change what it computes."""
    is_fair = settings.convention == "fair"
    return {
        "algorithm": settings.algorithm,
        "tv_weight": settings.tv_weight,
        "spacing": _spacing(optics),
        "background": settings.background or 0.0,
        "boundary": "reflect" if is_fair else "periodic",
        "darkness": "relative" if is_fair else "absolute",
    }


def _spacing(optics: Optics) -> tuple[float, ...] | None:
    """Return the voxel size along the axes of a PSF; None where it is not known."""
    voxel = optics.voxel_size_um[-len(optics.spatial_axes) :]
    known = tuple(size for size in voxel if size is not None)
    return known if len(known) == len(voxel) else None
