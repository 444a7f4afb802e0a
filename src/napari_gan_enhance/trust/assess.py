"""Measure how far a result can be believed: the job behind `enhance --trust`."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_gan_enhance import __version__
from napari_gan_enhance.errors import InputError
from napari_gan_enhance.micrograph.view import AxesView
from napari_gan_enhance.models.enhance import enhance
from napari_gan_enhance.progress import Job, Progress
from napari_gan_enhance.tiling.engine import Part, run_tiles
from napari_gan_enhance.tiling.region import positions, snapped_region
from napari_gan_enhance.trust.disagreement import Spread
from napari_gan_enhance.trust.layout import Stacked, entry
from napari_gan_enhance.trust.maps import TrustMaps, TrustSummary
from napari_gan_enhance.trust.measure import MeasuredPlane, measure_plane
from napari_gan_enhance.trust.operator import TrustOperator
from napari_gan_enhance.trust.words import sentences

if TYPE_CHECKING:
    from napari_gan_enhance.micrograph.micrograph import Micrograph
    from napari_gan_enhance.models.generator import Generator
    from napari_gan_enhance.trust.settings import TrustSettings

TILE = 1024
"""Side of the tiles in which maps are made: 190 MB of working memory."""

MAPS = 3
"""Without disagreement, which comes last."""


def assess(
    raw: Micrograph,
    enhanced: Micrograph,
    generator: Generator,
    settings: TrustSettings,
    *,
    target: Any = None,
) -> Job[TrustMaps]:
    """Measure how far an enhanced image can be believed, plane by plane.

    Parameters
    ----------
    raw, enhanced : Micrograph
        What the generator was given, and its result; same axes and shape.
    generator : Generator
        That made the result.
    settings : TrustSettings
    target : array, optional
        Takes the maps, shape `maps_shape`, float32, in the order of
        `TrustMaps.named`. A new array without it.

    Yields
    ------
    Progress

    Returns
    -------
    TrustMaps

    Raises
    ------
    InputError
        If the two do not have the same axes and shape, are RGB, hold NaN or infinity,
        or the generator changes the number of pixels.
    DeviceError
        If the device fails or has no memory for the smallest tile.
    """
    check_trust(raw, generator)
    _check_same(raw, enhanced)
    if target is None:
        target = np.zeros(maps_shape(enhanced, settings), np.float32)
    if settings.passes:
        yield from _passes(raw, generator, settings, entry(target, MAPS))
    box = snapped_region(raw, None, {})
    places = positions(box, [a for a in raw.axes if a not in "YX"])
    planes = []
    for number, place in enumerate(places):
        yield Progress(number, len(places), "measuring")
        found = measure_plane(raw, enhanced, place, settings)
        if found is not None:
            planes.append(found)
    yield from _maps(raw, enhanced, planes, target, settings)
    return _record(enhanced, planes, target, generator, settings)


def check_trust(raw: Micrograph, generator: Generator) -> None:
    """Refuse what no trust maps can be made of, before anything is computed.

    Raises
    ------
    InputError
        If the image is RGB or the generator changes the number of pixels or channels.
    """
    spec = generator.spec
    if raw.is_rgb:
        raise InputError(
            "The image is RGB - trust is measured against the noise and the optics of "
            "one color of light - give the channels as the camera took them."
        )
    if spec.upscale != 1 or spec.in_channels != spec.out_channels:
        raise InputError(
            f"Model {generator.name!r} makes {spec.upscale} x the pixels and "
            f"{spec.out_channels} of {spec.in_channels} channels - trust maps need a "
            "result on the grid of its input - choose a model that keeps both."
        )


def maps_shape(enhanced: Micrograph, settings: TrustSettings) -> tuple[int, ...]:
    """Return the shape of the array of maps: how many, then the axes of the result."""
    return (MAPS + bool(settings.passes), *enhanced.shape)


def _check_same(raw: Micrograph, enhanced: Micrograph) -> None:
    if (raw.axes, raw.shape) != (enhanced.axes, enhanced.shape):
        raise InputError(
            f"The result has axes {enhanced.axes} and shape {enhanced.shape}, its "
            f"input {raw.axes} and {raw.shape} - trust maps compare the two pixel by "
            "pixel - give the input that the result was made from."
        )


def _passes(
    raw: Micrograph, generator: Generator, settings: TrustSettings, target: Any
) -> Job[None]:
    """Write the spread of the passes."""
    job = enhance(
        raw,
        generator,
        settings.enhance,
        target=target,
        around=lambda operator: Spread(operator, settings.passes),
    )
    # What the first sentences say was said when the result was made.
    for report in job:
        note = report.note if report.done else ""
        yield replace(report, stage="asking again", note=note, detail=None)


def _maps(
    raw: Micrograph,
    enhanced: Micrograph,
    planes: list[MeasuredPlane],
    target: Any,
    settings: TrustSettings,
) -> Job[None]:
    if not planes:
        return
    count = maps_shape(enhanced, settings)[0]
    parts = []
    for plane in planes:
        views = [
            AxesView(pixels, raw.axes, "CYX", plane.place)
            for pixels in (
                raw.pixels,
                enhanced.pixels,
                *(entry(target, i) for i in range(MAPS, count)),
            )
        ]
        shown = AxesView(target, f"M{raw.axes}", "MYX", plane.place)
        parts.append(Part(Stacked(views), shown, TrustOperator(plane.fit)))
    yield from _same_halo(parts)


def _same_halo(parts: list[Part]) -> Job[None]:
    """Run parts; those of wider PSFs need wider halos, and each run has one."""
    for halo in sorted({part.operator.halo for part in parts}):
        alike = [part for part in parts if part.operator.halo == halo]
        yield from run_tiles(alike, tile=(TILE, TILE), stage="mapping trust")


def _record(
    enhanced: Micrograph,
    planes: list[MeasuredPlane],
    target: Any,
    generator: Generator,
    settings: TrustSettings,
) -> TrustMaps:
    numbers = tuple(plane.numbers for plane in planes)
    summary = TrustSummary(numbers, settings.passes, sentences(numbers))
    provenance = {
        "operation": "trust",
        "source": enhanced.name,
        "model": generator.identity,
        "trust": summary.as_json(),
        "version": __version__,
        "parent": dict(enhanced.provenance),
    }
    maps = [
        enhanced.with_pixels(entry(target, index), provenance=provenance)
        for index in range(target.shape[0])
    ]
    spread = maps[MAPS] if settings.passes else None
    return TrustMaps(maps[0], maps[1], maps[2], spread, summary)
