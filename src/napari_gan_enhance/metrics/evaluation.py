"""Compare whole micrographs, plane by plane."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from napari_gan_enhance.metrics.fidelity import (
    FidelityScores,
    median_scores,
    reference_range,
)
from napari_gan_enhance.metrics.overlap import same_grid
from napari_gan_enhance.metrics.plane_pairs import (
    PlanePairs,
    channel_of,
    counted,
    median_scale_free,
    score_data_set,
)
from napari_gan_enhance.metrics.settings import EvaluateSettings
from napari_gan_enhance.micrograph.view import AxesView
from napari_gan_enhance.progress import Job, Progress, RemainingTime

if TYPE_CHECKING:
    from collections.abc import Mapping

    from napari_gan_enhance.metrics.fidelity import Comparison
    from napari_gan_enhance.metrics.overlap import Overlap
    from napari_gan_enhance.metrics.scale_free import ScaleFreeScores
    from napari_gan_enhance.micrograph.micrograph import Micrograph

DEFAULT = EvaluateSettings()


@dataclass(frozen=True, slots=True)
class PlaneScores:
    """Scores of one plane.

    Parameters
    ----------
    position : mapping of axis letter to int
        Where the plane stands in the overlap; only axes with more than one position.
        A joint convention has no position on its channels.
    data_range : float
        Range of intensities used, the same for all planes of a channel.
    scores : FidelityScores
    scale_free : ScaleFreeScores or None
        Without the fit; None under the convention of a publication.
    """

    position: Mapping[str, int]
    data_range: float
    scores: FidelityScores
    scale_free: ScaleFreeScores | None = None


@dataclass(frozen=True, slots=True, eq=False)
class FidelityMaps:
    """Where a result is right and where it is wrong.

    Parameters
    ----------
    ssim : Micrograph, float32, -1 to 1
    error : Micrograph, float32
        Result (after the fit) minus reference, in intensity units of the reference.
        Both have the axes of the reference and the size of the overlap.
    """

    ssim: Micrograph
    error: Micrograph


@dataclass(frozen=True, slots=True, eq=False)
class Evaluation:
    """Scores of all planes, their medians, and the maps if they were wanted."""

    planes: tuple[PlaneScores, ...]
    median: FidelityScores
    median_scale_free: ScaleFreeScores | None = None
    maps: FidelityMaps | None = None


def evaluate_planes(
    result: Micrograph,
    reference: Micrograph,
    settings: EvaluateSettings = DEFAULT,
    *,
    overlap: Overlap | None = None,
) -> Job[Evaluation]:
    """Compare every plane of a result with the same plane of a reference.

    Parameters
    ----------
    result, reference : Micrograph
        Axes may differ in order; axes one of them lacks have length 1 in the other.
    settings : EvaluateSettings
    overlap : Overlap, optional
        Where to compare, from `find_overlap` or `same_field`. Without it both must
        have the same size and are compared pixel by pixel.

    Yields
    ------
    Progress
        After each band of a plane; counts planes.

    Returns
    -------
    Evaluation

    Raises
    ------
    InputError
        If the two do not have the same size and no overlap is given, or a plane cannot
        be compared.
    """
    convention = settings.chosen()
    joint = "CS" if convention.is_joint else ""
    pair = PlanePairs(result, reference, overlap or same_grid(result, reference), joint)
    maps = _empty_maps(pair) if settings.maps else None
    planes = yield from _compare(pair, settings, maps)
    free: list[ScaleFreeScores] = []
    if settings.scale_free and not convention.is_fixed:
        [free] = yield from score_data_set([pair])
        planes = [
            replace(plane, scale_free=score)
            for plane, score in zip(planes, free, strict=True)
        ]
    return Evaluation(
        tuple(planes),
        median_scores([p.scores for p in planes]),
        median_scale_free(free),
        maps,
    )


def _compare(
    pair: PlanePairs, settings: EvaluateSettings, maps: FidelityMaps | None
) -> Job[list[PlaneScores]]:
    convention, fit = settings.chosen(), settings.used_fit
    given = convention.data_range or settings.data_range
    ranges: dict[tuple[int, int], float] = {}
    places, clock, planes = pair.places(), RemainingTime(), []
    for done, place in enumerate(places, start=1):
        channel = channel_of(place)
        if channel not in ranges:
            ranges[channel] = given or _range(pair.reference, place)
        image, truth = pair.read(place)
        job = convention.compare(image, truth, data_range=ranges[channel], fit=fit)
        compared = yield from counted(job, clock, done - 1, len(places))
        if maps is not None:
            _write(pair, maps, place, compared)
        planes.append(PlaneScores(place, ranges[channel], compared.scores))
    yield Progress(len(places), len(places), "comparing", 0.0)
    return planes


def _write(
    pair: PlanePairs,
    maps: FidelityMaps,
    place: Mapping[str, int],
    compared: Comparison,
) -> None:
    shape = (-1, pair.size("Y"), pair.size("X"))
    whole = (slice(None), slice(None))
    for micrograph, values in (
        (maps.ssim, compared.ssim_map),
        (maps.error, compared.error_map),
    ):
        planes = values.reshape(shape)
        for at, plane in zip(pair.inner(place), planes, strict=True):
            AxesView(micrograph.pixels, micrograph.axes, "YX", at)[whole] = plane


def _range(reference: Micrograph, place: Mapping[str, int]) -> float:
    channel = {axis: at for axis, at in place.items() if axis in "CS"}
    return reference_range(AxesView(reference.pixels, reference.axes, "TZYX", channel))


def _empty_maps(pair: PlanePairs) -> FidelityMaps:
    reference = pair.reference
    shape = tuple(pair.size(axis) for axis in reference.axes)
    ssim, error = (
        reference.with_pixels(
            np.zeros(shape, np.float32),
            name=f"{pair.result.name} [{name}]",
            provenance={
                "operation": name,
                "result": pair.result.name,
                "reference": reference.name,
            },
        )
        for name in ("SSIM map", "error map")
    )
    return FidelityMaps(ssim, error)
