"""Compare whole micrographs, plane by plane."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import median
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from napari_gan_enhance.metrics.fidelity import (
    FidelityScores,
    median_scores,
    reference_range,
)
from napari_gan_enhance.metrics.overlap import same_grid
from napari_gan_enhance.metrics.scale_free import (
    ScaleFreeScores,
    fit_micro_ssim,
    score_scale_free,
)
from napari_gan_enhance.metrics.settings import EvaluateSettings
from napari_gan_enhance.micrograph.view import AxesView
from napari_gan_enhance.progress import Job, Progress, RemainingTime
from napari_gan_enhance.tiling.region import positions

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from napari_gan_enhance.metrics.fidelity import Comparison
    from napari_gan_enhance.metrics.overlap import Overlap
    from napari_gan_enhance.micrograph.micrograph import Micrograph

Result = TypeVar("Result")

OTHER_AXES = "TCZS"
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
    pair = _Pair(result, reference, overlap or same_grid(result, reference), joint)
    maps = _empty_maps(pair) if settings.maps else None
    planes = yield from _compare(pair, settings, maps)
    free: list[ScaleFreeScores] = []
    if settings.scale_free and not convention.is_fixed:
        free = yield from _score_scale_free(pair)
        planes = [
            replace(plane, scale_free=score)
            for plane, score in zip(planes, free, strict=True)
        ]
    return Evaluation(
        tuple(planes),
        median_scores([p.scores for p in planes]),
        _median_scale_free(free),
        maps,
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Pair:
    """Two micrographs and where they overlap; reads both on one grid."""

    result: Micrograph
    reference: Micrograph
    overlap: Overlap
    joint: str

    def places(self) -> list[dict[str, int]]:
        """Return the position of every plane on the axes that have several."""
        sizes = {a: self.size(a) for a in OTHER_AXES if a not in self.joint}
        box = {axis: slice(0, n) for axis, n in sizes.items() if n > 1}
        return positions(box, list(box))

    def size(self, axis: str) -> int:
        if axis in "ZYX":
            return self.overlap.size(axis)
        return self.reference.size(axis)

    def read(self, place: Mapping[str, int]) -> tuple[NDArray[Any], NDArray[Any]]:
        """Return result and reference: (Y, X), or (C, Y, X) if channels are joint."""
        inner = self.inner(place)
        pairs = [
            (
                self.overlap.result_plane(self.result, at),
                self.overlap.reference_plane(self.reference, at),
            )
            for at in inner
        ]
        if not self.joint:
            return pairs[0]
        first, second = zip(*pairs, strict=True)
        return np.stack(first), np.stack(second)

    def inner(self, place: Mapping[str, int]) -> list[dict[str, int]]:
        """Return the single planes of a place: its channels, if they are joint."""
        box = {a: slice(0, self.size(a)) for a in self.joint}
        return [{**place, **at} for at in positions(box, list(box))]

    def write(
        self, maps: FidelityMaps, place: Mapping[str, int], compared: Comparison
    ) -> None:
        shape = (-1, self.size("Y"), self.size("X"))
        whole = (slice(None), slice(None))
        for micrograph, values in (
            (maps.ssim, compared.ssim_map),
            (maps.error, compared.error_map),
        ):
            planes = values.reshape(shape)
            for at, plane in zip(self.inner(place), planes, strict=True):
                AxesView(micrograph.pixels, micrograph.axes, "YX", at)[whole] = plane


def _compare(
    pair: _Pair, settings: EvaluateSettings, maps: FidelityMaps | None
) -> Job[list[PlaneScores]]:
    convention, fit = settings.chosen(), settings.used_fit
    given = convention.data_range or settings.data_range
    ranges: dict[tuple[int, int], float] = {}
    places, clock, planes = pair.places(), RemainingTime(), []
    for done, place in enumerate(places, start=1):
        channel = _channel(place)
        if channel not in ranges:
            ranges[channel] = given or _range(pair.reference, place)
        image, truth = pair.read(place)
        job = convention.compare(image, truth, data_range=ranges[channel], fit=fit)
        compared = yield from _counted(job, clock, done - 1, len(places))
        if maps is not None:
            pair.write(maps, place, compared)
        planes.append(PlaneScores(place, ranges[channel], compared.scores))
    yield Progress(len(places), len(places), "comparing", 0.0)
    return planes


def _score_scale_free(pair: _Pair) -> Job[list[ScaleFreeScores]]:
    """Score planes that have been compared; those of a channel are one data set."""
    places, clock = pair.places(), RemainingTime()
    scores: dict[int, ScaleFreeScores] = {}
    for channel in sorted({_channel(place) for place in places}):
        mine = [i for i, place in enumerate(places) if _channel(place) == channel]
        planes = _LazyPlanes(pair, [places[i] for i in mine])
        fitting = fit_micro_ssim(planes)
        micro = yield from _counted(fitting, clock, len(scores), len(places))
        for i, (image, truth) in zip(mine, planes, strict=True):
            job = score_scale_free(image, truth, micro)
            scores[i] = yield from _counted(job, clock, len(scores), len(places))
    yield Progress(len(places), len(places), "scoring free of scale", 0.0)
    return [scores[i] for i in range(len(places))]


def _counted(
    job: Job[Result], clock: RemainingTime, done: int, total: int
) -> Job[Result]:
    """Run the job of one plane of several, counting planes."""
    while True:
        try:
            report = next(job)
        except StopIteration as end:
            result: Result = end.value
            return result
        share = report.done / max(report.total, 1)
        left = clock.after(done + share, total)
        yield replace(report, done=done, total=total, remaining_s=left)


class _LazyPlanes(Sequence[tuple["NDArray[Any]", "NDArray[Any]"]]):
    """Pairs of planes that are read when they are asked for."""

    def __init__(self, pair: _Pair, places: list[dict[str, int]]) -> None:
        self._pair = pair
        self._places = places

    def __len__(self) -> int:
        return len(self._places)

    def __getitem__(self, index: Any) -> Any:
        return self._pair.read(self._places[index])


def _channel(place: Mapping[str, int]) -> tuple[int, int]:
    return place.get("C", 0), place.get("S", 0)


def _range(reference: Micrograph, place: Mapping[str, int]) -> float:
    channel = {axis: at for axis, at in place.items() if axis in "CS"}
    return reference_range(AxesView(reference.pixels, reference.axes, "TZYX", channel))


def _empty_maps(pair: _Pair) -> FidelityMaps:
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


def _median_scale_free(scores: list[ScaleFreeScores]) -> ScaleFreeScores | None:
    if not scores:
        return None
    return ScaleFreeScores(
        float(median(s.si_psnr for s in scores)),
        float(median(s.micro_ssim for s in scores)),
    )
