"""Open image files in napari with their scale, channels and metadata."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_gan_enhance.viewer.layers import METADATA_KEY

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from napari_gan_enhance.micrograph.micrograph import Micrograph

SUFFIXES = (".tif", ".tiff", ".btf", ".tf8", ".stk", ".lsm", ".zarr")

FEW_COLORS = ("magenta", "green")
MANY_COLORS = ("cyan", "magenta", "yellow", "blue", "green", "red")
"""Colormaps that napari itself gives to two, and to more, channels."""

CONTRAST_PERCENTILES = (0.1, 99.9)
"""What is shown black and white at first."""

CONTRAST_SAMPLES = 2**20
"""Pixels that the percentiles are taken from, evenly spread: a few milliseconds."""

LAYER_CHUNK = 2048
"""Side of the pieces in which lazy layers are read: few tasks, yet no plane whole."""

PathOrPaths = str | Path | list[str] | list[Path]
LayerData = tuple[Any, dict[str, Any], str]


def napari_get_reader(
    path: PathOrPaths,
) -> Callable[[PathOrPaths], list[LayerData]] | None:
    """Return the reader for TIFF files and OME-Zarr folders, by their names.

    Parameters
    ----------
    path : str, Path or list of them

    Returns
    -------
    callable or None
        None where one of the names is not ours.
    """
    paths = path if isinstance(path, list) else [path]
    ours = paths and all(str(p).lower().rstrip("/\\").endswith(SUFFIXES) for p in paths)
    return read_layers if ours else None


def read_layers(path: PathOrPaths) -> list[LayerData]:
    """Read files as layers: one for each image and channel.

    Several files are several images; they are not stacked.

    Parameters
    ----------
    path : str, Path or list of them

    Returns
    -------
    list of LayerData
        Image layers in µm and seconds where the file knows them, else in pixels; axes
        labeled; large images lazy.

    Raises
    ------
    FileFormatError
        If a file cannot be read.
    """
    from napari_gan_enhance.io.read import read_all

    paths = path if isinstance(path, list) else [path]
    return [
        layer
        for each in paths
        for micrograph in read_all(each)
        for layer in layers_of(micrograph)
    ]


def layers_of(micrograph: Micrograph) -> list[LayerData]:
    """Return a micrograph as image layers, one for each channel.

    Parameters
    ----------
    micrograph : Micrograph

    Returns
    -------
    list of LayerData
        Axes in the order T, Z, Y, X as far as there are; RGB samples last.
    """
    order = "".join(a for a in "TCZYXS" if a in micrograph.axes)
    pixels = _sliceable(micrograph)
    pixels = pixels.transpose([micrograph.axes.index(a) for a in order])
    if "C" not in order:
        return [_layer(micrograph, pixels, order, 0)]
    at = order.index("C")
    ahead = (slice(None),) * at
    return [
        _layer(micrograph, pixels[(*ahead, i)], order.replace("C", ""), i)
        for i in range(micrograph.size("C"))
    ]


def _layer(micrograph: Micrograph, pixels: Any, axes: str, index: int) -> LayerData:
    channel = micrograph.channels[index]
    count = len(micrograph.channels)
    part = micrograph.with_pixels(pixels, axes=axes, channels=(channel,))
    label = channel.name or f"channel {index + 1}"
    dimensions = axes.removesuffix("S")
    settings: dict[str, Any] = {
        "name": f"{micrograph.name}: {label}" if count > 1 else micrograph.name,
        "axis_labels": tuple(dimensions.lower()),
        "metadata": {METADATA_KEY: part},
        "rgb": micrograph.is_rgb,
        **_scale(part, dimensions),
    }
    if not micrograph.is_rgb:
        settings["colormap"] = _colormap(channel.color, index, count)
        settings["blending"] = "additive" if index else "translucent_no_depth"
        settings.update(_contrast(pixels))
    return pixels, settings, "image"


def _scale(micrograph: Micrograph, dimensions: str) -> dict[str, Sequence[Any]]:
    """Return scale and units; an axis of unknown size has 1 pixel."""
    size = dict(zip("ZYX", micrograph.voxel_size_um, strict=True))
    known = {axis: (value, "micrometer") for axis, value in size.items() if value}
    if micrograph.time_step_s:
        known["T"] = (micrograph.time_step_s, "second")
    pairs = [known.get(axis, (1.0, "pixel")) for axis in dimensions]
    return {"scale": [pair[0] for pair in pairs], "units": [pair[1] for pair in pairs]}


def _contrast(pixels: Any) -> dict[str, tuple[float, float]]:
    """Return contrast limits for integers in memory; napari chooses all others.

    napari shows 8-bit images on 0 to 255, where a few counts of light are black.
    """
    import numpy as np

    if not isinstance(pixels, np.ndarray) or pixels.dtype.kind not in "ui":
        return {}
    step = max(1, pixels.size // CONTRAST_SAMPLES)
    low, high = np.percentile(pixels.ravel("K")[::step], CONTRAST_PERCENTILES)
    return {"contrast_limits": (float(low), float(high))} if low < high else {}


def _colormap(color: str | None, index: int, count: int) -> str:
    if color is not None:
        return "gray" if color == "#ffffff" else color
    if count == 1:
        return "gray"
    colors = FEW_COLORS if count == 2 else MANY_COLORS
    return colors[index % len(colors)]


def _sliceable(micrograph: Micrograph) -> Any:
    """Return pixels that can be transposed: lazy ones as a dask array."""
    import numpy as np

    pixels = micrograph.pixels
    if isinstance(pixels, np.ndarray):
        return pixels
    import dask.array

    chunks = [
        LAYER_CHUNK if a in "YX" else (-1 if a == "S" else 1) for a in micrograph.axes
    ]
    return dask.array.from_array(
        pixels,
        chunks=chunks,
        name=False,
        meta=np.empty((0,) * len(pixels.shape), pixels.dtype),
    )
