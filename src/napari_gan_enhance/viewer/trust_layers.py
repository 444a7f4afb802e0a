"""Trust maps as layers, and in words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_gan_enhance.viewer.diverging import LESS_MORE
from napari_gan_enhance.viewer.layers import (
    METADATA_KEY,
    result_layer_data,
    unique_name,
)

if TYPE_CHECKING:
    from collections.abc import Collection

    from napari.layers import Image

    from napari_gan_enhance.micrograph.micrograph import Micrograph
    from napari_gan_enhance.trust.maps import TrustMaps, TrustSummary

TOP = 99.8
"""Percentile of a map that is shown brightest."""

SAMPLES = 2**18
"""Pixels of a map that its contrast is taken from."""


@dataclass(frozen=True, slots=True)
class Look:
    """How a map is shown.

    Parameters
    ----------
    colormap : str or Colormap
    limits : (float, float) or None
        None goes from 0 to the brightest.
    """

    colormap: Any
    limits: tuple[float, float] | None = None


LOOKS = {
    "expected error": Look("inferno"),
    "beyond the evidence": Look("magma", (0.0, 1.0)),
    "re-blur score": Look(LESS_MORE, (-5.0, 5.0)),
    "disagreement": Look("viridis"),
}
"""Shares and scores mean the same in every image; errors are as large as the image is
bright."""


def trust_layer_data(
    layer: Image, maps: TrustMaps, names: Collection[str]
) -> list[tuple[Any, dict[str, Any], str]]:
    """Return a layer for each map that lies exactly over the result.

    Parameters
    ----------
    layer : Image
        The result.
    maps : TrustMaps
    names : collection of str
        Of the layers that are there.

    Returns
    -------
    list of (data, dict, "image")
        The most telling one last, on top and the only one that is visible. Each holds
        its micrograph, with units and provenance, in its metadata.
    """
    base = layer.name.partition(" [")[0]
    taken, shown = set(names), []
    for kind, found in maps.named().items():
        name = unique_name(taken, f"{base} [trust: {kind}]")
        taken.add(name)
        shown.append(_data(layer, found, name, LOOKS.get(kind, Look("viridis"))))
    shown[0][1]["visible"] = True
    return shown[::-1]


def summary_text(summary: TrustSummary) -> str:
    """Return what the maps say as a whole: RSP and RSE, and the job's sentences."""
    planes = summary.planes
    rsp, rse = np.median([(plane.rsp, plane.rse) for plane in planes], axis=0)
    several = f" (medians of {len(planes)} planes)" if len(planes) > 1 else ""
    facts = f"RSP {rsp:.3f}, RSE {rse:.3g} gray levels{several}."
    return "\n".join([facts, *summary.sentences])


def _data(
    layer: Image, found: Micrograph, name: str, look: Look
) -> tuple[Any, dict[str, Any], str]:
    data, settings, kind = result_layer_data(
        layer, found.pixels, name=name, upscale=1, region=None, contrast_limits=None
    )
    settings |= {
        "colormap": look.colormap,
        "contrast_limits": look.limits or (0.0, _top(found.pixels)),
        "gamma": 1.0,
        "opacity": 1.0,
        "blending": "translucent_no_depth",
        "visible": False,
        "metadata": {METADATA_KEY: found},
    }
    return data, settings, kind


def _top(pixels: Any) -> float:
    """Return what is to be shown brightest; 1 where all is 0."""
    stride = max(1, int((np.prod(pixels.shape[-2:]) / SAMPLES) ** 0.5))
    at = (slice(None),) * (len(pixels.shape) - 2)
    thinned = (slice(None, None, stride),) * 2
    values = np.asarray(pixels[(*at, *thinned)])
    values = values[np.isfinite(values)]
    return float(np.percentile(values, TOP)) or 1.0 if values.size else 1.0
