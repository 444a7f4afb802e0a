"""Run every method on every test field and score it."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from statistics import median
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from napari_gan_enhance.comparison.kept_results import KeptResults
from napari_gan_enhance.errors import GanEnhanceError, InputError
from napari_gan_enhance.io.read import read_single_image
from napari_gan_enhance.metrics.evaluation import evaluate_planes
from napari_gan_enhance.metrics.fidelity import affine_fit
from napari_gan_enhance.metrics.overlap import same_field
from napari_gan_enhance.micrograph.micrograph import Micrograph
from napari_gan_enhance.progress import Job, Progress, RemainingTime, changed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from napari_gan_enhance.comparison.methods import Method
    from napari_gan_enhance.metrics.settings import EvaluateSettings
    from napari_gan_enhance.training.pairs import Pair

Scored: TypeAlias = tuple[Micrograph, dict[str, float]]
"""A result, and the medians of its scores."""

CROP = 256
"""Side of the pictures in pixels of the reference, from the middle."""


@dataclass(frozen=True, slots=True)
class FileScores:
    """Scores of one method on one source, medians over its planes.

    Parameters
    ----------
    file : str
    field : str
        The field of view, of which there may be several files.
    method : str
    scores : mapping of metric to float
    """

    file: str
    field: str
    method: str
    scores: Mapping[str, float]


@dataclass(frozen=True, slots=True, eq=False)
class Panel:
    """Crops of one field: the reference and every method, on one scale.

    Parameters
    ----------
    file : str
    crops : mapping of name to ndarray, shape (Y, X), float64
        In intensities of the reference, after the affine fit.
    pixel_um : float or None, µm
    """

    file: str
    crops: Mapping[str, NDArray[np.float64]]
    pixel_um: float | None


def score_fields(
    pairs: Sequence[Pair],
    methods: Sequence[Method],
    settings: EvaluateSettings,
    shown: int,
    scratch: Path,
) -> Job[tuple[list[FileScores], list[Panel]]]:
    """Score all methods on all pairs, one image in memory at a time.

    Scores free of scale come last: all files of a method have one scale.

    Parameters
    ----------
    pairs : sequence of Pair
        Source and target show the same field, edge to edge.
    methods : sequence of Method
    settings : EvaluateSettings
    shown : int, >= 0
        Of how many pairs to keep pictures: evenly spaced among them, whatever their
        scores, so that nothing is picked.
    scratch : Path
        Existing folder for results, until the end.

    Yields
    ------
    Progress
        Of all work; the stage names file and method.

    Returns
    -------
    (list of FileScores, list of Panel)

    Raises
    ------
    InputError
        If a result cannot be compared; the message names its file and method.
    """
    chosen = _spaced(len(pairs), shown)
    total, done, clock = len(pairs) * len(methods), 0, RemainingTime()
    scores: list[FileScores] = []
    panels: list[Panel] = []
    kept = None if settings.chosen().is_fixed else KeptResults(scratch)
    for number, pair in enumerate(pairs):
        source, target = read_single_image(pair.source), read_single_image(pair.target)
        crops = {"reference": _crop(target, target, is_fitted=False)}
        for method in methods:
            stage = f"{pair.source.name}, {method.name}"
            job = _score_one(pair, source, target, method, settings)
            result, one = yield from _staged(job, stage, clock, done, total)
            done += 1
            scores.append(FileScores(pair.source.name, pair.field, method.name, one))
            if kept is not None:
                overlap = same_field(result, target)
                kept.keep(pair.source.name, method.name, result, target, overlap)
            if number in chosen:
                crops[method.name] = _crop(result, target)
        if number in chosen:
            panels.append(Panel(pair.source.name, crops, target.voxel_size_um.x))
    if kept is not None:
        scores = yield from kept.with_scale_free(scores)
    return scores, panels


def _staged(
    job: Job[Scored], stage: str, clock: RemainingTime, done: int, total: int
) -> Job[Scored]:
    """Run the job of one method on one file, counting results."""

    def staged(report: Progress) -> Progress:
        left = clock.after(done, total)
        return replace(report, done=done, total=total, stage=stage, remaining_s=left)

    return changed(job, staged)


def field_medians(
    scores: Sequence[FileScores], metrics: Sequence[str]
) -> dict[str, dict[str, list[float]]]:
    """Return metric -> method -> one score for each field of view.

    Files of one field are not independent: their median stands for the field.
    """
    gathered: dict[str, dict[str, dict[str, list[float]]]] = {m: {} for m in metrics}
    for one in scores:
        for metric in metrics:
            fields = gathered[metric].setdefault(one.method, {})
            fields.setdefault(one.field, []).append(one.scores[metric])
    return {
        metric: {
            method: [float(median(values)) for values in fields.values()]
            for method, fields in methods.items()
        }
        for metric, methods in gathered.items()
    }


def _score_one(
    pair: Pair,
    source: Micrograph,
    target: Micrograph,
    method: Method,
    settings: EvaluateSettings,
) -> Job[Scored]:
    try:
        result = yield from method.run(pair.source, source)
        overlap = same_field(result, target)
        alone = settings.model_copy(update={"scale_free": False})
        job = evaluate_planes(result, target, alone, overlap=overlap)
        evaluation = yield from job
    except GanEnhanceError as error:
        # Of many files the reader must know which.
        name = f"{pair.source.name!r} by {method.name!r}: "
        raise InputError(f"{name}{error}") from error
    return result, asdict(evaluation.median)


def _spaced(count: int, shown: int) -> set[int]:
    """Return the numbers of some of `count` files, the first and last among them."""
    return {int(i) for i in np.linspace(0, count - 1, min(count, shown)).round()}


def _crop(
    image: Micrograph, target: Micrograph, *, is_fitted: bool = True
) -> NDArray[np.float64]:
    """Return the middle of the middle plane of the first channel."""
    overlap = same_field(image, target)
    sides = [target.size(axis) for axis in "YX"]
    middle: Any = tuple(
        slice(max(0, (n - CROP) // 2), max(0, (n - CROP) // 2) + CROP) for n in sides
    )
    place = {"Z": target.size("Z") // 2}
    plane = np.asarray(overlap.result_plane(image, place), np.float64)
    if is_fitted:
        truth = np.asarray(overlap.reference_plane(target, place), np.float64)
        plane = affine_fit(plane, truth)
    return np.array(plane[middle])
