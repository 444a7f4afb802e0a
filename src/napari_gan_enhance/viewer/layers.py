"""napari layer <-> Micrograph, without loading lazy pixels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from napari_gan_enhance.errors import InputError
from napari_gan_enhance.micrograph.micrograph import Micrograph, VoxelSize

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

METADATA_KEY = "napari_gan_enhance"
"""Key in a layer's metadata under which its Micrograph is kept."""

LETTERS = {
    **{letter.lower(): letter for letter in "TCZYX"},
    "time": "T",
    "frame": "T",
    "channel": "C",
    "depth": "Z",
    "plane": "Z",
    "row": "Y",
    "column": "X",
}
"""Axis labels that say which axis is meant."""

USUAL_AXES = {2: "YX", 3: "ZYX", 4: "TZYX", 5: "TCZYX"}
"""What napari users mean by a number of dimensions when axes are not labeled."""


class ImageState(Protocol):
    """The part of a napari Image layer that describes its pixels."""

    data: Any
    ndim: int
    rgb: bool
    multiscale: bool
    scale: Any
    units: Sequence[Any]
    axis_labels: Sequence[str]
    metadata: Mapping[str, Any]
    name: str


def micrograph_from_layer(layer: ImageState) -> Micrograph:
    """Describe an image layer as a Micrograph that shares its pixels.

    Axes come from the axis labels where all of them have a meaning, else from the
    number of dimensions. The layer's scale is a voxel size only where its unit is a
    length: 1 pixel is napari's default. Channels, microscope and provenance come back
    for layers that this plugin's reader or a run made.

    Parameters
    ----------
    layer : napari.layers.Image
        2-D to 5-D, RGB and multiscale (level 0) included; lazy data stay lazy.

    Returns
    -------
    Micrograph
        Axes of the layer, "S" appended for RGB.

    Raises
    ------
    InputError
        If the axes of the layer have no meaning for a micrograph, or the pixels are
        neither numbers nor booleans.
    """
    pixels = layer.data[0] if layer.multiscale else layer.data
    axes = layer_axes(layer)
    known = layer.metadata.get(METADATA_KEY)
    known = known if isinstance(known, Micrograph) else None
    voxel = VoxelSize(*(_axis_size(layer, axes, a, "micrometer") for a in "ZYX"))
    if layer.rgb:
        axes += "S"
    described = Micrograph(
        pixels=pixels,
        axes=axes,
        voxel_size_um=voxel,
        time_step_s=_axis_size(layer, axes, "T", "second"),
        name=layer.name,
    )
    if known is None:
        return described
    channels = known.channels if known.size("C") == described.size("C") else ()
    return described.with_pixels(
        pixels,
        voxel_size_um=_known_sizes(voxel, known),
        channels=channels,
        microscope=known.microscope,
        provenance=known.provenance,
        time_step_s=described.time_step_s or known.time_step_s,
    )


def _known_sizes(voxel: VoxelSize, known: Micrograph) -> VoxelSize:
    """Return the layer's sizes, and what a run was told where it has none."""
    pairs = zip(voxel, known.voxel_size_um, strict=True)
    return VoxelSize(*(own or told for own, told in pairs))


def layer_axes(layer: ImageState) -> str:
    """Return a letter of "TCZYX" for each dimension of an image layer.

    Parameters
    ----------
    layer : napari.layers.Image

    Returns
    -------
    str
        As long as the layer has dimensions; RGB samples are not among them.

    Raises
    ------
    InputError
        If the layer has more than five dimensions and no labels that explain them.
    """
    labels = [str(label).strip().lower() for label in layer.axis_labels]
    letters = [LETTERS.get(label, "?") for label in labels]
    if len(set(letters) - {"?"}) == len(letters) and {"Y", "X"} <= set(letters):
        return "".join(letters)
    if layer.ndim not in USUAL_AXES:
        raise InputError(
            f"Layer {layer.name!r} has {layer.ndim} dimensions - 2 to 5 are understood "
            "as (T, C, Z,) Y, X - give its axes the labels t, c, z, y and x, or reduce "
            "it."
        )
    return USUAL_AXES[layer.ndim]


def result_layer_data(
    source_layer: Any,
    data: Any,
    *,
    name: str,
    upscale: int,
    region: Mapping[str, slice] | None,
    contrast_limits: tuple[float, float] | None,
) -> tuple[Any, dict[str, Any], str]:
    """Return layer data for a result that lies exactly over its source.

    Parameters
    ----------
    source_layer : napari.layers.Image
    data : array
        Axes of the source; Y and X `upscale` times as long.
    name : str
    upscale : int, >= 1
        Output pixels per input pixel along Y and X.
    region : mapping of axis letter to slice, or None
        Part of the source that was worked on, in its pixels; steps are None.
    contrast_limits : (float, float) or None
        On the intensity scale of the result; None lets napari choose.

    Returns
    -------
    (data, dict, "image")
        napari's LayerData, with scale, translation, rotation, shear, affine, units,
        axis labels, colormap and blending of the source.
    """
    axes = layer_axes(source_layer)
    factor = np.array([upscale if a in "YX" else 1 for a in axes], dtype=float)
    starts = [((region or {}).get(a) or slice(0)).start or 0 for a in axes]
    # Pixel centers have integer coordinates: the first of `factor` small pixels that
    # fill a large one lies half a large and half a small pixel from its center.
    offset = np.array(starts, dtype=float) + 0.5 / factor - 0.5
    # data -> world is affine(translate + rotate @ shear @ scale @ index)
    shift = _linear(source_layer) @ offset
    settings = {
        key: getattr(source_layer, key)
        for key in ("rotate", "shear", "affine", "units", "axis_labels", "blending")
    }
    settings |= {
        "name": name,
        "scale": tuple(np.asarray(source_layer.scale) / factor),
        "translate": tuple(np.asarray(source_layer.translate) + shift),
        "rgb": source_layer.rgb,
        "multiscale": False,
        "opacity": source_layer.opacity,
    }
    if not source_layer.rgb:
        settings |= {
            "colormap": source_layer.colormap,
            "gamma": source_layer.gamma,
            "contrast_limits": contrast_limits,
        }
    return data, settings, "image"


def unique_name(names: Collection[str], wanted: str) -> str:
    """Return a name that is not among `names`: wanted, wanted [1], wanted [2], ..."""
    name, number = wanted, 0
    while name in names:
        number += 1
        name = f"{wanted} [{number}]"
    return name


def _axis_size(layer: ImageState, axes: str, letter: str, unit: str) -> float | None:
    """Return the scale along an axis in a unit, None where it has no such unit."""
    index = axes.find(letter)
    if index < 0:
        return None
    own = layer.units[index]
    if not own.is_compatible_with(unit):
        return None
    size = abs(float(layer.scale[index])) * float((1.0 * own).to(unit).magnitude)
    return size if size > 0 else None


def _linear(layer: Any) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return the matrix from pixels to the layer's physical space, without shift."""
    from napari.utils.transforms import Affine

    transform = Affine(
        rotate=layer.rotate, shear=layer.shear, scale=layer.scale, ndim=layer.ndim
    )
    return np.asarray(transform.linear_matrix, dtype=np.float64)
