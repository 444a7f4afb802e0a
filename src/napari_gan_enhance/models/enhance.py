"""Enhance a micrograph: the job that the viewer, the command line and scripts run."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_gan_enhance import __version__
from napari_gan_enhance.errors import InputError
from napari_gan_enhance.micrograph.intensity import (
    IntensityScaling,
    fit_intensity_scaling,
)
from napari_gan_enhance.micrograph.micrograph import Micrograph, VoxelSize
from napari_gan_enhance.micrograph.view import AxesView
from napari_gan_enhance.models.told_optics import told_optics
from napari_gan_enhance.progress import Job, Progress
from napari_gan_enhance.tiling.engine import Part
from napari_gan_enhance.tiling.grid import round_up
from napari_gan_enhance.tiling.memory import checked_tile, fitting_tile
from napari_gan_enhance.tiling.normalized import NormalizedOperator
from napari_gan_enhance.tiling.region import (
    Region,
    positions,
    run_places,
    snapped_region,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari_gan_enhance.models.generator import Generator
    from napari_gan_enhance.models.settings import EnhanceSettings
    from napari_gan_enhance.models.spec import ModelSpec
    from napari_gan_enhance.tiling.operator import TileOperator
    from napari_gan_enhance.tiling.schedule import Schedule

LARGEST_INTERACTIVE_TILE = {"cpu": 256, "mps": 512, "cuda": 1024}
"""Tile side when somebody looks on: one tile takes a tenth to a fifth of a second."""

QUICK_TILE = {"cpu": 64, "mps": 256, "cuda": 512}
"""Smallest tile side right after the view has moved: more halo, but sooner on screen.
On a processor a third of the time of a whole tile; not measured on GPUs."""

DEVICE_SHARE = 0.5
"""Share of a GPU's free memory that one window may take."""


def region_of(
    micrograph: Micrograph, spec: ModelSpec, region: Region | None
) -> dict[str, slice]:
    """Return the region that `enhance` will really compute, for every axis."""
    multiple = {"Y": spec.size_multiple, "X": spec.size_multiple}
    return snapped_region(micrograph, region, multiple)


def result_shape(
    micrograph: Micrograph, spec: ModelSpec, region: Region | None = None
) -> tuple[int, ...]:
    """Return the shape of the result, in the order of the micrograph's axes."""
    channels = _channel_axes(micrograph, spec)
    box = region_of(micrograph, spec, region)
    sizes = {axis: s.stop - s.start for axis, s in box.items()}
    sizes["Y"], sizes["X"] = sizes["Y"] * spec.upscale, sizes["X"] * spec.upscale
    if channels:
        sizes[channels] = spec.out_channels
    return tuple(sizes[axis] for axis in micrograph.axes)


def enhance(
    micrograph: Micrograph,
    generator: Generator,
    settings: EnhanceSettings,
    *,
    target: Any = None,
    region: Region | None = None,
    schedule: Schedule | None = None,
    around: Callable[[TileOperator], TileOperator] | None = None,
) -> Job[Micrograph]:
    """Run a generator over a micrograph, plane by plane and tile by tile.

    Intensities are scaled by percentiles of each whole channel and scaled back, so
    that the result is on the intensity scale of the input.

    Parameters
    ----------
    micrograph : Micrograph
        A generator of one channel takes every channel (or RGB sample) for itself;
        one of more channels needs exactly as many.
    generator : Generator
    settings : EnhanceSettings
        Only the tile is used here; device and precision are the generator's.
    target : array, optional
        Takes the result; of `result_shape`. A new float32 array without it.
    region : mapping of axis letter to slice, optional
        Compute only this part; see `region_of`.
    schedule : Schedule, optional
        Order of tiles, for a job that somebody watches.
    around : callable, optional
        Makes what is run over each plane of the generator on the image's intensities,
        such as its spread over several passes; same halo, size multiple and upscale.

    Yields
    ------
    Progress
        `detail` is the WrittenRegion after each tile. A `note` says so where the
        generator is made to know the width of the PSF and the image does not tell,
        and where a channel among others is blank and stays so.

    Returns
    -------
    Micrograph
        float32; axes and metadata of the input, voxel size divided by the upscale
        factor, provenance filled in.

    Raises
    ------
    InputError
        If the image is smaller than one size multiple, is constant, or holds NaN or
        infinity, or if its channels do not fit the generator.
    DeviceError
        If the device fails or has no memory for the smallest tile.
    """
    spec = generator.spec
    _check_size(micrograph, spec)
    box = region_of(micrograph, spec, region)
    if target is None:
        target = np.zeros(result_shape(micrograph, spec, region), np.float32)
    yield Progress(0, 1, "reading intensities", note=_note(micrograph, spec))
    scalings = _scalings(micrograph, spec, box)
    for note in _blank_notes(scalings):
        yield Progress(0, 1, "reading intensities", note=note)
    parts, places = _parts(micrograph, generator, scalings, box, target)
    if around is not None:
        parts = [replace(part, operator=around(part.operator)) for part in parts]
    tile = _tile(generator, settings, parts[0].source.shape[1:], schedule)
    upscale = {"Y": spec.upscale, "X": spec.upscale}
    used = yield from run_places(
        parts,
        places,
        box,
        upscale,
        tile=tile,
        stage="enhancing",
        schedule=schedule,
        quick=_quick(generator),
    )
    provenance = _provenance(micrograph, generator, scalings, used)
    return _result(micrograph, spec, box, target, provenance)


def _check_size(micrograph: Micrograph, spec: ModelSpec) -> None:
    height, width = micrograph.size("Y"), micrograph.size("X")
    least = max(spec.size_multiple, 1)
    if min(height, width) < least:
        raise InputError(
            f"The image has {height} x {width} pixels - the model needs at least "
            f"{least} x {least} - choose a larger image or a wider crop."
        )


def _note(micrograph: Micrograph, spec: ModelSpec) -> str:
    if not spec.takes_psf_width or None not in _psf_widths(micrograph):
        return ""
    return (
        "The image does not say numerical aperture, emission wavelength and pixel size "
        "for all channels: the model has to do without the width of the PSF."
    )


def _blank_notes(scalings: dict[tuple[int, int], IntensityScaling]) -> list[str]:
    return [
        f"Channel {max(at) + 1} is blank (all pixels {scaling.low:g}) and stays so."
        for at, scaling in scalings.items()
        if scaling.is_blank
    ]


def _psf_widths(micrograph: Micrograph) -> list[float | None]:
    return [
        told_optics(micrograph, c).psf_width_px for c in range(micrograph.size("C"))
    ]


def _channel_axes(micrograph: Micrograph, spec: ModelSpec) -> str:
    """Return the axis the generator takes whole, "" if it takes planes one by one."""
    if spec.in_channels == spec.out_channels == 1:
        return ""
    axis = micrograph.sample_axis
    if micrograph.size(axis) != spec.in_channels or axis not in micrograph.axes:
        raise InputError(
            f"The image has {micrograph.size(axis)} channels - the model takes "
            f"{spec.in_channels} at a time - choose another model, or an image with "
            f"{spec.in_channels} channels."
        )
    return axis


def _scalings(
    micrograph: Micrograph, spec: ModelSpec, box: dict[str, slice]
) -> dict[tuple[int, int], IntensityScaling]:
    """Return the scaling of the (channel, sample)s in a box, fitted on all planes."""
    places = positions(box, [a for a in "CS" if a in micrograph.axes])
    return {
        (at.get("C", 0), at.get("S", 0)): fit_intensity_scaling(
            AxesView(micrograph.pixels, micrograph.axes, "TZYX", at),
            spec.low_percentile,
            spec.high_percentile,
            # A blank channel among others stays as it is.
            allow_blank=len(places) > 1,
        )
        for at in places
    }


def _parts(
    micrograph: Micrograph,
    generator: Generator,
    scalings: dict[tuple[int, int], IntensityScaling],
    box: dict[str, slice],
    target: Any,
) -> tuple[list[Part], list[dict[str, int]]]:
    """Return one part for each plane, and where each stands on the other axes."""
    taken = _channel_axes(micrograph, generator.spec)
    axes = [a for a in "TCZS" if a in micrograph.axes and a != taken]
    order = f"{taken or 'C'}YX"
    parts, places = [], positions(box, axes)
    for place in places:
        used = [
            scalings[(place.get("C", c), place.get("S", s))]
            for c in (range(generator.spec.in_channels) if taken == "C" else [0])
            for s in (range(generator.spec.in_channels) if taken == "S" else [0])
        ]
        inside = {axis: at - box[axis].start for axis, at in place.items()}
        optics = told_optics(micrograph, place.get("C", 0))
        parts.append(
            Part(
                AxesView(micrograph.pixels, micrograph.axes, order, place),
                AxesView(target, micrograph.axes, order, inside),
                NormalizedOperator(generator.for_optics(optics), used),
                (box["Y"], box["X"]),
            )
        )
    return parts, places


def _tile(
    generator: Generator,
    settings: EnhanceSettings,
    shape: tuple[int, ...],
    schedule: Schedule | None,
) -> tuple[int, ...]:
    if settings.tile is not None:
        return checked_tile(generator, settings.tile, shape)
    free = generator.free_bytes()
    tile = fitting_tile(
        generator, shape, None if free is None else int(free * DEVICE_SHARE)
    )
    if schedule is None:
        return tile
    largest = LARGEST_INTERACTIVE_TILE[generator.device.type]
    return tuple(min(t, largest) for t in tile)


def _quick(generator: Generator) -> tuple[int, ...]:
    side = QUICK_TILE[generator.device.type]
    return tuple(round_up(side, multiple) for multiple in generator.size_multiple)


def _provenance(
    micrograph: Micrograph,
    generator: Generator,
    scalings: dict[tuple[int, int], IntensityScaling],
    tile: tuple[int, ...],
) -> dict[str, Any]:
    return {
        "operation": "enhance",
        "source": micrograph.name,
        "model": generator.identity,
        "device": generator.device.type,
        "precision": generator.precision,
        "tile": list(tile),
        "intensity_scaling": [
            {"channel": c, "sample": s, "low": scaling.low, "high": scaling.high}
            for (c, s), scaling in scalings.items()
        ],
        **(
            {"psf_width_px": _psf_widths(micrograph)}
            if generator.spec.takes_psf_width
            else {}
        ),
        "dtype": "float32",
        "version": __version__,
        **({"parent": dict(micrograph.provenance)} if micrograph.provenance else {}),
    }


def _result(
    micrograph: Micrograph,
    spec: ModelSpec,
    box: dict[str, slice],
    target: Any,
    provenance: dict[str, Any],
) -> Micrograph:
    z, y, x = micrograph.voxel_size_um
    lateral = (None if n is None else n / spec.upscale for n in (y, x))
    channels = micrograph.channels[box.get("C", slice(None))]
    # A generator may turn its input channels into others of which nothing is known.
    kept = "C" not in box or target.shape[micrograph.axes.index("C")] == len(channels)
    return micrograph.with_pixels(
        target,
        voxel_size_um=VoxelSize(z, *lateral),
        channels=channels if kept else (),
        provenance=provenance,
    )
