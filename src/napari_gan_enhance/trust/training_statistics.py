"""Write into a card what the images look like that its generator was trained on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_gan_enhance.io.read import read_micrograph
from napari_gan_enhance.metrics.input_statistics import InputStatistics, fit_statistics
from napari_gan_enhance.models.psf_width import psf_width_px
from napari_gan_enhance.progress import Job, Progress
from napari_gan_enhance.trust.sampled_planes import PLANE_FEATURES, sampled_planes
from napari_gan_enhance.trust.suitability import STATISTICS_KEY
from napari_gan_enhance.trust.suitability_rules import is_stretched, saturated_share

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from napari_gan_enhance.models.spec import ModelSpec

USUAL_SHARE = 95
"""Percentile of the saturated shares that still counts as usual."""


def statistics_of(sources: Sequence[Path], spec: ModelSpec) -> Job[InputStatistics]:
    """Look at source images.

    Parameters
    ----------
    sources : sequence of Path
        Files that were trained on; eight or more.
    spec : ModelSpec
        Of the generator: what it scales intensities by.

    Yields
    ------
    Progress

    Returns
    -------
    InputStatistics

    Raises
    ------
    InputError
        If there are fewer than eight images that are neither blank nor too small.
    FileFormatError
        If a file cannot be read.
    """
    rows, sizes, widths = [], [], []
    saturated, stretched = [], []
    for number, path in enumerate(sources):
        micrograph = read_micrograph(path)
        sizes.append(micrograph.voxel_size_um.x)
        widths.append(psf_width_px(micrograph))
        for plane in sampled_planes(micrograph):
            features = plane.features(spec.low_percentile, spec.high_percentile)
            rows += [] if features is None else [features]
            saturated.append(saturated_share(plane.thinned()))
            stretched.append(is_stretched(plane.thinned()))
        yield Progress(number + 1, len(sources), "looking at training images")
    return fit_statistics(PLANE_FEATURES, np.array(rows)).model_copy(
        update={
            "voxel_size_range_um": _range(sizes),
            "psf_width_range_px": _range(widths),
            "saturated": float(np.percentile(saturated, USUAL_SHARE)),
            "stretched": float(np.mean(stretched)),
        }
    )


def record_statistics(
    checkpoint: Path, sources: Sequence[Path]
) -> Job[InputStatistics]:
    """Write what training images look like into a checkpoint's card.

    Parameters
    ----------
    checkpoint : Path
        Is replaced; its weights stay as they are.
    sources : sequence of Path
        The source images it was trained on.

    Yields
    ------
    Progress

    Returns
    -------
    InputStatistics

    Raises
    ------
    GanEnhanceError
        If the checkpoint or an image cannot be read, or the checkpoint not written.
    """
    from safetensors.torch import load_file

    from napari_gan_enhance.checkpoints.header import read_header
    from napari_gan_enhance.checkpoints.native import save_checkpoint

    header = read_header(checkpoint)
    statistics = yield from statistics_of(sources, header.spec)
    found = {STATISTICS_KEY: statistics.model_dump(mode="json")}
    card = header.card.model_copy(update=found)
    weights = load_file(checkpoint)
    save_checkpoint(checkpoint, weights, header.spec, card, overwrite=True)
    return statistics


def _range(values: list[float | None]) -> tuple[float, float] | None:
    known = [value for value in values if value is not None]
    return (min(known), max(known)) if known else None
