"""One run of the Enhance dock as one job: load the model, enhance, deconvolve.

Layers and controls stay behind: a run gets a micrograph and a frozen record, and tells
what it makes through the details of its progress.
"""

from __future__ import annotations

import os
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from napari_gan_enhance.io.scratch import scratch_errors
from napari_gan_enhance.micrograph.micrograph import VoxelSize
from napari_gan_enhance.progress import Job, Progress
from napari_gan_enhance.tiling.region import snapped_region
from napari_gan_enhance.viewer.focus import ViewFollower, planes_in, volumes_in
from napari_gan_enhance.viewer.targets import (
    new_target,
    scratch_folder,
    shown_pixels,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from napari_gan_enhance.micrograph.micrograph import Micrograph
    from napari_gan_enhance.models.generator import Generator
    from napari_gan_enhance.optics.settings import DeconvolveSettings
    from napari_gan_enhance.viewer.choices import EnhanceChoices

ResultKind: TypeAlias = Literal["enhanced", "deconvolved"]


@dataclass(frozen=True, slots=True)
class ResultStarted:
    """Detail of a Progress: a result exists and is being filled.

    Parameters
    ----------
    kind : "enhanced" or "deconvolved"
    label : str
        For the layer's name, such as "enhanced: widefield-denoise".
    pixels : array
        What to show; zeros where no tile is finished.
    upscale : int
        Result pixels per source pixel along Y and X.
    region : mapping of letter to slice
        Pixels of the source that are worked on, for every axis.
    keep : ExitStack
        To be closed when the pixels are no longer needed.
    """

    kind: ResultKind
    label: str
    pixels: Any
    upscale: int
    region: Mapping[str, slice]
    keep: ExitStack = field(default_factory=ExitStack)


@dataclass(frozen=True, slots=True)
class ResultFinished:
    """Detail of a Progress: a result is complete.

    Parameters
    ----------
    kind : "enhanced" or "deconvolved"
    micrograph : Micrograph
        The result with its metadata and provenance.
    """

    kind: ResultKind
    micrograph: Micrograph


@dataclass(frozen=True, slots=True)
class RunRequest:
    """What one run works on.

    Parameters
    ----------
    micrograph : Micrograph
    choices : EnhanceChoices
    region : mapping of letter to slice, or None
        Part of the micrograph to work on; None for all of it.
    follower : ViewFollower
        Where the user looks.
    """

    micrograph: Micrograph
    choices: EnhanceChoices
    region: Mapping[str, slice] | None = None
    follower: ViewFollower = field(default_factory=ViewFollower)


def run(request: RunRequest) -> Job[None]:
    """Enhance and, where chosen, deconvolve a micrograph.

    Parameters
    ----------
    request : RunRequest

    Yields
    ------
    Progress
        `detail` is a ResultStarted, a ResultFinished, what the stage itself reports,
        or None.

    Raises
    ------
    GanEnhanceError
        If the model, the device or the image cannot be used.
    """
    yield Progress(0, 1, "loading the model")
    generator = _load(request.choices)
    with scratch_errors(scratch_folder()):
        yield from _enhance(request, generator)
        del generator  # its memory is Richardson-Lucy's now
        if request.choices.deconvolve:
            yield from _deconvolve(request)


def spare_threads(cores: int | None) -> int:
    """Return how many threads a job may take: all cores but the window's."""
    return max(1, (cores or 1) - 1)


def deconvolve_settings(choices: EnhanceChoices) -> DeconvolveSettings:
    """Return the settings of the Richardson-Lucy part of a run.

    What the form holds counts, even where the file says otherwise: the user saw it.
    """
    from napari_gan_enhance.optics.settings import DeconvolveSettings

    return DeconvolveSettings(
        iterations=choices.iterations,
        numerical_aperture=choices.numerical_aperture,
        immersion_index=choices.immersion_index,
        emission_nm=choices.emission_nm,
        voxel_size_um=VoxelSize(*choices.voxel_size_um),
        device=choices.device,
    )


def _load(choices: EnhanceChoices) -> Generator:
    from napari_gan_enhance.checkpoints.bundled import resolve_model
    from napari_gan_enhance.checkpoints.load import load_generator
    from napari_gan_enhance.device import limit_threads

    limit_threads(spare_threads(os.cpu_count()))
    path = resolve_model(choices.model)
    return load_generator(path, device=choices.device, precision=choices.precision)


def _enhance(request: RunRequest, generator: Generator) -> Job[None]:
    from napari_gan_enhance.models.enhance import enhance, region_of, result_shape
    from napari_gan_enhance.models.settings import EnhanceSettings

    micrograph, choices, spec = request.micrograph, request.choices, generator.spec
    region = region_of(micrograph, spec, request.region)
    shape = result_shape(micrograph, spec, request.region)
    target, keep = new_target(micrograph, shape)
    started = ResultStarted(
        "enhanced",
        f"enhanced: {generator.name}",
        shown_pixels(target),
        spec.upscale,
        region,
        keep,
    )
    yield Progress(0, 1, "enhancing", detail=started)
    taken = micrograph.sample_axis if spec.in_channels > 1 else ""
    result = yield from enhance(
        micrograph,
        generator,
        EnhanceSettings(device=choices.device, precision=choices.precision),
        target=target,
        region=request.region,
        schedule=request.follower.new_schedule(planes_in(region, taken=taken)),
    )
    yield Progress(1, 1, "enhancing", detail=ResultFinished("enhanced", result))


def _deconvolve(request: RunRequest) -> Job[None]:
    from napari_gan_enhance.optics.deconvolve import deconvolve

    micrograph = request.micrograph
    settings = deconvolve_settings(request.choices)
    region = snapped_region(micrograph, request.region, {})
    shape = tuple(span.stop - span.start for span in region.values())
    target, keep = new_target(micrograph, shape)
    started = ResultStarted(
        "deconvolved",
        f"deconvolved: RL {settings.iterations}",
        shown_pixels(target),
        1,
        region,
        keep,
    )
    yield Progress(0, 1, "deconvolving", detail=started)
    is_volume = micrograph.size("Z") > 1
    place = volumes_in(region) if is_volume else planes_in(region)
    result = yield from deconvolve(
        micrograph,
        settings,
        target=target,
        region=request.region,
        schedule=request.follower.new_schedule(place),
    )
    yield Progress(1, 1, "deconvolving", detail=ResultFinished("deconvolved", result))
