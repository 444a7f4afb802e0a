"""Show two layers in turn in the same place: what differs jumps to the eye."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari.settings import get_settings
from napari.utils.key_bindings import coerce_keybinding

from napari_gan_enhance.viewer.shown_alone import LEFT, ShownAlone

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Image

KEYS = ("H", "J", "K")
"""Letters that napari 0.9 gives to nothing, the first free one is taken."""


class Blink:
    """Show one of two layers at a time, until ended.

    Parameters
    ----------
    viewer : ViewerModel
    before, after : Image
        The first is shown at once.
    """

    def __init__(self, viewer: ViewerModel, before: Image, after: Image) -> None:
        self._layers = (before, after)
        self._turn = 0
        self._shown = ShownAlone(viewer, self._layers, (LEFT, LEFT))
        self._show()

    @property
    def shown(self) -> Image:
        """The layer whose turn it is."""
        return self._layers[self._turn]

    def step(self) -> None:
        """Show the other layer."""
        self._turn = 1 - self._turn
        self._show()

    def end(self) -> None:
        """Show what was shown before."""
        self._shown.end()

    def _show(self) -> None:
        self.shown.visible = True  # first: no frame without an image
        self._layers[1 - self._turn].visible = False


def free_key(viewer: ViewerModel) -> str | None:
    """Return a letter that neither napari nor the user has given a meaning."""
    taken = {
        coerce_keybinding(key)
        for keys in get_settings().shortcuts.shortcuts.values()
        for key in keys
    }
    taken |= set(viewer.keymap) | set(type(viewer).class_keymap)
    return next((k for k in KEYS if coerce_keybinding(k) not in taken), None)
