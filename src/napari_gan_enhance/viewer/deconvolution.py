"""Deconvolve a layer: one run of the Deconvolve dock, or the second half of another."""

from __future__ import annotations

import os
import re
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, TypeAlias

from napari_gan_enhance.io.scratch import scratch_errors
from napari_gan_enhance.io.write import write_micrograph
from napari_gan_enhance.micrograph.micrograph import VoxelSize
from napari_gan_enhance.progress import Job, Progress, changed, drain
from napari_gan_enhance.tiling.region import snapped_region
from napari_gan_enhance.viewer.choices import MOST_ITERATIONS, DeconvolveChoices
from napari_gan_enhance.viewer.focus import planes_in, volumes_in
from napari_gan_enhance.viewer.iterations import KeptIterations
from napari_gan_enhance.viewer.runs import (
    ResultFinished,
    ResultStarted,
    RunRequest,
    spare_threads,
)
from napari_gan_enhance.viewer.targets import (
    fits,
    new_target,
    scratch_folder,
    shown_pixels,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from napari_gan_enhance.micrograph.micrograph import Micrograph
    from napari_gan_enhance.optics.settings import DeconvolveSettings
    from napari_gan_enhance.viewer.choices import RunChoices

STAGE = "deconvolving"

SHORT_NAMES = {
    "plain": "RL",
    "accelerated": "accelerated RL",
    "total-variation": "TV-RL",
    "wiener-butterworth": "Wiener-Butterworth",
}
"""What the algorithms are called in the names of layers."""

NO_ROOM = (
    "There is no room for the iterations on the way, in memory or on disk: only the "
    "last one is kept."
)

DeconvolveRequest: TypeAlias = RunRequest[DeconvolveChoices]


def run_deconvolution(
    request: DeconvolveRequest, psf: Micrograph | None = None
) -> Job[None]:
    """Deconvolve what the Deconvolve dock asks for.

    Parameters
    ----------
    request : RunRequest
    psf : Micrograph, optional
        The layer that holds the PSF, where the choices say so.

    Yields
    ------
    Progress
        `detail` is a ResultStarted, a ResultFinished, what the job itself reports, or
        None.

    Raises
    ------
    GanEnhanceError
        If optics, PSF, device or image cannot be used.
    """
    from napari_gan_enhance.device import limit_threads

    yield Progress(0, 1, "preparing")
    limit_threads(spare_threads(os.cpu_count()))
    choices = request.choices
    with scratch_errors(scratch_folder()), psf_file(choices, psf) as path:
        settings = deconvolve_settings(choices, path)
        yield from deconvolve_layer(request, settings, keeps=choices.keeps_iterations)


def deconvolve_settings(
    choices: DeconvolveChoices, psf_path: Path | None
) -> DeconvolveSettings:
    """Return the settings of the job for the choices of the Deconvolve dock."""
    from napari_gan_enhance.optics.settings import DeconvolveSettings

    return DeconvolveSettings(
        iterations=choices.iterations,
        algorithm=choices.algorithm,
        tv_weight=choices.tv_weight,
        background=choices.background,
        model=choices.model,
        psf_path=psf_path,
        **choices.aberration,
        **given_optics(choices),
    )


def given_optics(choices: RunChoices) -> dict[str, Any]:
    """Return the part of the settings that all docks ask for.

    What the form holds counts, even where the file says otherwise: the user saw it.
    """
    return {
        "numerical_aperture": choices.numerical_aperture,
        "immersion_index": choices.immersion_index,
        "emission_nm": choices.emission_nm,
        "voxel_size_um": VoxelSize(*choices.voxel_size_um),
        "device": choices.device,
    }


@contextmanager
def psf_file(
    choices: DeconvolveChoices, psf: Micrograph | None
) -> Iterator[Path | None]:
    """Give the file with the measured PSF; a layer is written into one for a while.

    So a PSF in a layer is checked and repaired like one in a file.
    """
    if choices.psf == "file":
        yield Path(choices.psf_path)
    elif choices.psf == "layer" and psf is not None:
        with TemporaryDirectory(dir=scratch_folder()) as folder:
            stem = re.sub(r"[^\w.() -]+", "_", psf.name) or "layer"
            path = Path(folder) / f"{stem}.ome.tif"
            drain(write_micrograph(path, psf))
            yield path
    else:
        yield None


def deconvolve_layer(
    request: RunRequest[Any], settings: DeconvolveSettings, *, keeps: bool = False
) -> Job[None]:
    """Deconvolve what a run is asked to work on.

    Parameters
    ----------
    request : RunRequest
    settings : DeconvolveSettings
    keeps : bool
        Whether results on the way are kept, where there is room for them.

    Yields
    ------
    Progress
        `detail` is a ResultStarted, a ResultFinished, what the job itself reports, or
        None.
    """
    from napari_gan_enhance.optics.deconvolve import deconvolve

    micrograph = request.micrograph
    region = snapped_region(micrograph, request.region, {})
    result = _Result(micrograph, region, settings)
    if keeps and not result.has_room:
        yield Progress(0, 1, STAGE, note=NO_ROOM)
        keeps = False
    if not keeps:
        yield Progress(0, 1, STAGE, detail=result.started())
    place = volumes_in if micrograph.size("Z") > 1 else planes_in
    job = deconvolve(
        micrograph,
        settings,
        target=result.target,
        region=request.region,
        schedule=request.follower.new_schedule(place(region)),
        history=result.new_history if keeps else None,
    )
    finished = yield from _told(job, result)
    yield Progress(1, 1, STAGE, detail=ResultFinished("deconvolved", finished))


def _told(job: Job[Micrograph], result: _Result) -> Job[Micrograph]:
    """Run a job and announce its result once its iterations are known."""
    from napari_gan_enhance.optics.deconvolve import IterationsChosen

    def told(report: Progress) -> Progress:
        if isinstance(report.detail, IterationsChosen):
            return replace(report, detail=result.started())
        return report

    return changed(job, told)


class _Result:
    """The arrays of one result, and how it is announced."""

    def __init__(
        self,
        micrograph: Micrograph,
        region: Mapping[str, slice],
        settings: DeconvolveSettings,
    ) -> None:
        self._micrograph = micrograph
        self._region = region
        self._settings = settings
        self._shape = tuple(span.stop - span.start for span in region.values())
        self._kept: KeptIterations | None = None
        self.target = new_target(micrograph, self._shape)

    @property
    def has_room(self) -> bool:
        """Whether the iterations on the way can be kept."""
        from napari_gan_enhance.optics.richardson_lucy import kept_iterations

        wanted = self._settings.iterations
        count = len(kept_iterations(MOST_ITERATIONS if wanted == "auto" else wanted))
        return fits((count, *self._shape))

    def new_history(self, kept: tuple[int, ...]) -> Any:
        """Return what takes the kept iterations."""
        history = new_target(self._micrograph, (len(kept), *self._shape))
        final = shown_pixels(self.target)
        self._kept = KeptIterations(kept, shown_pixels(history), final)
        return history

    def started(self) -> ResultStarted:
        """Announce the result, at its first iteration where they are kept."""
        kept = self._kept
        number = self._settings.iterations if kept is None else kept.numbers[0]
        label = f"deconvolved: {SHORT_NAMES[self._settings.algorithm]} {number}"
        pixels = shown_pixels(self.target) if kept is None else kept.pixels(0)
        return ResultStarted("deconvolved", label, pixels, 1, self._region, kept)
