"""Results of all files, kept on disk until they are scored as one data set.

MicroSSIM scales all results of a method by one factor. It is known when all of them are
there, and running every method twice would take too long.
"""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_gan_enhance.io.scratch import scratch_errors
from napari_gan_enhance.metrics.overlap import same_grid
from napari_gan_enhance.metrics.plane_pairs import (
    PlanePairs,
    median_scale_free,
    score_data_set,
)
from napari_gan_enhance.micrograph.micrograph import Micrograph
from napari_gan_enhance.micrograph.view import AxesView

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from napari_gan_enhance.comparison.fields import FileScores
    from napari_gan_enhance.metrics.overlap import Overlap
    from napari_gan_enhance.progress import Job


class KeptResults:
    """Results and targets as arrays in a folder.

    Parameters
    ----------
    folder : Path
        Exists; is deleted by whoever made it.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._kept: dict[tuple[str, str], tuple[Path, Path, str]] = {}

    def keep(
        self,
        file: str,
        method: str,
        result: Micrograph,
        target: Micrograph,
        overlap: Overlap,
    ) -> None:
        """Write a result on the grid of its target, and the target once.

        Raises
        ------
        OutputError
            If the disk is full.
        """
        pair = PlanePairs(result, target, overlap)
        number = len(self._kept)
        known = [k[1] for (name, _), k in self._kept.items() if name == file]
        truth = known[0] if known else self._folder / f"{number}-target.npy"
        image = self._folder / f"{number}-result.npy"
        with scratch_errors(self._folder):
            for path, side in ((image, 0), *([] if known else [(truth, 1)])):
                self._write(path, pair, side)
        self._kept[file, method] = image, truth, target.axes

    def with_scale_free(self, scores: Sequence[FileScores]) -> Job[list[FileScores]]:
        """Complete scores by those free of scale, with one scale for each method.

        Yields
        ------
        Progress

        Returns
        -------
        list of FileScores
            In the same order.
        """
        found: dict[tuple[str, str], dict[str, float]] = {}
        for method in dict.fromkeys(method for _, method in self._kept):
            files = [file for file, one in self._kept if one == method]
            pairs = [self._pair(file, method) for file in files]
            planes = yield from score_data_set(pairs)
            for file, one in zip(files, planes, strict=True):
                middle = median_scale_free(one)
                found[file, method] = asdict(middle) if middle else {}
        return [
            replace(s, scores={**s.scores, **found.get((s.file, s.method), {})})
            for s in scores
        ]

    def _pair(self, file: str, method: str) -> PlanePairs:
        *paths, axes = self._kept[file, method]
        image, truth = (
            Micrograph(np.load(path, mmap_mode="r"), axes) for path in paths
        )
        return PlanePairs(image, truth, same_grid(image, truth))

    def _write(self, path: Path, pair: PlanePairs, side: int) -> None:
        target: Any = None
        axes = pair.reference.axes
        for place in pair.places():
            plane = pair.read(place)[side]
            if target is None:
                is_wide = plane.dtype == np.float64  # interpolated: float32 is enough
                target = np.lib.format.open_memmap(
                    path,
                    mode="w+",
                    dtype=np.float32 if is_wide else plane.dtype,
                    shape=pair.reference.shape,
                )
            AxesView(target, axes, "YX", place)[slice(None), slice(None)] = plane
        target.flush()
