"""Save image layers as OME-TIFF with everything that is known of them."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_gan_enhance.io.lazy import file_stem
from napari_gan_enhance.io.write import check_output, write_micrograph
from napari_gan_enhance.progress import drain
from napari_gan_enhance.viewer.layers import (
    layer_axes,
    micrograph_from_layer,
    unique_name,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from napari.layers import Image

    from napari_gan_enhance.micrograph.micrograph import Micrograph
    from napari_gan_enhance.micrograph.microscope import Channel

CHUNK = 512
"""Side of the pieces in which layers are combined: the tiles that are written."""

KNOWN = (
    *("rgb", "multiscale", "units", "axis_labels", "metadata", "name"),
    *("scale", "translate", "rotate", "shear", "affine"),
)
"""Of a layer's state, what says what its pixels are and where they lie."""

SAME = 1e-9
"""µm: rounding of one place given in two units; no alignment is as fine."""


def write_image(path: str, data: Any, meta: Mapping[str, Any]) -> list[str]:
    """Write one image layer.

    napari has asked before it replaces a file, so an existing one is replaced.

    Parameters
    ----------
    path : str
        Ending in .tif or .tiff.
    data : array or list of arrays
        The layer's pixels; level 0 of a pyramid is written.
    meta : mapping
        State of the layer.

    Returns
    -------
    list of str
        The file.

    Raises
    ------
    OutputError, InputError
        If the file cannot be written, or cannot hold such pixels.
    """
    image = micrograph_from_layer(_layer(data, meta))
    return [str(drain(write_micrograph(path, image, overwrite=True)))]


def write_images(
    path: str, layer_data: Sequence[tuple[Any, Mapping[str, Any], str]]
) -> list[str]:
    """Write several image layers: as channels of one file if they fit each other.

    Layers of other axes, shape, voxel size or place in the world, and RGB layers, go
    into files of their own, named after file and layer; those never replace an existing
    file. A file holds no place: channels that lay apart would lie on each other.

    Parameters
    ----------
    path : str
        Ending in .tif or .tiff.
    layer_data : sequence of LayerData

    Returns
    -------
    list of str
        The files.

    Raises
    ------
    OutputError, InputError
        If a file cannot be written, or cannot hold such pixels.
    """
    layers = [_layer(data, meta) for data, meta, _ in layer_data]
    images = [micrograph_from_layer(layer) for layer in layers]
    if len(images) == 1 or (_fit(images) and _lie_together(layers)):
        image = images[0] if len(images) == 1 else _stacked(images)
        return [str(drain(write_micrograph(path, image, overwrite=True)))]
    names = _file_names(Path(path), [image.name for image in images])
    return [
        str(drain(write_micrograph(name, image)))
        for name, image in zip(names, images, strict=True)
    ]


def _layer(data: Any, meta: Mapping[str, Any]) -> Image:
    """Return the layer of LayerData; napari fills in what the state leaves out."""
    from napari.layers import Image

    return Image(data, **{key: meta[key] for key in KNOWN if key in meta})


def _fit(images: Sequence[Micrograph]) -> bool:
    """Return whether images can be the channels of one."""
    first = images[0]
    return all(
        not image.is_rgb
        and "C" not in image.axes
        and image.axes == first.axes
        and image.shape == first.shape
        and image.voxel_size_um == first.voxel_size_um
        for image in images
    )


def _lie_together(layers: Sequence[Image]) -> bool:
    """Return whether each pixel of the layers has the same place in the world."""
    from napari_gan_enhance.viewer.placement import world_matrix

    places = [world_matrix(layer, layer_axes(layer)) for layer in layers]
    return all(np.allclose(p, places[0], rtol=SAME, atol=SAME) for p in places[1:])


def _stacked(images: Sequence[Micrograph]) -> Micrograph:
    """Return images as channels of one, in a dtype that holds all values."""
    import dask.array

    first = images[0]
    dtype = np.result_type(*(image.pixels.dtype for image in images))
    pixels = dask.array.stack([_lazy(image.pixels).astype(dtype) for image in images])
    return first.with_pixels(
        pixels,
        axes="C" + first.axes,
        channels=tuple(_named_channel(image) for image in images),
        provenance=_provenance(images),
    )


def _lazy(pixels: Any) -> Any:
    import dask.array

    if isinstance(pixels, dask.array.Array):
        return pixels
    chunks = (1,) * (len(pixels.shape) - 2) + (CHUNK, CHUNK)
    return dask.array.from_array(pixels, chunks=chunks, name=False)


def _named_channel(image: Micrograph) -> Channel:
    channel = image.channels[0]
    return replace(channel, name=channel.name or image.name)


def _provenance(images: Sequence[Micrograph]) -> dict[str, Any]:
    """Return the provenance of every layer that has one, by the layer's name."""
    return {image.name: dict(image.provenance) for image in images if image.provenance}


def _file_names(path: Path, layers: Sequence[str]) -> list[Path]:
    """Return a free name for each layer beside `path`: stem-layer.suffix."""
    stem, suffix = file_stem(path), path.name[len(file_stem(path)) :]
    stems: list[str] = []
    for layer in layers:
        clean = re.sub(r"[^\w.() -]+", "_", layer).strip(" .")
        whole = unique_name(stems, f"{stem}-{clean}")
        stems.append(whole)
        check_output(path.with_name(whole + suffix), overwrite=False)
    return [path.with_name(whole + suffix) for whole in stems]
