"""The planes of a result and its reference on one grid, one pair after the other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import median
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from napari_gan_enhance.metrics.scale_free import (
    ScaleFreeScores,
    fit_micro_ssim,
    score_scale_free,
)
from napari_gan_enhance.progress import Job, Progress, RemainingTime, changed
from napari_gan_enhance.tiling.region import positions

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from numpy.typing import NDArray

    from napari_gan_enhance.metrics.overlap import Overlap
    from napari_gan_enhance.micrograph.micrograph import Micrograph

    Planes = tuple[NDArray[Any], NDArray[Any]]

Result = TypeVar("Result")

OTHER_AXES = "TCZS"


@dataclass(frozen=True, slots=True, eq=False)
class PlanePairs:
    """Two micrographs and where they overlap; reads both on one grid.

    Parameters
    ----------
    result, reference : Micrograph
    overlap : Overlap
    joint : str
        Axes whose positions are read together: "CS" or "".
    """

    result: Micrograph
    reference: Micrograph
    overlap: Overlap
    joint: str = ""

    def places(self) -> list[dict[str, int]]:
        """Return the position of every plane on the axes that have several."""
        sizes = {a: self.size(a) for a in OTHER_AXES if a not in self.joint}
        box = {axis: slice(0, n) for axis, n in sizes.items() if n > 1}
        return positions(box, list(box))

    def size(self, axis: str) -> int:
        """Return how many positions are compared on an axis."""
        if axis in "ZYX":
            return self.overlap.size(axis)
        return self.reference.size(axis)

    def read(self, place: Mapping[str, int]) -> Planes:
        """Return result and reference: (Y, X), or (C, Y, X) if channels are joint."""
        pairs = [
            (
                _numbers(self.overlap.result_plane(self.result, at)),
                _numbers(self.overlap.reference_plane(self.reference, at)),
            )
            for at in self.inner(place)
        ]
        if not self.joint:
            return pairs[0]
        first, second = zip(*pairs, strict=True)
        return np.stack(first), np.stack(second)

    def inner(self, place: Mapping[str, int]) -> list[dict[str, int]]:
        """Return the single planes of a place: its channels, if they are joint."""
        box = {a: slice(0, self.size(a)) for a in self.joint}
        return [{**place, **at} for at in positions(box, list(box))]


def _numbers(plane: NDArray[Any]) -> NDArray[Any]:
    """Return a plane that can be subtracted from: booleans as 0 and 1."""
    return plane.astype(np.uint8) if plane.dtype == bool else plane


def score_data_set(pairs: Sequence[PlanePairs]) -> Job[list[list[ScaleFreeScores]]]:
    """Score all planes free of scale.

    Planes of one channel have one scale, in whatever pair they are: MicroSSIM asks how
    alike two images are, not whether each image was scaled well for itself.

    Parameters
    ----------
    pairs : sequence of PlanePairs
        Of one method.

    Yields
    ------
    Progress
        Counts planes.

    Returns
    -------
    list of list of ScaleFreeScores
        For each pair, in the order of its places.
    """
    listed = [(i, place) for i, pair in enumerate(pairs) for place in pair.places()]
    total, clock = len(listed), RemainingTime()
    scores: dict[int, ScaleFreeScores] = {}
    for channel in sorted({channel_of(place) for _, place in listed}):
        mine = [n for n, (_, at) in enumerate(listed) if channel_of(at) == channel]
        planes = _LazyPlanes(pairs, [listed[n] for n in mine])
        fitting = fit_micro_ssim(planes)
        micro = yield from counted(fitting, clock, len(scores), total)
        for n, (image, truth) in zip(mine, planes, strict=True):
            job = score_scale_free(image, truth, micro)
            scores[n] = yield from counted(job, clock, len(scores), total)
    yield Progress(total, total, "scoring free of scale", 0.0)
    found: list[list[ScaleFreeScores]] = [[] for _ in pairs]
    for n, (i, _) in enumerate(listed):
        found[i].append(scores[n])
    return found


def counted(
    job: Job[Result], clock: RemainingTime, done: int, total: int
) -> Job[Result]:
    """Run the job of one plane of several, counting planes."""

    def among_planes(report: Progress) -> Progress:
        share = report.done / max(report.total, 1)
        left = clock.after(done + share, total)
        return replace(report, done=done, total=total, remaining_s=left)

    return changed(job, among_planes)


def channel_of(place: Mapping[str, int]) -> tuple[int, int]:
    """Return channel and color sample of a plane."""
    return place.get("C", 0), place.get("S", 0)


def median_scale_free(scores: Iterable[ScaleFreeScores]) -> ScaleFreeScores | None:
    """Return the median of each score over planes; None of none."""
    found = list(scores)
    if not found:
        return None
    return ScaleFreeScores(
        float(median(s.si_psnr for s in found)),
        float(median(s.micro_ssim for s in found)),
    )


class _LazyPlanes(Sequence["Planes"]):
    """Pairs of planes that are read when they are asked for."""

    def __init__(
        self, pairs: Sequence[PlanePairs], places: list[tuple[int, dict[str, int]]]
    ) -> None:
        self._pairs = pairs
        self._places = places

    def __len__(self) -> int:
        return len(self._places)

    def __getitem__(self, index: Any) -> Any:
        pair, place = self._places[index]
        return self._pairs[pair].read(place)
