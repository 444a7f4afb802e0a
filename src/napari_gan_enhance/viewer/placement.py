"""Where a layer lies in the world, and moving it there; napari's model only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_gan_enhance.errors import InputError
from napari_gan_enhance.registration.canvas import PlacedImage
from napari_gan_enhance.registration.transform import with_axes
from napari_gan_enhance.viewer.layers import layer_axes
from napari_gan_enhance.viewer.viewport import shown_index
from napari_gan_enhance.viewer.world import unit_sizes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari.components import ViewerModel
    from napari.layers import Layer
    from numpy.typing import NDArray

    from napari_gan_enhance.registration.transform import Unit

    Matrix = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class LayerView:
    """What is aligned of a layer: one time and channel, read when the job runs.

    Parameters
    ----------
    data : array
        Numpy or lazy.
    index : tuple of int or slice
        What is read of it.
    is_rgb : bool
        Whether the last axis holds samples, to be averaged.
    to_world : ndarray, shape (n + 1, n + 1)
        From indices of (Z,) Y, X to µm.
    """

    data: Any
    index: tuple[int | slice, ...]
    is_rgb: bool
    to_world: Matrix

    def read(self) -> PlacedImage:
        """Return the pixels in memory, with their place."""
        pixels = np.asarray(self.data[self.index])
        if self.is_rgb:
            pixels = pixels[..., :3].mean(axis=-1)  # alpha is no light
        return PlacedImage(pixels, self.to_world)


def view_of(
    viewer: ViewerModel,
    layer: Any,
    *,
    only_plane: bool = False,
    channel: int | None = None,
) -> LayerView:
    """Describe the plane or stack of a layer where the viewer stands.

    Parameters
    ----------
    viewer : ViewerModel
    layer : napari.layers.Image
    only_plane : bool
        Take the plane shown instead of the stack, as a stack of one.
    channel : int, optional
        Instead of the one that is shown.

    Raises
    ------
    InputError
        If the axes of the layer have no meaning, or another order than (Z), Y, X.
    """
    axes = layer_axes(layer)
    if [a for a in axes if a in "ZYX"] != [a for a in "ZYX" if a in axes]:
        raise InputError(
            f"Layer {layer.name!r} has the axes {axes} - to be aligned it needs Z "
            "before Y before X - transpose it."
        )
    data = layer.data[0] if layer.multiscale else layer.data
    index: list[int | slice] = []
    at = shown_index(viewer, layer)
    for letter, nearest, size in zip(axes, at, data.shape, strict=False):
        is_whole = letter in "YX" or (letter == "Z" and size > 1)
        if letter == "Z" and only_plane:
            index.append(slice(nearest, nearest + 1))
        elif letter == "C" and channel is not None:
            index.append(channel)
        else:
            index.append(slice(None) if is_whole else nearest)
    kept = [a for a, part in zip(axes, index, strict=True) if isinstance(part, slice)]
    matrix = world_matrix(layer, "".join(kept))
    starts = [part.start or 0 for part in index if isinstance(part, slice)]
    matrix[:-1, -1] += matrix[:-1, :-1] @ np.array(starts, dtype=float)
    return LayerView(data, tuple(index), bool(layer.rgb), matrix)


def facing_views(
    viewer: ViewerModel, layers: Sequence[Any], channel: int | None = None
) -> tuple[LayerView, LayerView]:
    """Describe two layers as they lie; of a stack beside a plane, the plane on screen.

    Parameters
    ----------
    viewer : ViewerModel
    layers : sequence of two napari.layers.Image
    channel : int, optional
        As for `view_of`.

    Raises
    ------
    InputError
        As `view_of`, or if only one of them has a pixel size.
    """
    return _views(viewer, layers, channel, is_stack_cut=True)


def whole_views(
    viewer: ViewerModel, layers: Sequence[Any]
) -> tuple[LayerView, LayerView]:
    """Describe two layers whole; a plane beside a stack lies at the Z it has, if any.

    Parameters
    ----------
    viewer : ViewerModel
    layers : sequence of two napari.layers.Image

    Raises
    ------
    InputError
        As `view_of`, or if only one of them has a pixel size.
    """
    return _views(viewer, layers, None, is_stack_cut=False)


def _views(
    viewer: ViewerModel,
    layers: Sequence[Any],
    channel: int | None,
    *,
    is_stack_cut: bool,
) -> tuple[LayerView, LayerView]:
    """Describe two layers; of a stack and a plane one of them as a stack of one."""
    deep = [axis_length(layer, "Z") > 1 for layer in layers]
    is_mixed = deep[0] != deep[1]
    first, second = (
        view_of(
            viewer,
            layer,
            only_plane=is_mixed and is_deep == is_stack_cut,
            channel=channel,
        )
        for layer, is_deep in zip(layers, deep, strict=True)
    )
    _refuse_one_without_size(layers)
    return first, second


def _refuse_one_without_size(layers: Sequence[Any]) -> None:
    names = {length_unit(layer): layer.name for layer in layers}
    if len(names) > 1:
        raise InputError(
            f"Layer {names['pixel']!r} has no pixel size, {names['µm']!r} has one - "
            "both need it to lie on each other - set scale and unit of "
            f"{names['pixel']!r} first."
        )


def world_matrix(layer: Any, axes: str) -> Matrix:
    """Return the matrix from indices to the world in µm, for some axes of a layer.

    Axes whose unit is no length count in their own unit, usually pixels.
    """
    at = [layer_axes(layer).index(a) for a in axes]
    kept = [*at, layer.ndim]
    whole = _affine_matrix(layer) @ _physical_matrix(layer)
    matrix = whole[np.ix_(kept, kept)].copy()
    matrix[:-1] *= unit_um(layer, axes)[:, None]
    return np.asarray(matrix)


def place_of(layer: Any) -> bytes:
    """Return what differs as soon as a layer lies elsewhere."""
    return world_matrix(layer, layer_axes(layer)).tobytes()


def unit_um(layer: Any, axes: str) -> Matrix:
    """Return the unit of some axes in µm; 1 where it is no length."""
    units = [layer.units[layer_axes(layer).index(a)] for a in axes]
    return unit_sizes(units, ["micrometer"] * len(units))


def length_unit(layer: Any) -> Unit:
    """Return in what lengths of a layer are counted."""
    units = [layer.units[layer_axes(layer).index(a)] for a in "YX"]
    are_lengths = all(unit.is_compatible_with("micrometer") for unit in units)
    return "µm" if are_lengths else "pixel"


def axis_length(layer: Any, letter: str) -> int:
    """Return the length of an axis of a layer; 1 if it has none of this letter."""
    axes = layer_axes(layer)
    data = layer.data[0] if layer.multiscale else layer.data
    return int(data.shape[axes.index(letter)]) if letter in axes else 1


def time_shown(viewer: ViewerModel, layer: Any) -> int | None:
    """Return the time point on screen; None of a layer that has no others."""
    if axis_length(layer, "T") == 1:
        return None
    return shown_index(viewer, layer)[layer_axes(layer).index("T")]


def moved_affine(layer: Any, matrix: Matrix) -> Matrix:
    """Return the layer's `affine` after moving it in the world.

    Parameters
    ----------
    layer : napari.layers.Layer
    matrix : ndarray, shape (3, 3) or (4, 4)
        World to world, (Z,) Y, X in µm.
    """
    return np.asarray(_in_all_axes(layer, matrix) @ _affine_matrix(layer))


def affine_um(layer: Any) -> Matrix:
    """Return the layer's `affine` for its (Z,) Y, X in µm."""
    axes = "".join(a for a in "ZYX" if a in layer_axes(layer))
    kept = [*(layer_axes(layer).index(a) for a in axes), layer.ndim]
    matrix = _affine_matrix(layer)[np.ix_(kept, kept)].copy()
    matrix[:-1, -1] *= unit_um(layer, axes)
    return np.asarray(matrix)


def affine_of(layer: Any, matrix: Matrix) -> Matrix:
    """Return an `affine` in µm in the layer's own axes and units."""
    return _in_all_axes(layer, matrix)


def turned(layer: Any, degrees: float, shift_um: Sequence[float]) -> Matrix:
    """Return the move that turns a layer about its center, then shifts it.

    Parameters
    ----------
    layer : napari.layers.Image
    degrees : float
        From the row axis towards the column axis.
    shift_um : sequence of float, µm
        Along Z, Y and X.

    Returns
    -------
    ndarray, shape (4, 4)
        World to world, Z, Y, X in µm.

    Raises
    ------
    InputError
        If a layer without Z is to be shifted along it.
    """
    if shift_um[0] and "Z" not in layer_axes(layer):
        raise InputError(
            f"Layer {layer.name!r} is a plane without Z - it has no depth to shift - "
            "shift it along Y and X, or a stack as the moving layer."
        )
    shape = dict(zip(layer_axes(layer), layer.data.shape, strict=False))
    plane = world_matrix(layer, "YX")
    middle = np.array([(shape["Y"] - 1) / 2, (shape["X"] - 1) / 2, 1])
    center = (plane @ middle)[:2]
    angle = np.deg2rad(degrees)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    move = np.eye(4)
    move[1:3, 1:3] = turn
    move[1:3, 3] = center - turn @ center
    move[:3, 3] += np.asarray(shift_um, dtype=float)
    return move


def _in_all_axes(layer: Any, matrix: Matrix) -> Matrix:
    letters = layer_axes(layer)
    axes = "".join(a for a in "ZYX" if a in letters)
    part = with_axes(matrix, len(axes)).copy()
    part[:-1, -1] /= unit_um(layer, axes)
    kept = [*(letters.index(a) for a in axes), len(letters)]
    whole = np.eye(len(letters) + 1)
    whole[np.ix_(kept, kept)] = part
    return whole


def _affine_matrix(layer: Layer) -> Matrix:
    return np.array(layer.affine.affine_matrix, dtype=np.float64)


def _physical_matrix(layer: Any) -> Matrix:
    """Return the matrix from indices to what the layer's affine is applied to."""
    from napari.utils.transforms import Affine

    physical = Affine(
        rotate=layer.rotate,
        shear=layer.shear,
        scale=layer.scale,
        translate=layer.translate,
        ndim=layer.ndim,
    )
    return np.array(physical.affine_matrix, dtype=np.float64)
