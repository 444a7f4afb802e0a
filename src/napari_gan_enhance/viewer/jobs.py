"""One run of the Enhance dock as one job: load the model, enhance, deconvolve."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, TypeAlias

from napari_gan_enhance.io.scratch import scratch_errors
from napari_gan_enhance.progress import Job, Progress
from napari_gan_enhance.viewer.choices import EnhanceChoices
from napari_gan_enhance.viewer.deconvolution import deconvolve_layer, given_optics
from napari_gan_enhance.viewer.focus import planes_in
from napari_gan_enhance.viewer.optics_values import optics_chosen, with_lateral_optics
from napari_gan_enhance.viewer.runs import (
    ResultFinished,
    ResultStarted,
    RunRequest,
    spare_threads,
)
from napari_gan_enhance.viewer.targets import (
    new_target,
    scratch_folder,
    shown_pixels,
)

if TYPE_CHECKING:
    from napari_gan_enhance.models.generator import Generator

EnhanceRequest: TypeAlias = RunRequest[EnhanceChoices]


def run(request: EnhanceRequest) -> Job[None]:
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


def _load(choices: EnhanceChoices) -> Generator:
    from napari_gan_enhance.checkpoints.bundled import resolve_model
    from napari_gan_enhance.checkpoints.load import load_generator
    from napari_gan_enhance.device import limit_threads

    limit_threads(spare_threads(os.cpu_count()))
    path = resolve_model(choices.model)
    return load_generator(path, device=choices.device, precision=choices.precision)


def _enhance(request: EnhanceRequest, generator: Generator) -> Job[None]:
    from napari_gan_enhance.models.enhance import enhance, region_of, result_shape
    from napari_gan_enhance.models.settings import EnhanceSettings

    micrograph, choices, spec = request.micrograph, request.choices, generator.spec
    if spec.takes_psf_width or choices.deconvolve:  # the fields are on screen
        micrograph = with_lateral_optics(micrograph, optics_chosen(choices))
    region = region_of(micrograph, spec, request.region)
    shape = result_shape(micrograph, spec, request.region)
    target = new_target(micrograph, shape)
    started = ResultStarted(
        "enhanced",
        f"enhanced: {generator.name}",
        shown_pixels(target),
        spec.upscale,
        region,
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


def _deconvolve(request: EnhanceRequest) -> Job[None]:
    from napari_gan_enhance.optics.settings import DeconvolveSettings

    choices = request.choices
    settings = DeconvolveSettings(
        iterations=choices.iterations, **given_optics(choices)
    )
    yield from deconvolve_layer(request, settings)
