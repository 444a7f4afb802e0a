"""Which layers a training began with, and how large their pixels are."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING

from napari_gan_enhance.viewer.train_preview import PixelSize

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Image


class TrainedOn:
    """The source and target that were chosen as a training began.

    Parameters
    ----------
    source, target : Image or None
        Are not kept alive.

    Attributes
    ----------
    size : PixelSize
        Of the source.
    """

    def __init__(self, source: Image | None, target: Image | None) -> None:
        both = source, target
        self._refs = [None if x is None else weakref.ref(x) for x in both]
        self.size = PixelSize.of(source)

    def layers(self, viewer: ViewerModel) -> tuple[Image | None, Image | None]:
        """Return source and target, None for one that is not in the viewer any more."""
        there = (ref and ref() for ref in self._refs)
        source, target = (x if x in viewer.layers else None for x in there)
        return source, target
