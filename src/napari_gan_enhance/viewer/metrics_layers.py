"""Layers as micrographs that are measured where they overlap in the world."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_gan_enhance.errors import InputError
from napari_gan_enhance.metrics.overlap import Overlap, same_field, same_grid
from napari_gan_enhance.registration.overlap import world_overlap
from napari_gan_enhance.registration.transform import with_axes
from napari_gan_enhance.viewer.layers import layer_axes, micrograph_from_layer
from napari_gan_enhance.viewer.placement import world_matrix
from napari_gan_enhance.viewer.viewport import shown_index

if TYPE_CHECKING:
    from collections.abc import Mapping

    from napari.components import ViewerModel
    from napari.layers import Image
    from numpy.typing import NDArray

    from napari_gan_enhance.micrograph.micrograph import Micrograph
    from napari_gan_enhance.viewer.metrics_choices import Placing


@dataclass(frozen=True, slots=True, eq=False)
class PlacedLayer:
    """A layer as it is measured; holds no layer, so that a thread can do it.

    Parameters
    ----------
    micrograph : Micrograph
        Shares the pixels of the layer.
    to_world : ndarray, shape (4, 4)
        From indices of Z, Y and X to µm; Z counts planes where there is no Z.
    shown : mapping of "T", "C" and "Z" to int
        Where the viewer stands.
    taken : mapping of axis letter to int
        Of which axes one position was taken.
    has_unit : bool
        Whether its scale is a length.
    path : str
        Of its file; empty where it came from none.
    """

    micrograph: Micrograph
    to_world: NDArray[np.float64]
    shown: Mapping[str, int]
    taken: Mapping[str, int]
    has_unit: bool
    path: str = ""

    def facts(self) -> dict[str, str]:
        """Return what to know of the layer, to measure it again."""
        image = self.micrograph
        sizes = zip("ZYX", image.voxel_size_um, strict=True)
        voxel = " x ".join(f"{a} {n:.6g} um" for a, n in sizes if n is not None)
        shape = " x ".join(map(str, image.shape))
        taken = [f"{a} = {i} taken" for a, i in self.taken.items()]
        said = [f"{image.axes} {shape}", voxel or "no pixel size", *taken]
        if image.provenance:
            said.append(f"made by {dict(image.provenance)}")
        found = {f"layer {image.name}": "; ".join(said)}
        if self.path:
            found[f"file of {image.name}"] = self.path
        return found

    def at(self, axes: str) -> PlacedLayer:
        """Return what the viewer shows on some axes; those it lacks do not matter."""
        found = {
            a: i
            for a, i in self.shown.items()
            if a in axes and self.micrograph.size(a) > 1
        }
        if not found:
            return self
        part = _Part(self.micrograph, found)
        matrix = self.to_world.copy()
        matrix[:, 3] += matrix[:, 0] * found.get("Z", 0)
        channels = self.micrograph.channels
        if "C" in found:
            channels = (channels[found["C"]],)
        return replace(
            self,
            micrograph=self.micrograph.with_pixels(part, channels=channels),
            to_world=matrix,
            taken={**self.taken, **found},
        )


@dataclass(frozen=True, slots=True, eq=False)
class LayerPair:
    """A layer and its reference, and where both are.

    Parameters
    ----------
    result, reference : PlacedLayer
    overlap : Overlap
    notes : tuple of str
        Sentences on what was done to compare them.
    """

    result: PlacedLayer
    reference: PlacedLayer
    overlap: Overlap
    notes: tuple[str, ...]

    @property
    def region(self) -> dict[str, slice]:
        """What is compared of the reference layer, in its own pixels."""
        taken = {a: slice(i, i + 1) for a, i in self.reference.taken.items()}
        z = self.overlap.region["Z"]
        if "Z" in taken:
            z = taken["Z"]
        return {**taken, **self.overlap.region, "Z": z}


def placed_layer(viewer: ViewerModel, layer: Image) -> PlacedLayer:
    """Describe a layer and where the viewer stands on it.

    Parameters
    ----------
    viewer : ViewerModel
    layer : Image

    Raises
    ------
    InputError
        If the axes of the layer have no meaning.
    """
    micrograph = micrograph_from_layer(layer)
    axes = layer_axes(layer)
    spatial = "".join(a for a in "ZYX" if a in axes)
    at = zip(axes, shown_index(viewer, layer), strict=False)
    shown = {letter: nearest for letter, nearest in at if letter in "TCZ"}
    units = [layer.units[axes.index(a)] for a in "YX"]
    return PlacedLayer(
        micrograph,
        with_axes(world_matrix(layer, spatial), 3),
        shown,
        {},
        all(unit.is_compatible_with("micrometer") for unit in units),
        str(layer.source.path or ""),
    )


def pair_layers(
    result: PlacedLayer, reference: PlacedLayer, placing: Placing
) -> LayerPair:
    """Find where a layer and its reference can be compared.

    Of an axis that only one of them has, what the viewer shows is taken.

    Raises
    ------
    InputError
        If they do not overlap, or their pixels cannot be paired as is wanted.
    """
    notes = []
    pair = [result, reference]
    for axis in "TCZ":
        sizes = [p.micrograph.size(axis) for p in pair]
        if sizes[0] != sizes[1] and 1 in sizes:
            longer = int(sizes[1] > 1)
            pair[longer] = pair[longer].at(axis)
            name, at = pair[longer].micrograph.name, pair[longer].shown[axis]
            notes.append(f"Of {name!r}, {axis} = {at} was taken, which is shown.")
    first, second = pair
    overlap = _overlap(first, second, placing)
    if not overlap.is_exact:
        notes.append(
            f"The grids differ: {first.micrograph.name!r} was resampled to the pixels "
            f"of {second.micrograph.name!r}."
        )
    whole = [second.micrograph.size(axis) for axis in "YX"]
    sides = [overlap.size(axis) for axis in "YX"]
    if sides != whole:
        notes.append(
            f"Compared on {sides[0]} x {sides[1]} of {whole[0]} x {whole[1]} pixels of "
            f"{second.micrograph.name!r}, which both show."
        )
    return LayerPair(first, second, overlap, tuple(notes))


def _overlap(result: PlacedLayer, reference: PlacedLayer, placing: Placing) -> Overlap:
    pair = result.micrograph, reference.micrograph
    if placing == "pixels":
        return same_grid(*pair)
    if placing == "field":
        return same_field(*pair)
    if result.has_unit != reference.has_unit:
        known, unknown = pair if result.has_unit else reversed(pair)
        raise InputError(
            f"{known.name!r} has a pixel size and {unknown.name!r} has none - where "
            "they overlap is known only if both have one - give it a scale, or choose "
            "'Edge to edge' or 'Pixel by pixel'."
        )
    return world_overlap(*pair, (result.to_world, reference.to_world))


class _Part:
    """Pixels with some axes held at one position, as axes of length 1; lazy."""

    def __init__(self, micrograph: Micrograph, held: Mapping[str, int]) -> None:
        self._pixels = micrograph.pixels
        self._held = {micrograph.axes.index(a): at for a, at in held.items()}
        self.shape = tuple(
            1 if i in self._held else n for i, n in enumerate(micrograph.shape)
        )
        self.dtype = micrograph.pixels.dtype

    def __getitem__(self, index: Any) -> NDArray[Any]:
        moved = tuple(
            _held(part, self._held[i]) if i in self._held else part
            for i, part in enumerate(index)
        )
        return np.asarray(self._pixels[moved])


def _held(part: int | slice, at: int) -> int | slice:
    return slice(at, at + 1) if isinstance(part, slice) else at
