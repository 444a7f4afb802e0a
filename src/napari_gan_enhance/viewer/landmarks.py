"""Two points layers in which the same structures are clicked in turn."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_gan_enhance.errors import InputError
from napari_gan_enhance.registration.landmarks import fit_landmarks
from napari_gan_enhance.viewer.layers import layer_axes
from napari_gan_enhance.viewer.placement import axis_length, length_unit, unit_um

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from napari.components import ViewerModel
    from napari.layers import Image, Points
    from numpy.typing import NDArray

    from napari_gan_enhance.registration.refine import TransformKind
    from napari_gan_enhance.registration.transform import Transform

NAMES = ("Landmarks (moving)", "Landmarks (fixed)")
COLORS = ("magenta", "lime")

PLACEMENT = ("scale", "translate", "rotate", "shear", "units", "affine")
"""Where an image lies, and its landmarks with it."""

MARK_SHARE = 0.02
"""Size of a mark, of the longer side of its image."""


class LandmarkPair:
    """A points layer over each of two images; clicks alternate between them.

    The layers lie exactly over their images, so that a landmark stays on its structure
    when either image is moved.

    Parameters
    ----------
    viewer : ViewerModel
    moving, fixed : Image
    on_change : callable
        Called when a landmark was set, moved or deleted, or a layer removed.
    """

    def __init__(
        self,
        viewer: ViewerModel,
        moving: Image,
        fixed: Image,
        on_change: Callable[[], object],
    ) -> None:
        self._viewer = viewer
        self.images = (moving, fixed)
        self._on_change = on_change
        self.layers = tuple(
            _points_over(viewer, image, name, color)
            for image, name, color in zip(self.images, NAMES, COLORS, strict=True)
        )
        for layer in self.layers:
            layer.events.data.connect(self._on_data)
        for image in self.images:
            for name in PLACEMENT:
                image.events[name].connect(self._follow)
        viewer.layers.events.removed.connect(self._on_removed)
        self._turn(0)

    @property
    def counts(self) -> tuple[int, int]:
        """Landmarks set in the moving and the fixed image."""
        return len(self.layers[0].data), len(self.layers[1].data)

    def world_um(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the complete pairs in the world, each shape (n, 2), Y and X in µm.

        Between two stacks shape (n, 3), Z first.
        """
        count = min(self.counts)
        are_deep = all(axis_length(image, "Z") > 1 for image in self.images)
        axes = "ZYX" if are_deep else "YX"
        first, second = (
            _world(layer, image, axes)[:count]
            for layer, image in zip(self.layers, self.images, strict=True)
        )
        return first, second

    def fit(self, kind: TransformKind) -> Transform:
        """Return the move of the moving layer that brings the landmarks together.

        Raises
        ------
        InputError
            If there are too few landmarks, they lie on one line, or the images or
            their landmarks are no longer in the viewer.
        """
        gone = [x for x in (*self.images, *self.layers) if x not in self._viewer.layers]
        if gone:
            raise InputError(
                f"Layer {gone[0].name!r} was deleted - landmarks need both images and "
                "both layers of points - set them again."
            )
        found = fit_landmarks(*self.world_um(), kind)
        return replace(found, unit=length_unit(self.images[0]))

    def end(self) -> None:
        """Take the layers away."""
        self._viewer.layers.events.removed.disconnect(self._on_removed)
        for image in self.images:
            for name in PLACEMENT:
                image.events[name].disconnect(self._follow)
        for layer in self.layers:
            layer.events.data.disconnect(self._on_data)
            if layer in self._viewer.layers:
                self._viewer.layers.remove(layer)

    def _on_data(self, event: Any) -> None:
        action = str(getattr(event, "action", "")).lower()
        if action.endswith("added"):
            moving, fixed = self.counts
            self._turn(1 if moving > fixed else 0)
        elif action.endswith("removed"):
            self._remove_partners(event.source, event.data_indices)
        self._on_change()

    def _remove_partners(self, layer: Points, indices: Sequence[int]) -> None:
        """Delete with a landmark its partner: else all later ones would change theirs.

        A layer that is set anew, as here, tells of a change, not of a removal.
        """
        other = self.layers[1 - self.layers.index(layer)]
        count = len(layer.data) + len(indices)
        gone = {i % count for i in indices} & set(range(len(other.data)))
        if gone:
            other.data = np.delete(other.data, sorted(gone), axis=0)

    def _on_removed(self, event: object = None) -> None:
        self._on_change()

    def _turn(self, index: int) -> None:
        layer = self.layers[index]
        if layer in self._viewer.layers:
            self._viewer.layers.selection.active = layer
            layer.mode = "add"

    def _follow(self, event: object = None) -> None:
        for layer, image in zip(self.layers, self.images, strict=True):
            for name, value in _placement(image).items():
                setattr(layer, name, value)


def _placement(image: Image) -> dict[str, Any]:
    return {name: getattr(image, name) for name in PLACEMENT}


def _points_over(viewer: ViewerModel, image: Image, name: str, color: str) -> Points:
    side = max(image.data.shape[layer_axes(image).index(a)] for a in "YX")
    layer: Points = viewer.add_points(
        np.zeros((0, image.ndim)),
        name=name,
        ndim=image.ndim,
        size=max(3.0, MARK_SHARE * side),
        face_color="transparent",
        border_color=color,
        axis_labels=image.axis_labels,
        **_placement(image),
    )
    return layer


def _world(layer: Points, image: Image, axes: str) -> NDArray[np.float64]:
    at = [layer_axes(image).index(a) for a in axes]
    points = [np.asarray(layer.data_to_world(p))[at] for p in layer.data]
    units = unit_um(image, axes)
    return np.array(points, dtype=float).reshape(-1, len(axes)) * units
