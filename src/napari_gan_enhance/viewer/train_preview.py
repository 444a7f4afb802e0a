"""A held-out region on the canvas: as it is, as the network shows it, its target."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_gan_enhance.viewer.alignment import MAP_MARK
from napari_gan_enhance.viewer.viewport import fit_layer
from napari_gan_enhance.viewer.world import world_in

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Image, Layer
    from numpy.typing import NDArray

    from napari_gan_enhance.training.events import Preview

NAME = "Held out: source, result, target"
"""Of the layer: what it shows, from left to right."""

GAP = 0.05
"""Between two images, and left of the first, as a share of their width."""

MARK = "napari_gan_enhance_preview"
"""Key in the layer's metadata by which it is told from images to work on."""

PERCENTILES = (0.5, 99.8)
"""Black and white: those of the target for the result too, as the two are to be the
same, and those of the source, with its haze and noise, for itself."""


def images_to_work_on(viewer: ViewerModel, kind: type[Layer]) -> list[Layer]:
    """Return the layers of one kind in the viewer's order, without those that we show.

    These are held-out regions of trainings, and maps of what alignment has left.

    Parameters
    ----------
    viewer : ViewerModel
    kind : type of Layer
        Subclasses do not count: a Labels layer is no image.
    """
    layers = (layer for layer in viewer.layers if type(layer) is kind)
    shown = {MARK, MAP_MARK}
    return [layer for layer in layers if not shown & layer.metadata.keys()]


@dataclass(frozen=True, slots=True)
class PixelSize:
    """Scale and units of a region, as far as they are known.

    Parameters
    ----------
    scale : tuple of float
        Along Y and X.
    units : tuple of two units, or None
    """

    scale: tuple[float, float] = (1.0, 1.0)
    units: Any = None

    @classmethod
    def of(cls, like: Image | None) -> PixelSize:
        """Return that of a layer."""
        if like is None:
            return cls()
        y, x = (float(abs(s)) for s in like.scale[-2:])
        return cls((y, x), tuple(like.units[-2:]))


class PreviewLayer:
    """Three images side by side in one layer, right of what is in the viewer.

    One layer, and the same one for every training: each that is added or removed holds
    up the window for a fifth of a second.

    Parameters
    ----------
    viewer : ViewerModel
    """

    def __init__(self, viewer: ViewerModel) -> None:
        self._viewer = viewer
        self._layer: Image | None = None
        self._size = self._shown_size = PixelSize()
        self._target = np.empty((0, 0, 0), np.float32)  # of what is shown
        self._corner: tuple[float, float] | None = None

    @property
    def is_put_away(self) -> bool:
        """Whether there was a layer, and somebody took it away."""
        return self._layer is not None and self._layer not in self._viewer.layers

    def begin(self, size: PixelSize) -> None:
        """Take the result of an earlier training from between its source and target.

        Parameters
        ----------
        size : PixelSize
            Of the region of this training.
        """
        if self.is_put_away:
            self._layer = None
        if self._layer is not None:
            _take_result_away(self._layer.data, self._target.shape[-1])
            self._refresh()
        self._size, self._corner = size, None

    def show(self, preview: Preview, size: PixelSize | None = None) -> None:
        """Show a preview; another one of the same region is written in place.

        Parameters
        ----------
        preview : Preview
        size : PixelSize, optional
            That of an earlier training, of which the preview is.
        """
        self._turn_to(preview.target, size or self._size)
        shown, layer = _beside_each_other(preview), self._layer
        if layer is None or self.is_put_away:
            self._layer = self._added(shown, self._look(preview.target[0]))
            fit_layer(self._viewer, self._layer)
        elif self._corner is None:  # the first of this region
            layer.data = shown
            for name, value in self._look(preview.target[0]).items():
                setattr(layer, name, value)
            fit_layer(self._viewer, layer)
        elif layer.data.shape != shown.shape:
            layer.data = shown
        elif not np.array_equal(layer.data, shown):
            layer.data[...] = shown
            self._refresh()

    def put_away(self) -> None:
        """Take the layer away, to be shown again when asked for."""
        if self._layer is not None and not self.is_put_away:
            self._viewer.layers.remove(self._layer)

    def _turn_to(self, target: NDArray[np.float32], size: PixelSize) -> None:
        """Find a new place for another region, with a look of its own."""
        is_same = size == self._shown_size and np.array_equal(self._target, target)
        if not is_same:
            self._corner = None
        self._target, self._shown_size = target, size

    def _refresh(self) -> None:
        if self._layer is not None:
            self._layer.refresh(thumbnail=False, highlight=False, extent=False)

    def _added(self, shown: NDArray[np.float32], look: dict[str, Any]) -> Image:
        chosen = set(self._viewer.layers.selection)
        layer: Image = self._viewer.add_image(
            shown, name=NAME, metadata={MARK: True}, **look
        )
        self._viewer.layers.selection = chosen
        return layer

    def _look(self, target: NDArray[np.float32]) -> dict[str, Any]:
        """Return where the layer lies, and what is black and white in it."""
        scale, units = self._shown_size.scale, self._shown_size.units
        if self._corner is None:  # else the user has removed the layer
            self._corner = self._beside_all(units)
        top, left = self._corner
        return {
            "scale": scale,
            "translate": (top, left + _gap(target.shape[1]) * scale[1]),
            "units": units,
            "contrast_limits": _limits(target),
        }

    def _beside_all(self, units: Any) -> tuple[float, float]:
        """Return the upper right corner of all layers, in units of this one."""
        others = [layer for layer in self._viewer.layers if layer is not self._layer]
        if not others:
            return 0.0, 0.0
        world = self._viewer.layers.get_extent(others).world
        corner = np.array([world[0, -2], world[1, -1]])
        top, left = corner if units is None else corner * world_in(self._viewer, units)
        return float(top), float(left)


def _beside_each_other(preview: Preview) -> NDArray[np.float32]:
    """Return the first channel of source, result and target, black between them.

    A layer has one pair of limits: the source is brought from its own to the target's.
    """
    source, result, target = preview.source[0], preview.result[0], preview.target[0]
    (low, high), (black, white) = _limits(source), _limits(target)
    seen = (source - low) * ((white - black) / (high - low)) + black
    between = np.full((target.shape[0], _gap(target.shape[1])), black)
    sides = [seen, between, result, between, target]
    return np.hstack(sides, dtype=np.float32, casting="same_kind")


def _take_result_away(shown: NDArray[np.float32], wide: int) -> None:
    """Make the image in the middle as black as what lies between two of them."""
    start = wide + _gap(wide)
    shown[:, start : start + wide] = shown[:, wide : wide + 1]


def _limits(plane: NDArray[np.float32]) -> tuple[float, float]:
    """Return what is black and white; of a flat image, that it is black."""
    black, white = map(float, np.percentile(plane, PERCENTILES))
    return black, white if white > black else black + 1


def _gap(wide: int) -> int:
    return max(1, round(GAP * wide))
