"""Align one layer to another: jobs, undo, overlay and the map of what is left."""

from __future__ import annotations

import weakref
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_gan_enhance.errors import InputError
from napari_gan_enhance.registration.transform import Transform, with_axes
from napari_gan_enhance.viewer.contrast import overlay_limits
from napari_gan_enhance.viewer.layers import layer_axes
from napari_gan_enhance.viewer.placement import (
    affine_of,
    affine_um,
    axis_length,
    facing_views,
    length_unit,
    moved_affine,
)
from napari_gan_enhance.viewer.world import world_in

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari.components import ViewerModel
    from napari.layers import Image
    from numpy.typing import NDArray

    from napari_gan_enhance.progress import Job
    from napari_gan_enhance.registration.estimate import (
        Agreement,
        Alignment,
        AlignSettings,
    )
    from napari_gan_enhance.registration.misalignment import LocalShifts
    from napari_gan_enhance.registration.pairing import CutPair
    from napari_gan_enhance.registration.transform import Unit
    from napari_gan_enhance.viewer.placement import LayerView

MAP_NAME = "Misalignment"
"""Name of the layer with the shift that is left, in µm."""

MAP_MARK = "napari_gan_enhance_misalignment"
"""Key in the layer's metadata by which it is told from people's own layers."""

COLORS = ("magenta", "green")
"""Of the moving and the fixed layer: together they give white, and color-blind people
tell them apart."""


def estimate_layers(
    moving: LayerView, fixed: LayerView, settings: AlignSettings
) -> Job[Alignment]:
    """Read both layers and find the move of the first onto the second.

    Runs in any thread. See `registration.estimate.estimate`.
    """
    from napari_gan_enhance.registration.estimate import estimate

    return (yield from estimate(moving.read(), fixed.read(), settings))


def measure_layers(moving: LayerView, fixed: LayerView) -> Job[Agreement]:
    """Read both layers and judge how they lie.

    Runs in any thread. See `registration.estimate.measure`.
    """
    from napari_gan_enhance.registration.estimate import measure

    return (yield from measure(moving.read(), fixed.read()))


def pair_from_layers(viewer: ViewerModel, source: Image, target: Image) -> Job[CutPair]:
    """Return the job that cuts training pairs from aligned layers.

    Everything is read of the layers now, but their pixels: the job may run in any
    thread. A stack beside a plane gives the plane on screen. Each channel is cut for
    itself.

    Parameters
    ----------
    viewer : ViewerModel
    source, target : Image

    Raises
    ------
    InputError
        If the axes of a layer have no meaning, or one has other channels.
    """
    layers = source, target
    counts = [axis_length(layer, "C") for layer in layers]
    if counts[0] != counts[1]:
        raise InputError(
            f"Layer {source.name!r} has {counts[0]} channels, {target.name!r} "
            f"{counts[1]} - a pair needs as many in both, in the same order - leave "
            "out the channels that the other does not show, and keep the rest in one "
            "layer."
        )
    return _cut([facing_views(viewer, layers, c) for c in range(counts[0])])


def _cut(channels: Sequence[tuple[LayerView, LayerView]]) -> Job[CutPair]:
    from napari_gan_enhance.registration.pairing import cut_channels

    source, target = ([v.read() for v in side] for side in zip(*channels, strict=True))
    return (yield from cut_channels(source, target))


class AffineHistory:
    """Change the affine of layers, and take it back."""

    def __init__(self) -> None:
        self._old: list[tuple[weakref.ref[Any], NDArray[np.float64]]] = []

    @property
    def can_undo(self) -> bool:
        """Whether a layer that is still alive was changed."""
        return any(ref() is not None for ref, _ in self._old)

    def move(self, layer: Image, matrix: NDArray[np.float64]) -> None:
        """Move a layer in the world by a matrix for (Z,) Y, X in µm."""
        self.set_affine(layer, moved_affine(layer, matrix))

    def place(self, layer: Image, transform: Transform) -> None:
        """Give a layer a saved transform instead of its affine."""
        self.set_affine(layer, affine_of(layer, transform.matrix))

    def set_affine(self, layer: Image, affine: NDArray[np.float64]) -> None:
        """Change the affine and remember the old one."""
        old = np.array(layer.affine.affine_matrix)
        self._old.append((weakref.ref(layer), old))
        layer.affine = affine

    def undo(self) -> None:
        """Restore the affine before the last change of a layer that is still alive.

        One that holds other axes by now is another image, which lies where it should.
        """
        while self._old:
            ref, affine = self._old.pop()
            layer = ref()
            if layer is not None and layer.ndim == len(affine) - 1:
                layer.affine = affine
                return


class Overlay:
    """Show two layers in magenta and green over each other, until ended.

    Parameters
    ----------
    viewer : ViewerModel
    moving, fixed : Image

    Raises
    ------
    InputError
        If a layer is RGB: its colors cannot be replaced.
    """

    KEPT = ("colormap", "blending", "visible", "opacity", "contrast_limits")

    def __init__(self, viewer: ViewerModel, moving: Image, fixed: Image) -> None:
        if moving.rgb or fixed.rgb:
            raise InputError(
                "An RGB layer has its own colors - the overlay needs one channel of "
                "each image - split the layer first."
            )
        # All that can fail comes before anything is changed.
        limits = [overlay_limits(viewer, layer) for layer in (moving, fixed)]
        self._old = [
            (weakref.ref(layer), {name: getattr(layer, name) for name in self.KEPT})
            for layer in viewer.layers
            if layer in (moving, fixed)
        ]
        self._hidden = [
            weakref.ref(layer)
            for layer in viewer.layers
            if type(layer) is type(moving)
            and layer.visible
            and layer not in (moving, fixed)
        ]
        for ref in self._hidden:
            layer = ref()
            if layer is not None:
                layer.visible = False
        both = zip((moving, fixed), COLORS, limits, strict=True)
        for layer, color, black_white in both:
            layer.colormap, layer.blending = color, "additive"
            layer.visible, layer.opacity = True, 1.0
            layer.contrast_limits = black_white

    def end(self) -> None:
        """Show the layers as they were."""
        for ref, settings in self._old:
            layer = ref()
            for name, value in settings.items() if layer is not None else ():
                setattr(layer, name, value)
        for hidden in filter(None, (ref() for ref in self._hidden)):
            hidden.visible = True


class LastFound:
    """What was found last, and for which layer.

    A plane that lies in a stack has no Z that could be moved: where it lies is known
    here alone.
    """

    def __init__(self) -> None:
        self._layer: weakref.ref[Any] | None = None
        self._found: Transform | None = None

    def remember(self, layer: Image, found: Transform) -> None:
        """Keep the figures of a move; the layer has the affine after it already."""
        z_um = found.z_um if found.has_z else self._z_um(layer)
        self._found = replace(
            found, matrix=_whole_affine(layer, z_um), unit=length_unit(layer)
        )
        self._layer = weakref.ref(layer)

    def undone(self) -> None:
        """Forget it, unless the layer lies there still or again."""
        layer = self._layer() if self._layer is not None else None
        if layer is None or self.transform(layer) is not self._found:
            self._layer = self._found = None

    def transform(self, layer: Image) -> Transform:
        """Return the layer's affine as a transform that can be saved.

        The figures of what was found are kept if the layer still lies there.
        """
        matrix = _whole_affine(layer, self._z_um(layer))
        found = self._of(layer)
        if found is not None and np.allclose(found.matrix, matrix, atol=1e-9):
            return found
        return Transform(matrix, "affine", None, "by hand", unit=length_unit(layer))

    def _of(self, layer: Image) -> Transform | None:
        is_same = self._layer is not None and self._layer() is layer
        return self._found if is_same else None

    def _z_um(self, layer: Image) -> float | None:
        found = self._of(layer)
        return found.z_um if found is not None and found.has_z else None


def _whole_affine(layer: Image, z_um: float | None) -> NDArray[np.float64]:
    """Return the layer's affine in µm, with the place along Z of a plane in a stack."""
    matrix = affine_um(layer)
    if z_um is None or "Z" in layer_axes(layer):
        return matrix
    grown = with_axes(matrix, 3)
    grown[0, -1] = z_um
    return grown


def agreement_text(found: Agreement, unit: Unit) -> str:
    """Return how well two layers agree, and whether they were aligned, in words."""
    from napari_gan_enhance.registration.estimate import Alignment

    left, judged = found.shifts.rms_um, found.evidence
    off = "" if left is None else f"{left:.3g} {unit} is left (RMS of the blocks); "
    poor = "" if judged.is_convincing else ", which is no better than chance"
    return (
        f"{'Aligned' if isinstance(found, Alignment) else 'Measured'}: {off}"
        f"correlation {judged.correlation:.2f}, by chance {judged.chance:.2f}{poor}."
    )


def show_misalignment(viewer: ViewerModel, shifts: LocalShifts, fixed: Image) -> Image:
    """Add or renew the layer with the shift that is left in each block.

    What is selected stays so.
    """
    from napari_gan_enhance.viewer.placement import unit_um

    for old in [layer for layer in viewer.layers if layer.metadata.get(MAP_MARK)]:
        viewer.layers.remove(old)
    chosen = set(viewer.layers.selection)
    units = unit_um(fixed, "YX")
    known = np.isfinite(shifts.distance_um)
    highest = float(shifts.distance_um[known].max()) if known.any() else 1.0
    layer: Image = viewer.add_image(
        shifts.distance_um.astype(np.float32),
        name=MAP_NAME,
        metadata={MAP_MARK: True},
        scale=tuple(shifts.block_um / units),
        translate=tuple(shifts.origin_um / units),
        units=tuple(fixed.units[layer_axes(fixed).index(a)] for a in "YX"),
        colormap="inferno",
        blending="translucent",
        opacity=0.6,
        contrast_limits=(0, max(highest, 1e-6)),
        interpolation2d="nearest",
    )
    viewer.layers.selection = chosen
    return layer


def show_depth(viewer: ViewerModel, moving: Image, fixed: Image, z_um: float) -> None:
    """Go to the plane of a stack that shows what the other layer, a plane, shows.

    Parameters
    ----------
    viewer : ViewerModel
    moving, fixed : Image
        As they lie after the move.
    z_um : float, µm
        Where a moving plane that has no Z of its own was found in the stack.
    """
    from napari_gan_enhance.viewer.placement import unit_um, world_matrix

    deep = [axis_length(layer, "Z") > 1 for layer in (moving, fixed)]
    if deep[0] == deep[1]:
        return
    stack, plane = (moving, fixed) if deep[0] else (fixed, moving)
    at = 0.0 if deep[0] else z_um
    if "Z" in layer_axes(plane):
        at = float(world_matrix(plane, "ZYX")[0, -1])
    axis = layer_axes(stack).index("Z")
    unit = unit_um(stack, "Z")[0] * world_in(viewer, stack.units)[axis]
    viewer.dims.set_point(viewer.dims.ndim - stack.ndim + axis, at / float(unit))
