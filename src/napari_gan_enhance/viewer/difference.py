"""The difference of two layers where both show the same place, as a layer."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_gan_enhance.errors import InputError
from napari_gan_enhance.metrics.overlap import SAME_GRID_PX
from napari_gan_enhance.micrograph.view import AxesView
from napari_gan_enhance.progress import Progress
from napari_gan_enhance.registration.resample import plane_between, sampled
from napari_gan_enhance.viewer.diverging import LESS_MORE
from napari_gan_enhance.viewer.layer_pair import check_pair
from napari_gan_enhance.viewer.layers import (
    layer_axes,
    result_layer_data,
    unique_name,
)
from napari_gan_enhance.viewer.shared_grid import check_sizes, shared_grid
from napari_gan_enhance.viewer.viewport import shown_index

if TYPE_CHECKING:
    from collections.abc import Mapping

    from napari.components import ViewerModel
    from napari.layers import Image
    from numpy.typing import NDArray

    from napari_gan_enhance.progress import Job

    Plane = NDArray[np.float32]

SHOWN_PERCENTILE = 99.5
"""Of the absolute differences of the plane on screen; beyond it colors are full."""

FIT_SAMPLES = 2**18
"""Pixels that fits of intensity look at: gain and offset are then known to 1 %."""


class Difference:
    """After minus before, on the grid of before, plane by plane.

    Parameters
    ----------
    before, after : Image

    Raises
    ------
    InputError
        If they are not two images of one channel each, differ in T, C or in having Z,
        or do not overlap.
    """

    def __init__(self, before: Image, after: Image) -> None:
        check_pair(before, after)
        for layer in (before, after):
            if layer.rgb:
                raise InputError(
                    f"Layer {layer.name!r} is RGB - differences are of one number for "
                    "each pixel - split its colors first."
                )
        self.axes = layer_axes(before)
        self._pixels = [_pixels(layer) for layer in (before, after)]
        self._axes = (self.axes, layer_axes(after))
        check_sizes(before, after)
        self.grid = shared_grid(before, after)
        self.gain, self.offset = 1.0, 0.0

    @property
    def places(self) -> dict[str, range]:
        """Positions of its planes on T, C and Z, in pixels of before."""
        sizes = dict(zip(self.axes, self._pixels[0].shape, strict=True))
        spans = {a: slice(0, n) for a, n in sizes.items()} | dict(self.grid.region)
        return {a: range(spans[a].start, spans[a].stop) for a in self.axes[:-2]}

    @property
    def is_lazy(self) -> bool:
        """Whether planes are made when they are looked at."""
        in_memory = all(isinstance(p, np.ndarray) for p in self._pixels)
        return not in_memory or math.prod(map(len, self.places.values())) > 1

    def planes(self, place: Mapping[str, int]) -> tuple[Plane, Plane]:
        """Return one plane of both on the same grid; NaN where the second ends."""
        rows, columns = (self.grid.region[a] for a in "YX")
        view = AxesView(self._pixels[0], self._axes[0], "YX", place)
        first = np.asarray(view[rows, columns], np.float32)
        at = {a: i for a, i in place.items() if a != "Z" and a in self._axes[1]}
        stack = AxesView(self._pixels[1], self._axes[1], "ZYX", at)
        z = self.grid.depth[0] + self.grid.depth[1] * place.get("Z", 0)
        shift = self.grid.shift()
        if shift is not None and abs(z - round(z)) < SAME_GRID_PX:
            moved = [
                slice(part.start + by, part.stop + by)
                for part, by in zip((rows, columns), shift, strict=True)
            ]
            block = stack[slice(round(z), round(z) + 1), moved[0], moved[1]]
            return first, np.asarray(block[0], np.float32)
        start = np.eye(3)
        start[:2, 2] = rows.start, columns.start
        whole = plane_between(stack, z)[0]
        into = np.asarray(self.grid.into @ start, np.float64)
        return first, sampled(whole, np.eye(3), first.shape, into)

    def plane(self, place: Mapping[str, int]) -> Plane:
        """Return one plane of the difference, shape (Y, X) of the region, float32."""
        first, second = self.planes(place)
        if (self.gain, self.offset) != (1.0, 0.0):
            second = np.float32(self.gain) * second + np.float32(self.offset)
        return np.asarray(second - first, np.float32)

    def fit(self, place: Mapping[str, int]) -> None:
        """Bring after to the scale of before, by least squares over one plane."""
        first, second = (x.ravel() for x in self.planes(place))
        stride = max(1, len(first) // FIT_SAMPLES)
        x, y = second[::stride].astype(float), first[::stride].astype(float)
        is_known = np.isfinite(x) & np.isfinite(y)
        x, y = x[is_known], y[is_known]
        spread = float(x.var()) if len(x) else 0.0
        if spread > 0:
            self.gain = float(((x - x.mean()) * y).mean() / spread)
            self.offset = float(y.mean() - self.gain * x.mean())

    def pixels(self) -> Any:
        """Return all of it: numpy if it is one plane in memory, else dask."""
        places = self.places
        if not self.is_lazy:
            only = {a: span[0] for a, span in places.items()}
            plane = self.plane(only)
            return plane.reshape(*(1 for _ in places), *plane.shape)
        return self._lazy(places)

    def _lazy(self, places: Mapping[str, range]) -> Any:
        import dask.array as da
        from dask import delayed

        shape = tuple(
            self.grid.region[a].stop - self.grid.region[a].start for a in "YX"
        )
        read = delayed(self.plane, pure=False)
        blocks = [
            da.from_delayed(read(dict(zip(places, at, strict=True))), shape, np.float32)
            for at in product(*places.values())
        ]
        counts = [len(span) for span in places.values()]
        return da.stack(blocks).reshape(*counts, *shape)


@dataclass(frozen=True, slots=True)
class Subtracted:
    """What a layer of the difference is made of.

    Parameters
    ----------
    before : Image
        Whose grid, scale and units it has.
    name : str
    pixels : numpy or dask array
    region : mapping of str to slice
        Which part of before it covers: what both show.
    limit : float, > 0
        The difference that gets the full color.
    said : str
        A sentence on what is shown.
    """

    before: Image
    name: str
    pixels: Any
    region: Mapping[str, slice]
    limit: float
    said: str


def difference_job(
    viewer: ViewerModel, before: Image, after: Image, *, fits: bool
) -> Job[Subtracted]:
    """Return the job that subtracts two layers; it may run in a thread.

    Parameters
    ----------
    viewer : ViewerModel
    before, after : Image
    fits : bool
        Whether after is brought to the scale of before first, by the gain and offset
        of least squares over the plane on screen.

    Raises
    ------
    InputError
        As `Difference`; and, in the job, if pixels to be resampled are NaN or infinite.
    """
    made = Difference(before, after)
    at = shown_index(viewer, before)
    shown = {
        axis: min(max(nearest, span[0]), span[-1])
        for (axis, span), nearest in zip(made.places.items(), at, strict=False)
    }
    return _subtracted(made, before, (before.name, after.name), shown, fits=fits)


def _subtracted(
    made: Difference,
    before: Image,
    names: tuple[str, str],
    shown: Mapping[str, int],
    *,
    fits: bool,
) -> Job[Subtracted]:
    """Subtract; the layer is only handed on, as this may run in a thread."""
    first, second = names
    fitted = second
    yield Progress(0, 3, "subtracting")
    if fits:
        made.fit(shown)
        fitted = f"{made.gain:.4g} x {second} {made.offset:+.4g}"
    yield Progress(1, 3, "subtracting")
    limit = full_color_limit(made.plane(shown))
    yield Progress(2, 3, "subtracting")
    return Subtracted(
        before,
        f"difference: {second} - {first}",
        made.pixels(),
        made.grid.region,
        limit,
        f"{fitted} - {first}: orange is more, blue less, black the same.",
    )


def add_subtracted(viewer: ViewerModel, subtracted: Subtracted) -> None:
    """Add a difference as a layer."""
    from napari.layers import Layer

    data, settings, kind = result_layer_data(
        subtracted.before,
        subtracted.pixels,
        name=unique_name([x.name for x in viewer.layers], subtracted.name),
        upscale=1,
        region=subtracted.region,
        contrast_limits=(-subtracted.limit, subtracted.limit),
    )
    settings |= {
        "colormap": LESS_MORE,
        "gamma": 1.0,
        "opacity": 1.0,
        "blending": "translucent_no_depth",
    }
    viewer.add_layer(Layer.create(data, settings, kind))


def full_color_limit(plane: NDArray[Any]) -> float:
    """Return the difference that gets the full color; positive."""
    stride = max(1, plane.size // FIT_SAMPLES)
    sizes = np.abs(plane.ravel()[::stride])
    sizes = sizes[np.isfinite(sizes)]
    if not len(sizes):
        return 1.0
    limit = float(np.percentile(sizes, SHOWN_PERCENTILE)) or float(sizes.max())
    return limit if limit > 0 else 1.0


def _pixels(layer: Any) -> Any:
    return layer.data[0] if layer.multiscale else layer.data
