"""OME-XML to FileMetadata, by ome-types."""

from __future__ import annotations

import json
import logging
import warnings
from typing import TYPE_CHECKING, Any

from napari_gan_enhance.io.boundary import DECODING_ERRORS
from napari_gan_enhance.io.file_metadata import (
    FileMetadata,
    channel,
    duration_s,
    length_um,
    microscope,
    modality,
    positive,
)
from napari_gan_enhance.io.ome_repair import without_unread, without_wrong
from napari_gan_enhance.micrograph.micrograph import VoxelSize

if TYPE_CHECKING:
    from ome_types import model

    from napari_gan_enhance.micrograph.microscope import Channel, Microscope

PROVENANCE_NAMESPACE = "napari-gan-enhance/provenance"
"""Marks the map annotation that holds a result's provenance."""

MOST_REPAIRS = 20
"""Each finds what is wrong in one part of the file."""

_log = logging.getLogger(__name__)


def read_ome(xml: str, index: int, name: str, count: int) -> FileMetadata | None:
    """Read what OME-XML says about one image.

    Parameters
    ----------
    xml : str
    index : int
        Of the image among those of the file that hold pixels.
    name : str
        Of the image, to find it where some images hold no pixels.
    count : int
        How many images hold pixels.

    Returns
    -------
    FileMetadata or None
        None if the XML does not follow the schema, or the image is not found.
    """
    ome = parse_ome(xml)
    if ome is None:
        return None
    if len(ome.images) == count:
        image = ome.images[index]
    else:
        named = [each for each in ome.images if each.name == name]
        if len(named) != 1:
            return None
        image = named[0]
    return image_metadata(ome, image)


def parse_ome(xml: str) -> model.OME | None:
    """Return the model of OME-XML, None if it cannot be read.

    Single values that the schema does not allow are left out.
    """
    from ome_types import from_xml
    from pydantic import ValidationError

    error: Exception | None = None
    for _ in range(MOST_REPAIRS):
        try:
            with warnings.catch_warnings():
                # Of IDs by Micro-Manager, which ome-types repairs, and of each value
                # that is left out below.
                warnings.simplefilter("ignore")
                return from_xml(xml)
        except ValidationError as wrong:
            error, repaired = wrong, without_wrong(xml, wrong.errors())
        except DECODING_ERRORS as wrong:
            error, repaired = wrong, without_unread(xml)
        if repaired == xml:
            break
        xml = repaired
    _log.info("OME-XML that does not follow the schema is left out: %s", error)
    return None


def image_metadata(ome: model.OME, image: model.Image) -> FileMetadata:
    """Return what an OME model says about one of its images."""
    pixels = image.pixels
    sizes = [
        length_um(
            getattr(pixels, f"physical_size_{a}"),
            getattr(pixels, f"physical_size_{a}_unit").value,
        )
        for a in "zyx"
    ]
    return FileMetadata(
        voxel_size_um=VoxelSize(*sizes),
        time_step_s=duration_s(pixels.time_increment, pixels.time_increment_unit.value),
        channels=tuple(_channel(each) for each in pixels.channels),
        microscope=_microscope(ome, image),
        provenance=_provenance(ome, image),
    )


def _channel(source: model.Channel) -> Channel:
    color = None
    if source.color is not None and "color" in source.model_fields_set:
        red, green, blue = source.color.as_rgb_tuple()[:3]
        color = f"#{red:02x}{green:02x}{blue:02x}"
    return channel(
        source.name,
        emission_nm=_nanometers(
            source.emission_wavelength, source.emission_wavelength_unit
        ),
        excitation_nm=_nanometers(
            source.excitation_wavelength, source.excitation_wavelength_unit
        ),
        color=color,
    )


def _nanometers(value: float | None, unit: Any) -> float | None:
    size = length_um(value, unit.value)
    # 0.5 µm x 1000 gives 500.00000000000006: wavelengths are not known that well.
    return None if size is None else round(size * 1e3, 9)


def _microscope(ome: model.OME, image: model.Image) -> Microscope:
    settings = image.objective_settings
    objectives = [o for each in ome.instruments for o in each.objectives]
    if settings is None:
        used = objectives if len(objectives) == 1 else []
    else:
        used = [o for o in objectives if o.id == settings.id]
    modes = {each.acquisition_mode for each in image.pixels.channels}
    mode = modes.pop() if len(modes) == 1 else None
    return microscope(
        modality(mode.value) if mode is not None else None,
        positive(used[0].lens_na) if used else None,
        positive(settings.refractive_index) if settings is not None else None,
    )


def _provenance(ome: model.OME, image: model.Image) -> dict[str, Any]:
    """Return the provenance that this package wrote, empty if there is none."""
    annotations = ome.structured_annotations
    wanted = {ref.id for ref in image.annotation_refs}
    found: dict[str, Any] = {}
    for each in annotations.map_annotations if annotations is not None else []:
        if each.namespace == PROVENANCE_NAMESPACE and each.id in wanted:
            for pair in each.value.ms:
                found[str(pair.k)] = _from_json(pair.value or "")
    return found


def _from_json(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text
