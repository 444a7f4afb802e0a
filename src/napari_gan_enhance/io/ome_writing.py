"""Micrograph to OME-XML, by ome-types."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_gan_enhance.errors import OutputError
from napari_gan_enhance.io.ome_metadata import PROVENANCE_NAMESPACE
from napari_gan_enhance.io.plain_text import plain_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ome_types import model

    from napari_gan_enhance.micrograph.micrograph import Micrograph
    from napari_gan_enhance.micrograph.microscope import Channel

OME_TYPES = {
    "bool": "uint8",
    "int8": "int8",
    "int16": "int16",
    "int32": "int32",
    "uint8": "uint8",
    "uint16": "uint16",
    "uint32": "uint32",
    "float16": "float",
    "float32": "float",
    "float64": "double",
}
"""OME's names for pixel types; booleans and half precision are widened."""

STORED_TYPES = {"bool": "uint8", "float16": "float32"}
"""What OME has no type for that fits a wider one without loss."""


def stored_dtype(dtype: Any) -> np.dtype[Any]:
    """Return the dtype in which OME-TIFF holds pixels, without loss.

    Raises
    ------
    OutputError
        If OME has no type that holds all values.
    """
    name = np.dtype(dtype).name
    if name not in OME_TYPES:
        raise OutputError(
            f"Pixels of type {name} do not fit OME-TIFF - it holds "
            f"{', '.join(OME_TYPES)} - convert them, or write OME-Zarr."
        )
    stored: np.dtype[Any] = np.dtype(STORED_TYPES.get(name, name))
    return stored


def ome_xml(micrograph: Micrograph, order: str, shape: tuple[int, ...]) -> str:
    """Return the OME-XML that describes a micrograph as one image.

    Parameters
    ----------
    micrograph : Micrograph
    order : str
        Axes as stored: T, C and Z in any order, then "YXS".
    shape : tuple of int
        Length of each stored axis.

    Returns
    -------
    str
        ASCII, other characters as references.
    """
    from ome_types import model, to_xml

    sizes = dict(zip(order, shape, strict=True))
    ome = model.OME(creator="napari-gan-enhance")
    image = model.Image(
        id="Image:0",
        name=plain_text(micrograph.name) or None,
        pixels=_pixels(micrograph, order, sizes),
    )
    _add_microscope(ome, image, micrograph)
    if micrograph.provenance:
        _add_provenance(ome, image, micrograph.provenance)
    ome.images.append(image)
    xml = to_xml(ome, indent=0)
    return str(xml.encode("ascii", "xmlcharrefreplace").decode("ascii"))


def _pixels(
    micrograph: Micrograph, order: str, sizes: Mapping[str, int]
) -> model.Pixels:
    from ome_types import model

    samples = sizes["S"]
    voxel = micrograph.voxel_size_um
    known = {
        f"physical_size_{axis}": size
        for axis, size in zip("zyx", voxel, strict=True)
        if size is not None
    }
    if micrograph.time_step_s is not None:
        known["time_increment"] = micrograph.time_step_s
    mode = micrograph.microscope.modality
    channels = [
        _channel(each, i, samples, mode.value if mode is not None else None)
        for i, each in enumerate(micrograph.channels)
    ]
    planes = sizes["T"] * sizes["C"] * sizes["Z"]
    return model.Pixels(
        id="Pixels:0",
        dimension_order="XY" + order[:3][::-1],
        type=OME_TYPES[np.dtype(micrograph.pixels.dtype).name],
        size_x=sizes["X"],
        size_y=sizes["Y"],
        size_z=sizes["Z"],
        size_c=sizes["C"] * samples,
        size_t=sizes["T"],
        big_endian=False,
        interleaved=True if samples > 1 else None,
        channels=channels,
        tiff_data_blocks=[model.TiffData(ifd=0, plane_count=planes)],
        **known,
    )


def _channel(
    channel: Channel, index: int, samples: int, mode: str | None
) -> model.Channel:
    from ome_types import model

    known: dict[str, Any] = {
        "name": plain_text(channel.name) or None,
        "emission_wavelength": channel.emission_nm,
        "excitation_wavelength": channel.excitation_nm,
        "color": channel.color,
        "acquisition_mode": mode,
    }
    return model.Channel(
        id=f"Channel:0:{index}",
        samples_per_pixel=samples,
        **{key: value for key, value in known.items() if value is not None},
    )


def _add_microscope(ome: model.OME, image: model.Image, micrograph: Micrograph) -> None:
    from ome_types import model

    aperture = micrograph.microscope.numerical_aperture
    index = micrograph.microscope.immersion_index
    if aperture is None and index is None:
        return
    objective = model.Objective(id="Objective:0:0", lens_na=aperture)
    ome.instruments.append(model.Instrument(id="Instrument:0", objectives=[objective]))
    image.instrument_ref = model.InstrumentRef(id="Instrument:0")
    image.objective_settings = model.ObjectiveSettings(
        id="Objective:0:0", refractive_index=index
    )


def _add_provenance(
    ome: model.OME, image: model.Image, provenance: Mapping[str, Any]
) -> None:
    """Add the provenance as key-value pairs, each value as JSON."""
    from ome_types import model

    pairs = [
        model.Map.M(k=plain_text(str(key)), value=json.dumps(value))
        for key, value in provenance.items()
    ]
    note = model.MapAnnotation(
        id="Annotation:0", namespace=PROVENANCE_NAMESPACE, value=model.Map(ms=pairs)
    )
    ome.structured_annotations = model.StructuredAnnotations(map_annotations=[note])
    image.annotation_refs.append(model.AnnotationRef(id="Annotation:0"))
