"""Write a Micrograph as OME-Zarr 0.5, chunk by chunk."""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_gan_enhance.errors import OutputError
from napari_gan_enhance.io.plain_text import plain_text
from napari_gan_enhance.micrograph.view import AxesView
from napari_gan_enhance.progress import Progress, RemainingTime

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from napari_gan_enhance.micrograph.micrograph import Micrograph
    from napari_gan_enhance.progress import Job

CHUNK = 512
"""Side of a chunk: 1 MiB of float32, a compromise between files and waste."""

OWN_KEY = "napari_gan_enhance"
"""Group attribute for what OME-Zarr has no place for."""

DEFAULT_COLOR = "FFFFFF"
RGB_SHOWN = [("Red", "FF0000"), ("Green", "00FF00"), ("Blue", "0000FF")]


def write_zarr(part: Path, micrograph: Micrograph) -> Job[None]:
    """Write a micrograph into a new OME-Zarr folder with one level.

    RGB samples are stored as channels and come back as samples.

    Parameters
    ----------
    part : Path
        Not existing yet.
    micrograph : Micrograph

    Yields
    ------
    Progress
        After each chunk.

    Raises
    ------
    OutputError
        If the image has both channels and RGB samples, or no pixels.
    """
    import zarr

    order = stored_order(micrograph)
    view = AxesView(micrograph.pixels, micrograph.axes, order)
    group = zarr.open_group(part, mode="w-", zarr_format=3)
    target = group.create_array(
        "0",
        shape=view.shape,
        dtype=view.dtype,
        chunks=tuple(
            min(CHUNK, n) if a in "YX" else 1
            for a, n in zip(order, view.shape, strict=True)
        ),
        dimension_names=[_name(a) for a in order],
    )
    pieces = [_pieces(a, n) for a, n in zip(order, view.shape, strict=True)]
    total = math.prod(map(len, pieces))
    spans = _Spans(order, view.shape)
    remaining = RemainingTime()
    for done, window in enumerate(itertools.product(*pieces), start=1):
        block = view[window]
        target[window] = block
        spans.add(window, block)
        left = remaining.after(done, total)
        yield Progress(done, total, "writing", left)
    group.attrs.update(_attributes(micrograph, order, spans))


def stored_order(micrograph: Micrograph) -> str:
    """Return the axes as stored: OME-Zarr wants T, C, Z, Y, X; S stands in for C.

    Raises
    ------
    OutputError
        If there are both channels and RGB samples, or no pixels.
    """
    axes = micrograph.axes
    if "S" in axes and "C" in axes:
        raise OutputError(
            f"Axes {axes!r} hold channels and RGB samples - OME-Zarr has room for one "
            "of them - write OME-TIFF."
        )
    if 0 in micrograph.shape:
        raise OutputError(
            f"An image of shape {micrograph.shape} holds no pixels - every axis needs "
            "at least one - there is nothing to write."
        )
    return "".join(a for a in "TCSZYX" if a in axes)


class _Spans:
    """Lowest and highest value of every channel, for the display window."""

    def __init__(self, order: str, shape: tuple[int, ...]) -> None:
        self._axis = max(order.find("C"), order.find("S"))
        count = shape[self._axis] if self._axis >= 0 else 1
        self.low = np.full(count, np.inf)
        self.high = np.full(count, -np.inf)

    def add(self, window: tuple[slice, ...], block: NDArray[Any]) -> None:
        at = window[self._axis].start if self._axis >= 0 else 0
        finite = block[np.isfinite(block)]
        if finite.size:
            self.low[at] = min(self.low[at], finite.min())
            self.high[at] = max(self.high[at], finite.max())

    def window(self, index: int) -> dict[str, float]:
        low, high = float(self.low[index]), float(self.high[index])
        if not low < high:
            low, high = 0.0, 1.0
        return {"min": low, "max": high, "start": low, "end": high}


def _pieces(axis: str, size: int) -> list[slice]:
    """Cut an axis into the parts that its chunks cover."""
    step = CHUNK if axis in "YX" else 1
    return [slice(a, min(a + step, size)) for a in range(0, size, step)]


def _name(axis: str) -> str:
    return "c" if axis == "S" else axis.lower()


def _attributes(micrograph: Micrograph, order: str, spans: _Spans) -> dict[str, Any]:
    from yaozarrs import v05

    image = v05.Image.model_validate(
        {
            "version": "0.5",
            "multiscales": [_multiscale(micrograph, order)],
            "omero": {"channels": _rendering(micrograph, spans)},
        }
    )
    return {
        "ome": image.model_dump(mode="json", exclude_none=True, by_alias=True),
        OWN_KEY: _own(micrograph),
    }


def _multiscale(micrograph: Micrograph, order: str) -> dict[str, Any]:
    sizes = dict(zip("ZYX", micrograph.voxel_size_um, strict=True))
    step = micrograph.time_step_s
    known = {**{a: s for a, s in sizes.items() if s}, **({"T": step} if step else {})}
    kinds = {"T": "time", "C": "channel", "S": "channel"}
    axes = [{"name": _name(a), "type": kinds.get(a, "space")} for a in order]
    for letter, axis in zip(order, axes, strict=True):
        if letter in known:
            axis["unit"] = "second" if letter == "T" else "micrometer"
    scale = [known.get(a, 1.0) for a in order]
    return {
        "name": plain_text(micrograph.name),
        "axes": axes,
        "datasets": [
            {
                "path": "0",
                "coordinateTransformations": [{"type": "scale", "scale": scale}],
            }
        ],
    }


def _rendering(micrograph: Micrograph, spans: _Spans) -> list[dict[str, Any]]:
    if micrograph.is_rgb:
        shown = RGB_SHOWN[: len(spans.low)]
    else:
        shown = [
            (plain_text(c.name), (c.color or "#" + DEFAULT_COLOR)[1:])
            for c in micrograph.channels
        ]
    return [
        {
            "label": name,
            "color": color,
            "active": True,
            "window": spans.window(i),
        }
        for i, (name, color) in enumerate(shown)
    ]


def _own(micrograph: Micrograph) -> dict[str, Any]:
    microscope = micrograph.microscope
    return {
        "axes": micrograph.axes,
        "time_step_s": micrograph.time_step_s,
        "voxel_size_um": list(micrograph.voxel_size_um),
        "channels": [
            {
                "name": c.name,
                "emission_nm": c.emission_nm,
                "excitation_nm": c.excitation_nm,
                "color": c.color,
            }
            for c in micrograph.channels
        ],
        "modality": microscope.modality.value if microscope.modality else None,
        "numerical_aperture": microscope.numerical_aperture,
        "immersion_index": microscope.immersion_index,
        "provenance": dict(micrograph.provenance),
    }
