"""Trust maps of a result on screen: what they need, and the job that makes them."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from napari_gan_enhance.errors import CheckpointError, GanEnhanceError, InputError
from napari_gan_enhance.micrograph.micrograph import Micrograph
from napari_gan_enhance.progress import Job, Progress
from napari_gan_enhance.viewer.layers import METADATA_KEY, micrograph_from_layer
from napari_gan_enhance.viewer.runs import spare_threads

if TYPE_CHECKING:
    import weakref
    from collections.abc import Mapping, Sequence

    from napari.components import ViewerModel
    from napari.layers import Image, Layer

    from napari_gan_enhance.models.generator import Generator
    from napari_gan_enhance.trust.maps import TrustMaps

SOURCE_KEY = "napari_gan_enhance_source"
"""Key in a result's metadata under which it is kept what it was made of."""

PASSES: dict[str, Literal[0, 8]] = {"full": 8, "fast": 0}
"""How often the model is run again."""


@dataclass(frozen=True, slots=True, eq=False)
class MadeOf:
    """What a result was made of.

    Parameters
    ----------
    source : weak reference to Image
    region : mapping of letter to slice
        Its pixels that were worked on, for every axis.
    """

    source: weakref.ref[Image]
    region: Mapping[str, slice]


@dataclass(frozen=True, slots=True, eq=False)
class TrustRequest:
    """What trust maps are made of.

    Parameters
    ----------
    raw, enhanced : Micrograph
        Of the same shape.
    models : tuple of str
        Names and paths among which the generator is looked for that made the result.
    passes : 0 or 8
    device : "auto", "cpu", "cuda" or "mps"
    """

    raw: Micrograph
    enhanced: Micrograph
    models: tuple[str, ...]
    passes: Literal[0, 8] = 8
    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"


def enhanced_layer(viewer: ViewerModel) -> Image | None:
    """Return the result that trust maps would be made of.

    Parameters
    ----------
    viewer : ViewerModel

    Returns
    -------
    Image or None
        The selected layer if a generator made it, else the last such layer of the list.
    """
    found = [layer for layer in viewer.layers if _result_of(layer) is not None]
    active = viewer.layers.selection.active
    return active if active in found else found[-1] if found else None


def trust_request(
    viewer: ViewerModel, layer: Image, models: Sequence[str], depth: str, device: Any
) -> TrustRequest:
    """Gather what trust maps of a result need.

    Parameters
    ----------
    viewer : ViewerModel
    layer : Image
        A result that a generator made.
    models : sequence of str
        Where its generator may be, the likeliest first.
    depth : "full" or "fast"
    device : str

    Returns
    -------
    TrustRequest

    Raises
    ------
    InputError
        If the image it was made of is not open any more.
    """
    enhanced = _result_of(layer)
    if enhanced is None:
        raise InputError(
            f"Layer {layer.name!r} is not what a model made, or only a part of it - "
            "trust maps are about the whole result of one - select that layer, or "
            "enhance one first."
        )
    raw = _raw_of(viewer, layer, enhanced)
    # The result knows what the run was told of the optics.
    raw = raw.with_pixels(
        raw.pixels,
        voxel_size_um=enhanced.voxel_size_um,
        channels=enhanced.channels if enhanced.size("C") == raw.size("C") else (),
        microscope=enhanced.microscope,
    )
    return TrustRequest(raw, enhanced, tuple(models), PASSES[depth], device)


def run_trust(request: TrustRequest) -> Job[TrustMaps]:
    """Find the generator again and measure how far its result can be believed.

    Parameters
    ----------
    request : TrustRequest

    Yields
    ------
    Progress

    Returns
    -------
    TrustMaps

    Raises
    ------
    GanEnhanceError
        If the generator is not found, or the maps cannot be made.
    """
    from napari_gan_enhance.device import limit_threads
    from napari_gan_enhance.models.settings import EnhanceSettings
    from napari_gan_enhance.trust.assess import assess
    from napari_gan_enhance.trust.settings import TrustSettings

    yield Progress(0, 1, "loading the model")
    limit_threads(spare_threads(os.cpu_count()))
    generator = _generator(request)
    settings = TrustSettings(
        passes=request.passes,
        enhance=EnhanceSettings(device=request.device, precision=generator.precision),
    )
    return (yield from assess(request.raw, request.enhanced, generator, settings))


def _result_of(layer: Layer) -> Micrograph | None:
    """Return what a generator made, if a layer shows all of it.

    napari copies metadata to what it derives from a layer, such as a projection.
    """
    kept = layer.metadata.get(METADATA_KEY)
    is_result = (
        isinstance(kept, Micrograph)
        and kept.provenance.get("operation") == "enhance"
        and kept.shape == tuple(layer.data.shape)
    )
    return kept if is_result else None


def _raw_of(viewer: ViewerModel, layer: Image, enhanced: Micrograph) -> Micrograph:
    """Return the part of the source that a result was made of."""
    made_of = layer.metadata.get(SOURCE_KEY)
    if isinstance(made_of, MadeOf):
        source = made_of.source()
        if source is not None and source in viewer.layers:
            return _part(micrograph_from_layer(source), made_of.region)
    else:  # opened from a file: by name
        name = enhanced.provenance.get("source")
        shape = tuple(layer.data.shape)
        for other in viewer.layers:
            if other.name == name and tuple(other.data.shape) == shape:
                return micrograph_from_layer(other)
    raise InputError(
        f"What {layer.name!r} was made of is not open - trust maps compare a result "
        f"with its source {enhanced.provenance.get('source')!r} - open that image, or "
        "enhance it again."
    )


def _part(raw: Micrograph, region: Mapping[str, slice]) -> Micrograph:
    window = tuple(region.get(axis, slice(None)) for axis in raw.axes)
    channels = raw.channels[region.get("C", slice(None))]
    return raw.with_pixels(raw.pixels[window], channels=channels)


def _generator(request: TrustRequest) -> Generator:
    from napari_gan_enhance.checkpoints.bundled import resolve_model
    from napari_gan_enhance.checkpoints.header import read_header
    from napari_gan_enhance.checkpoints.load import load_generator

    made_by = request.enhanced.provenance.get("model", {})
    precision = request.enhanced.provenance.get("precision", "exact")
    for value in request.models:
        try:
            path = resolve_model(value)
            is_it = read_header(path).sha256 == made_by.get("sha256")
        except GanEnhanceError:  # gone or damaged: another one may be it
            continue
        if is_it:
            return load_generator(path, device=request.device, precision=precision)
    raise CheckpointError(
        f"Model {made_by.get('name', '')!r} that made this result is not in the list - "
        "trust maps run it again - browse for its checkpoint, unchanged since."
    )
