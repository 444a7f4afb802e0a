"""Keep the contrast of two layers comparable while the user changes one of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_gan_enhance.errors import InputError
from napari_gan_enhance.viewer.contrast import matched_limits

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Image


class ContrastLink:
    """Show as much of two layers black and white, until ended.

    Equal limits would do for equal scales only; deconvolution and many networks have
    scales of their own.

    Parameters
    ----------
    viewer : ViewerModel
    before, after : Image
        The second gets the contrast of the first.

    Raises
    ------
    InputError
        If a layer is RGB: it has no contrast limits.
    """

    def __init__(self, viewer: ViewerModel, before: Image, after: Image) -> None:
        for layer in (before, after):
            if layer.rgb:
                raise InputError(
                    f"Layer {layer.name!r} is RGB - linked contrast needs layers with "
                    "contrast limits - split its colors first."
                )
        self._viewer = viewer
        self._layers = (before, after)
        self._old = [(tuple(x.contrast_limits), x.gamma) for x in self._layers]
        self._is_setting = False
        self._adopt(before, after)
        self._connect()

    def end(self) -> None:
        """Give both layers the contrast they had."""
        before, after = self._layers
        before.events.contrast_limits.disconnect(self._on_before)
        before.events.gamma.disconnect(self._on_before)
        after.events.contrast_limits.disconnect(self._on_after)
        after.events.gamma.disconnect(self._on_after)
        for layer, (limits, gamma) in zip(self._layers, self._old, strict=True):
            layer.contrast_limits, layer.gamma = limits, gamma

    def _connect(self) -> None:
        before, after = self._layers
        before.events.contrast_limits.connect(self._on_before)
        before.events.gamma.connect(self._on_before)
        after.events.contrast_limits.connect(self._on_after)
        after.events.gamma.connect(self._on_after)

    def _on_before(self, event: object = None) -> None:
        self._adopt(*self._layers)

    def _on_after(self, event: object = None) -> None:
        self._adopt(*reversed(self._layers))

    def _adopt(self, source: Image, target: Image) -> None:
        """Show one layer with the contrast of the other."""
        if self._is_setting:
            return
        self._is_setting = True
        try:
            target.contrast_limits = matched_limits(self._viewer, source, target)
            target.gamma = source.gamma
        finally:
            self._is_setting = False
