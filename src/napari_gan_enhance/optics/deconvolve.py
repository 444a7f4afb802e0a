"""Deconvolve a micrograph: the job of the viewer, the command line and scripts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from napari_gan_enhance import __version__
from napari_gan_enhance.device import free_device_bytes, select_device
from napari_gan_enhance.errors import InputError
from napari_gan_enhance.micrograph.intensity import extremes, fit_intensity_scaling
from napari_gan_enhance.micrograph.view import AxesView
from napari_gan_enhance.optics.channel_iterations import channel_iterations
from napari_gan_enhance.optics.channel_psfs import channel_psfs, operator_options
from napari_gan_enhance.optics.psf_file import psf_sha256
from napari_gan_enhance.optics.richardson_lucy import RichardsonLucy, kept_iterations
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

UNMATCHED = ("total-variation", "wiener-butterworth")
"""Algorithms that do not conserve the flux: within 1 % the first, on sparse bright
points by half and more the second."""

FREE_SHARE = 0.5
"""Share of the free memory that one window may take: one tile has no seams."""

MOST_BYTES = 2 * 2**30
"""Limit for a window in main memory, about 50 million voxels: larger ones would not
report twice a second on two cores."""


HistoryProvider: TypeAlias = Callable[[tuple[int, ...]], Any]
"""Given the numbers of the kept iterations, return what takes their results: anything
written by slices, float32, shape (len(kept), *shape of the target). The iterations
stand on the first axis; channels that stop earlier repeat their last result."""


@dataclass(frozen=True, slots=True)
class IterationsChosen:
    """How many iterations a job does, and which it keeps.

    Parameters
    ----------
    iterations : tuple of int
        One for each channel of the region, or each sample of an RGB image.
    kept : tuple of int
        Rising; the last is the largest of `iterations`.
    """

    iterations: tuple[int, ...]
    kept: tuple[int, ...]


def deconvolve(
    micrograph: Micrograph,
    settings: DeconvolveSettings,
    *,
    target: Any = None,
    region: Region | None = None,
    schedule: Schedule | None = None,
    history: HistoryProvider | None = None,
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
    history : HistoryProvider, optional
        Asked once, before the first tile, for an array that takes the result after
        some of the iterations while the job runs.

    Yields
    ------
    Progress
        Several times an iteration and after each tile. `detail` is None or

        - IterationsChosen, once, before the first tile, if there is a history;
        - WrittenSnapshot, after each kept iteration of each tile;
        - WrittenRegion, after each tile.

        A `note` says what the user should know: negative pixels, pixels too coarse
        for the optics, how many iterations were chosen and why, a smaller tile.

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
    made_by = identity(settings)  # now: the PSF's file may change while we compute
    psfs, psf_notes = channel_psfs(micrograph, settings, optics)
    for note in (*_notes(micrograph, settings, optics), *psf_notes):
        yield Progress(0, 1, STAGE, note=note)
    channels = _channels(micrograph, box)
    iterations = yield from channel_iterations(
        psfs, micrograph, settings, optics, channels, device
    )
    kept = kept_iterations(max(iterations.values())) if history else ()
    kept_target = history(kept) if history else None
    if history:
        chosen = IterationsChosen(tuple(iterations.values()), kept)
        yield Progress(0, 1, STAGE, detail=chosen)
    given = {**operator_options(settings, optics), "kept": kept}
    operators = _operators(psfs, iterations, given, micrograph, optics, device)
    parts, places = _parts(micrograph, operators, optics, box, (target, kept_target))
    tile = _tile(parts[0], settings, device)
    upscale = dict.fromkeys(optics.spatial_axes, 1)
    used = yield from run_places(
        parts, places, box, upscale, tile=tile, stage=STAGE, schedule=schedule
    )
    made_by["iterations"] = list(iterations.values())
    provenance = {**made_by, **_provenance(micrograph, optics, device, used)}
    return _result(micrograph, optics, box.get("C", slice(None)), target, provenance)


def _channels(micrograph: Micrograph, box: dict[str, slice]) -> range:
    """Return the channels of a region, or its samples of an RGB image."""
    span = box.get(micrograph.sample_axis, slice(0, 1))
    return range(span.start, span.stop)


def result_shape(
    micrograph: Micrograph, region: Region | None = None
) -> tuple[int, ...]:
    """Return the shape of the result, in the order of the micrograph's axes."""
    box = snapped_region(micrograph, region, {})
    return tuple(s.stop - s.start for s in box.values())


def identity(settings: DeconvolveSettings) -> dict[str, Any]:
    """Return the part of the provenance by which a result of this job is known.

    Raises
    ------
    FileFormatError
        If a PSF from a file cannot be read.
    """
    # Device and tile do not change the result.
    wanted = settings.model_dump(mode="json", exclude={"device", "tile"})
    known = {"operation": "richardson-lucy", "settings": wanted}
    if settings.psf_path is not None:
        wanted["psf_path"] = settings.psf_path.name
        known["psf_sha256"] = psf_sha256(settings.psf_path)
    return known


def _check_background(view: AxesView, background: float) -> None:
    _, brightest = extremes(view)  # not that of a sample: it may miss what is bright
    if background >= brightest:
        raise InputError(
            f"A background of {background:g} leaves no light - the brightest pixel of "
            f"the image has {brightest:g} - give a smaller --background."
        )


def _notes(
    micrograph: Micrograph, settings: DeconvolveSettings, optics: Optics
) -> list[str]:
    """Check the pixels and return what the user should know before the start."""
    view = AxesView(micrograph.pixels, micrograph.axes, "TCZSYX")
    seen = fit_intensity_scaling(view, 0, 100)
    notes = []
    if settings.background is not None and settings.background >= seen.high:
        _check_background(view, settings.background)
    if seen.low < 0 and settings.background is None:
        notes.append(
            f"Pixels below zero (down to {seen.low:g}) count as zero: "
            "Richardson-Lucy works on amounts of light."
        )
    if settings.algorithm in UNMATCHED:
        notes.append(
            f"The algorithm {settings.algorithm!r} does not keep the amount of light: "
            "compare shapes, not intensities."
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


def _operators(
    psfs: list[NDArray[np.float32]],
    iterations: dict[int, int],
    given: dict[str, Any],
    micrograph: Micrograph,
    optics: Optics,
    device: torch.device,
) -> dict[int, RichardsonLucy]:
    shape = tuple(micrograph.size(axis) for axis in optics.spatial_axes)
    return {
        channel: RichardsonLucy(
            psfs[channel], count, device.type, image_shape=shape, **given
        )
        for channel, count in iterations.items()
    }


def _parts(
    micrograph: Micrograph,
    operators: dict[int, RichardsonLucy],
    optics: Optics,
    box: dict[str, slice],
    targets: tuple[Any, Any],
) -> tuple[list[Part], list[dict[str, int]]]:
    """Return one part for each plane or volume, and its place on the other axes."""
    spatial = optics.spatial_axes
    order = f"C{spatial}"
    target, history = targets
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
                None
                if history is None
                # I for iteration
                else AxesView(history, f"I{micrograph.axes}", f"I{order}", inside),
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
    optics: Optics,
    device: torch.device,
    tile: tuple[int, ...],
) -> dict[str, Any]:
    return {
        "source": micrograph.name,
        "optics": optics.as_json(),
        "device": device.type,
        "tile": list(tile),
        "dtype": "float32",
        "version": __version__,
        **({"parent": dict(micrograph.provenance)} if micrograph.provenance else {}),
    }
