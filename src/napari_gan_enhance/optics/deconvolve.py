"""Deconvolve a micrograph: the job of the viewer, the command line and scripts."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_gan_enhance import __version__
from napari_gan_enhance.device import free_device_bytes, select_device
from napari_gan_enhance.micrograph.intensity import fit_intensity_scaling
from napari_gan_enhance.micrograph.view import AxesView
from napari_gan_enhance.optics.psf import point_spread_function, psf_shape
from napari_gan_enhance.optics.psf_file import read_psf
from napari_gan_enhance.optics.richardson_lucy import RichardsonLucy
from napari_gan_enhance.optics.settings import DeconvolveSettings, Optics, complete
from napari_gan_enhance.progress import Job, Progress
from napari_gan_enhance.tiling.engine import Part
from napari_gan_enhance.tiling.memory import checked_tile, fitting_tile, free_bytes
from napari_gan_enhance.tiling.region import (
    Region,
    positions,
    run_places,
    snapped_region,
)

if TYPE_CHECKING:
    import torch
    from numpy.typing import NDArray

    from napari_gan_enhance.micrograph.micrograph import Micrograph
    from napari_gan_enhance.tiling.schedule import Schedule

STAGE = "deconvolving"

PREFERRED = ("cuda", "cpu")
"""Apple's GPU is taken only by name: Fourier transforms on it have not been tried."""

FREE_SHARE = 0.5
"""Share of the free memory that one window may take: one tile has no seams."""

MOST_BYTES = 2 * 2**30
"""Limit for a window in main memory, about 50 million voxels: larger ones would not
report twice a second on two cores."""


def deconvolve(
    micrograph: Micrograph,
    settings: DeconvolveSettings,
    *,
    target: Any = None,
    region: Region | None = None,
    schedule: Schedule | None = None,
) -> Job[Micrograph]:
    """Deconvolve a micrograph by Richardson-Lucy, each channel with its own PSF.

    A stack is deconvolved in three dimensions, time by time; a plane with the PSF in
    focus. Samples of an RGB image are channels. What fits into memory is one tile.

    Parameters
    ----------
    micrograph : Micrograph
        Any axes and dtype; negative pixels count as zero.
    settings : DeconvolveSettings
    target : array, optional
        Takes the result; float32, the shape of the region in the micrograph's axes.
        A new array without it.
    region : mapping of axis letter to slice, optional
        Compute only this part, in input pixels; what lies around it is context.
    schedule : Schedule, optional
        Order of tiles. Parts follow the positions on T, C and S, for planes on T, C, Z
        and S, the last fastest.

    Yields
    ------
    Progress
        Four times an iteration and after each tile, where `detail` is the
        WrittenRegion. A `note` says what the user should know: negative pixels,
        pixels too coarse for the optics, a smaller tile.

    Returns
    -------
    Micrograph
        float32, non-negative, same axes and metadata, with the optics that were given;
        provenance filled in.

    Raises
    ------
    InputError
        If optics are missing or impossible, or the image is empty, constant, or holds
        NaN or infinity.
    DeviceError
        If the device is absent, fails, or has no memory for the smallest tile.
    """
    optics = complete(settings, micrograph)
    device = select_device(settings.device, PREFERRED)
    box = snapped_region(micrograph, region, {})
    if target is None:
        target = np.zeros([s.stop - s.start for s in box.values()], np.float32)
    yield Progress(0, 1, "reading intensities")
    for note in _notes(micrograph, optics):
        yield Progress(0, 1, STAGE, note=note)
    operators = _operators(micrograph, settings, optics, device)
    parts, places = _parts(micrograph, operators, optics, box, target)
    tile = _tile(parts[0], settings, device)
    upscale = dict.fromkeys(_spatial(optics), 1)
    used = yield from run_places(
        parts, places, box, upscale, tile=tile, stage=STAGE, schedule=schedule
    )
    provenance = _provenance(micrograph, settings, optics, device, used)
    kept = box.get("C", slice(None))
    return _result(micrograph, optics, kept, target, provenance)


def result_shape(
    micrograph: Micrograph, region: Region | None = None
) -> tuple[int, ...]:
    """Return the shape of the result, in the order of the micrograph's axes."""
    box = snapped_region(micrograph, region, {})
    return tuple(s.stop - s.start for s in box.values())


def identity(settings: DeconvolveSettings) -> dict[str, Any]:
    """Return the part of the provenance by which a result of this job is known."""
    # Device and tile do not change the result.
    wanted = settings.model_dump(mode="json", exclude={"device", "tile"})
    if settings.psf_path is not None:
        wanted["psf_path"] = settings.psf_path.name
    return {"operation": "richardson-lucy", "settings": wanted}


def _notes(micrograph: Micrograph, optics: Optics) -> list[str]:
    """Check the pixels and return what the user should know before the start."""
    view = AxesView(micrograph.pixels, micrograph.axes, micrograph.axes)
    extremes = fit_intensity_scaling(view, 0, 100)
    notes = []
    if extremes.low < 0:
        notes.append(
            f"Pixels below zero (down to {extremes.low:g}) count as zero: "
            "Richardson-Lucy works on amounts of light."
        )
    pixel = max(size or 0 for size in optics.voxel_size_um[1:])
    wavelengths = [v for v in optics.emission_nm if v is not None]
    if optics.psf_path is None and optics.numerical_aperture and wavelengths:
        nyquist = min(wavelengths) / 4e3 / optics.numerical_aperture
        if pixel > nyquist:
            notes.append(
                f"Pixels of {pixel:g} µm are coarser than wavelength / (4 NA) = "
                f"{nyquist:.3f} µm: the finest details the optics pass are not in the "
                "image, and deconvolution cannot bring them back."
            )
    return notes


def _spatial(optics: Optics) -> str:
    return "ZYX" if optics.is_volume else "YX"


def _operators(
    micrograph: Micrograph,
    settings: DeconvolveSettings,
    optics: Optics,
    device: torch.device,
) -> list[RichardsonLucy]:
    """Return one operator for each channel."""
    shape = tuple(micrograph.size(axis) for axis in _spatial(optics))
    return [
        RichardsonLucy(psf, settings.iterations, device.type, image_shape=shape)
        for psf in _psfs(shape, settings, optics)
    ]


def _psfs(
    image_shape: tuple[int, ...], settings: DeconvolveSettings, optics: Optics
) -> list[NDArray[np.float32]]:
    if optics.psf_path is not None:
        psf = read_psf(optics.psf_path, _spatial(optics), optics.voxel_size_um)
        return [psf] * len(optics.emission_nm)
    voxel = optics.voxel_size_um
    objective: dict[str, Any] = {
        "numerical_aperture": optics.numerical_aperture,
        "immersion_index": optics.immersion_index,
    }
    # One halo for all channels, as tiles are cut alike: the reddest PSF is the largest.
    reddest = max(v for v in optics.emission_nm if v is not None)
    shape = psf_shape(image_shape, voxel, emission_nm=reddest, **objective)
    computed = {
        wavelength: point_spread_function(
            shape, voxel, emission_nm=wavelength, model=settings.model, **objective
        )
        for wavelength in set(optics.emission_nm)
        if wavelength is not None
    }
    return [computed[v] for v in optics.emission_nm if v is not None]


def _parts(
    micrograph: Micrograph,
    operators: list[RichardsonLucy],
    optics: Optics,
    box: dict[str, slice],
    target: Any,
) -> tuple[list[Part], list[dict[str, int]]]:
    """Return one part for each plane or volume, and its place on the other axes."""
    spatial = _spatial(optics)
    order = f"C{spatial}"
    axes = [a for a in "TCZS" if a in micrograph.axes and a not in spatial]
    parts, places = [], positions(box, axes)
    for place in places:
        inside = {axis: at - box[axis].start for axis, at in place.items()}
        parts.append(
            Part(
                AxesView(micrograph.pixels, micrograph.axes, order, place),
                AxesView(target, micrograph.axes, order, inside),
                operators[place.get(micrograph.sample_axis, 0)],
                tuple(box[axis] for axis in spatial),
            )
        )
    return parts, places


def _tile(
    part: Part, settings: DeconvolveSettings, device: torch.device
) -> tuple[int, ...]:
    shape = part.source.shape[1:]
    if settings.tile is not None:
        return checked_tile(part.operator, settings.tile, shape)
    free = free_device_bytes(device)
    if free is None:
        budget = min(int(free_bytes() * FREE_SHARE), MOST_BYTES)
    else:
        budget = int(free * FREE_SHARE)
    return fitting_tile(part.operator, shape, budget)


def _result(
    micrograph: Micrograph,
    optics: Optics,
    kept: slice,
    target: Any,
    provenance: dict[str, Any],
) -> Micrograph:
    """Return the result; `kept` are the channels that the region holds."""
    channels = micrograph.channels
    if not micrograph.is_rgb:
        channels = tuple(
            replace(channel, emission_nm=wavelength)
            for channel, wavelength in zip(channels, optics.emission_nm, strict=True)
        )
    return micrograph.with_pixels(
        target,
        voxel_size_um=optics.voxel_size_um,
        channels=channels[kept],
        microscope=replace(
            micrograph.microscope,
            numerical_aperture=optics.numerical_aperture,
            immersion_index=optics.immersion_index,
        ),
        provenance=provenance,
    )


def _provenance(
    micrograph: Micrograph,
    settings: DeconvolveSettings,
    optics: Optics,
    device: torch.device,
    tile: tuple[int, ...],
) -> dict[str, Any]:
    return {
        **identity(settings),
        "source": micrograph.name,
        "optics": optics.as_json(),
        "device": device.type,
        "tile": list(tile),
        "dtype": "float32",
        "version": __version__,
        **({"parent": dict(micrograph.provenance)} if micrograph.provenance else {}),
    }
