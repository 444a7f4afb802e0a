"""Deconvolve a layer as part of a run, or as the whole of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari_gan_enhance.micrograph.micrograph import VoxelSize
from napari_gan_enhance.progress import Job, Progress
from napari_gan_enhance.tiling.region import snapped_region
from napari_gan_enhance.viewer.focus import planes_in, volumes_in
from napari_gan_enhance.viewer.runs import ResultFinished, ResultStarted
from napari_gan_enhance.viewer.targets import new_target, shown_pixels

if TYPE_CHECKING:
    from napari_gan_enhance.optics.settings import DeconvolveSettings
    from napari_gan_enhance.viewer.choices import RunChoices
    from napari_gan_enhance.viewer.runs import RunRequest

STAGE = "deconvolving"


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


def deconvolve_layer(
    request: RunRequest[Any], settings: DeconvolveSettings
) -> Job[None]:
    """Deconvolve what a run is asked to work on.

    Parameters
    ----------
    request : RunRequest
    settings : DeconvolveSettings

    Yields
    ------
    Progress
        `detail` is a ResultStarted, a ResultFinished, what the job itself reports, or
        None.
    """
    from napari_gan_enhance.optics.deconvolve import deconvolve

    micrograph = request.micrograph
    region = snapped_region(micrograph, request.region, {})
    shape = tuple(span.stop - span.start for span in region.values())
    target, keep = new_target(micrograph, shape)
    label = f"deconvolved: RL {settings.iterations}"
    pixels = shown_pixels(target)
    started = ResultStarted("deconvolved", label, pixels, 1, region, keep)
    yield Progress(0, 1, STAGE, detail=started)
    place = volumes_in if micrograph.size("Z") > 1 else planes_in
    result = yield from deconvolve(
        micrograph,
        settings,
        target=target,
        region=request.region,
        schedule=request.follower.new_schedule(place(region)),
    )
    yield Progress(1, 1, STAGE, detail=ResultFinished("deconvolved", result))
