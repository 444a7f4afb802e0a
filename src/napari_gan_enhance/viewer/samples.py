"""Sample images for napari's menu File > Open Sample."""

from __future__ import annotations

from napari_gan_enhance.assets.samples import sample_path
from napari_gan_enhance.viewer.reader import LayerData, read_layers


def mitochondria() -> list[LayerData]:
    """Return a wide-field image of mitochondria, 640 x 640 pixels."""
    return read_layers(sample_path("mitochondria"))


def lines() -> list[LayerData]:
    """Return a stack of a line pattern with very little light, 21 x 150 x 150."""
    return read_layers(sample_path("lines"))


def intestine() -> list[LayerData]:
    """Return a confocal image of a C. elegans intestine, 316 x 316 pixels."""
    return read_layers(sample_path("intestine"))
