"""Maps of SSIM and error as layers, on the pixels of the reference they belong to."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_gan_enhance.viewer.difference import full_color_limit
from napari_gan_enhance.viewer.diverging import LESS_MORE
from napari_gan_enhance.viewer.layers import (
    METADATA_KEY,
    result_layer_data,
    unique_name,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari.components import ViewerModel
    from napari.layers import Image

    from napari_gan_enhance.micrograph.micrograph import Micrograph
    from napari_gan_enhance.viewer.metrics_against import Scored

SSIM_COLORS = "viridis"
"""Even to the eye and to color-blind people; 0 is dark blue, 1 yellow."""


def add_maps(
    viewer: ViewerModel, reference: Image, scored: Sequence[Scored]
) -> list[Image]:
    """Add the maps of SSIM and error of every layer that has them.

    Parameters
    ----------
    viewer : ViewerModel
    reference : Image
        The layer whose grid the maps have.
    scored : sequence of Scored
    """
    added = []
    active = viewer.layers.selection.active
    for one in scored:
        maps = one.evaluation.maps if one.evaluation is not None else None
        if maps is None or one.pair is None:
            continue
        limit = full_color_limit(np.asarray(maps.error.pixels))
        looks = (
            (maps.ssim, SSIM_COLORS, (0.0, 1.0)),
            (maps.error, LESS_MORE, (-limit, limit)),
        )
        for micrograph, colormap, limits in looks:
            region = one.pair.region
            layer = _map_layer(viewer, reference, micrograph, region, limits)
            layer.colormap = colormap
            added.append(viewer.add_layer(layer))
    viewer.layers.selection.active = active  # the user goes on where they were
    return added


def _map_layer(
    viewer: ViewerModel,
    reference: Image,
    micrograph: Micrograph,
    region: dict[str, slice],
    limits: tuple[float, float],
) -> Image:
    from napari.layers import Layer

    pixels = np.asarray(micrograph.pixels)
    if micrograph.is_rgb:  # one map for all samples
        pixels = pixels.mean(axis=micrograph.axes.index("S"))
        micrograph = micrograph.with_pixels(
            pixels, axes=micrograph.axes.replace("S", "")
        )
    data, settings, kind = result_layer_data(
        reference,
        pixels,
        name=unique_name([x.name for x in viewer.layers], micrograph.name),
        upscale=1,
        region=region,
        contrast_limits=limits,
    )
    settings |= {
        "rgb": False,
        "contrast_limits": limits,
        "gamma": 1.0,
        "opacity": 1.0,
        "blending": "translucent_no_depth",
        "metadata": {METADATA_KEY: micrograph},
    }
    layer: Image = Layer.create(data, settings, kind)
    return layer
