"""Compare whole micrographs, plane by plane."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from napari_gan_enhance.errors import InputError
from napari_gan_enhance.metrics.fidelity import (
    FidelityScores,
    Fit,
    evaluate,
    median_scores,
    reference_range,
)
from napari_gan_enhance.micrograph.view import AxesView
from napari_gan_enhance.progress import Job, Progress, RemainingTime
from napari_gan_enhance.tiling.region import positions, snapped_region

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from napari_gan_enhance.micrograph.micrograph import Micrograph

OTHER_AXES = "TCZS"


@dataclass(frozen=True, slots=True)
class PlaneScores:
    """Scores of one plane.

    Parameters
    ----------
    position : mapping of axis letter to int
        Where the plane stands; only axes with more than one position.
    data_range : float
        Range of intensities used, the same for all planes of a channel.
    scores : FidelityScores
    """

    position: Mapping[str, int]
    data_range: float
    scores: FidelityScores


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Scores of all planes and their medians."""

    planes: tuple[PlaneScores, ...]
    median: FidelityScores


def evaluate_planes(
    result: Micrograph,
    reference: Micrograph,
    *,
    data_range: float | None = None,
    fit: Fit = "affine",
) -> Job[Evaluation]:
    """Compare every plane of a result with the same plane of a reference.

    Parameters
    ----------
    result, reference : Micrograph
        Axes may differ in order; axes one of them lacks have length 1 in the other.
    data_range : float, optional
        For SSIM and PSNR; by default that of `reference_range`, over all planes of a
        channel (or RGB sample).
    fit : "affine" or "none"
        See `evaluate`; the fit is made for each plane.

    Yields
    ------
    Progress
        After each plane.

    Returns
    -------
    Evaluation

    Raises
    ------
    InputError
        If the two do not have the same size, or a plane cannot be compared.
    """
    _check_sizes(result, reference)
    axes = [axis for axis in OTHER_AXES if reference.size(axis) > 1]
    places = positions(snapped_region(reference, None, {}), axes)
    ranges: dict[tuple[int, int], float] = {}
    clock, planes = RemainingTime(), []
    for done, place in enumerate(places, start=1):
        channel = (place.get("C", 0), place.get("S", 0))
        if channel not in ranges:
            ranges[channel] = _range(reference, place, data_range)
        pair = (_plane(result, place), _plane(reference, place))
        scores = evaluate(*pair, data_range=ranges[channel], fit=fit)
        planes.append(PlaneScores(place, ranges[channel], scores))
        left = clock.after(done, len(places))
        yield Progress(done, len(places), "comparing", left)
    return Evaluation(tuple(planes), median_scores([p.scores for p in planes]))


def _check_sizes(result: Micrograph, reference: Micrograph) -> None:
    order = OTHER_AXES + "YX"
    sizes = [tuple(m.size(axis) for axis in order) for m in (result, reference)]
    if sizes[0] != sizes[1]:
        first, second = (
            " x ".join(f"{a} {n}" for a, n in zip(order, size, strict=True) if n > 1)
            for size in sizes
        )
        raise InputError(
            f"The result has {first}, the reference {second} - both must have the same "
            "size on every axis - crop or resample one of them."
        )


def _range(
    reference: Micrograph, place: Mapping[str, int], data_range: float | None
) -> float:
    if data_range is not None:
        return data_range
    channel = {axis: at for axis, at in place.items() if axis in "CS"}
    return reference_range(AxesView(reference.pixels, reference.axes, "TZYX", channel))


def _plane(micrograph: Micrograph, place: Mapping[str, int]) -> NDArray[Any]:
    view = AxesView(micrograph.pixels, micrograph.axes, "YX", place)
    return view[slice(None), slice(None)]
