"""Curves of all visible images along one line, each through its layer's transforms."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Image

from napari_gan_enhance.metrics.line_profile import (
    SAMPLES_PER_PIXEL,
    mean_and_error,
    path_length,
    sample,
    strand_offsets,
    walk,
)
from napari_gan_enhance.metrics.line_profile_curve import Curve
from napari_gan_enhance.viewer.profile_colors import curve_colors
from napari_gan_enhance.viewer.profile_pixels import (
    PixelStore,
    PlaneIndex,
    load_missing,
)
from napari_gan_enhance.viewer.viewport import level_shape
from napari_gan_enhance.viewer.world import to_pixels

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari.components import ViewerModel
    from numpy.typing import NDArray

    from napari_gan_enhance.metrics.line_profile import PixelSource, Walk
    from napari_gan_enhance.progress import Job
    from napari_gan_enhance.viewer.profile_lines import Line

    Floats = NDArray[np.float64]

RGB_NOTE = " (mean of red, green, blue)"

LEAST_SAMPLES = 150
"""Along a line that moves, however wide: fewer would hide peaks."""


@dataclass(frozen=True, slots=True)
class Space:
    """The plane that lines are drawn in, measured.

    Parameters
    ----------
    size : ndarray, shape (2,), float64
        Length of one world unit along (Y, X), in `unit`.
    unit : str
        "µm", or "px" where the viewer knows no unit of length.
    """

    size: Floats
    unit: str


@dataclass(frozen=True, slots=True)
class CurvePlan:
    """How to sample one layer along one line; no layer is needed any more for it.

    Parameters
    ----------
    name, color : str
    source : PixelSource
        Of the plane that is shown.
    to_pixels : ndarray, shape (2, 3), float64
        From (Y, X, 1) in `space.unit` to pixels.
    vertices : ndarray, shape (k, 2), float64
        Of the line, in `space.unit`.
    width : float, >= 0
        To average over, in `space.unit`.
    space : Space
        What lengths are counted in.
    display : Display
        How the viewer colors the pixels.
    colors : tuple of PixelSource
        Red, green and blue of an RGB layer; none for others.
    """

    name: str
    color: str
    source: PixelSource
    to_pixels: Floats
    vertices: Floats
    width: float
    space: Space
    display: Display
    colors: tuple[PixelSource, ...] = ()

    @property
    def unit(self) -> str:
        """Unit of all lengths: "µm" or "px"."""
        return self.space.unit

    def along(self, line: Line, width: float) -> CurvePlan:
        """Return how to sample the same plane along another line."""
        return replace(self, vertices=line.vertices * self.space.size, width=width)

    def pixel_size(self) -> float:
        """Return the side of a square as large as a pixel, in the plan's unit."""
        return 1 / math.sqrt(abs(float(np.linalg.det(self.to_pixels[:, :2]))))

    def pixels_at(self, places: Floats) -> Floats:
        """Return where places (..., 2) lie, in pixels."""
        return np.asarray(places @ self.to_pixels[:, :2].T + self.to_pixels[:, 2])

    def curve(self, most_points: int | None = None) -> Curve:
        """Sample the layer.

        Parameters
        ----------
        most_points : int, optional
            Take fewer samples along the line than pixels ask for, as a preview.

        Raises
        ------
        InputError
            If the line has no length.
        """
        length = path_length(self.pixels_at(self.vertices))
        offsets = strand_offsets(self.width, self.pixel_size())
        count = math.ceil(length * SAMPLES_PER_PIXEL) + 1 if length > 0 else 2
        if most_points is not None:
            count = min(count, max(LEAST_SAMPLES, most_points // len(offsets)))
        path = _walk_again(tuple(map(tuple, self.vertices.tolist())), count)
        values = sample(self.source, self.pixels_at(path.strands(offsets)))
        mean, error = mean_and_error(values)
        return Curve(
            self.name, path.distance, mean, error, self.unit, self.color, len(offsets)
        )


def plans(
    viewer: ViewerModel, line: Line, width: float, store: PixelStore
) -> list[CurvePlan]:
    """Return how to sample each visible image along a line, the lowest layer first.

    Parameters
    ----------
    viewer : ViewerModel
    line : Line
    width : float, >= 0
        To average over, in µm (in world units where no unit of length is known).
    store : PixelStore

    Returns
    -------
    list of CurvePlan
        Layers whose plane is not shown at the sliders' position are left out.
    """
    space = measured_space(viewer)
    images = [x for x in viewer.layers if type(x) is Image and x.visible]
    found = []
    for layer, color in zip(images, curve_colors(images), strict=True):
        place = _place(viewer, layer, line.vertices)
        if place is None:
            continue
        index, to_pixels = place
        found.append(
            CurvePlan(
                layer.name + (RGB_NOTE if layer.rgb else ""),
                color,
                store.source(layer, index),
                to_pixels / np.append(space.size, 1.0),
                line.vertices * space.size,
                width,
                space,
                Display.of(layer),
                tuple(store.source(layer, index, k) for k in range(3 * layer.rgb)),
            )
        )
    return found


@lru_cache(maxsize=4)
def _walk_again(vertices: tuple[tuple[float, ...], ...], count: int) -> Walk:
    """Return the walk along a line; layers with pixels of one size share it."""
    return walk(np.array(vertices), count)


@dataclass(frozen=True, slots=True)
class Display:
    """How the viewer turns intensities into colors.

    Parameters
    ----------
    limits : (float, float)
        Intensities that are black and full color.
    gamma : float
    colormap : napari.utils.Colormap
    white : float
        Largest value of a sample of RGB.
    """

    limits: tuple[float, float]
    gamma: float
    colormap: Any
    white: float = 1.0

    @classmethod
    def of(cls, layer: Image) -> Display:
        """Take note of a layer's."""
        low, high = (float(v) for v in layer.contrast_limits)
        dtype = np.dtype(layer.dtype)
        white = float(np.iinfo(dtype).max) if dtype.kind in "iu" else 1.0
        return cls((low, high), float(layer.gamma), layer.colormap, white)

    def colors(self, values: Floats) -> Floats:
        """Return intensities (Y, X) as (Y, X, 3) from 0 to 1; what is missing black."""
        low, high = self.limits
        share = np.clip((values - low) / max(high - low, 1e-300), 0, 1) ** self.gamma
        flat = np.nan_to_num(share).ravel()
        colors = np.asarray(self.colormap.map(flat), np.float64)[:, :3]
        colors[np.isnan(share).ravel()] = 0
        return colors.reshape(*values.shape, 3)


def complete_curves(plans: Sequence[CurvePlan], store: PixelStore) -> Job[list[Curve]]:
    """Sample all layers, and read what lazy ones have not read yet.

    Yields
    ------
    Progress
    """
    for plan in plans:
        plan.curve()
    yield from load_missing([plan.source for plan in plans], store)
    return [plan.curve() for plan in plans]


def is_long(line: Line) -> bool:
    """Return whether a line has a length and all its points are numbers."""
    length = path_length(line.vertices)
    return math.isfinite(length) and length > 0


def measured_space(viewer: ViewerModel) -> Space:
    """Return what one world unit is in µm."""
    units = world_units(viewer)
    lengths = [u for u in units if u is not None and u.is_compatible_with("micrometer")]
    if len(lengths) < 2:
        return Space(np.ones(2), "px")
    sizes = [float((1.0 * u).to("micrometer").magnitude) for u in lengths]
    return Space(np.array(sizes), "µm")


def world_units(viewer: ViewerModel) -> tuple[Any, Any]:
    """Return the units that (Y, X) of the viewer's world are counted in."""
    common = getattr(viewer.layers, "units", None)  # new in napari 0.9
    if common is not None and len(common) > 1:
        return tuple(common[-2:])
    # Layers whose units do not agree are shown as if they had none.
    found = {tuple(x.units[-2:]) for x in viewer.layers if type(x) is Image}
    return found.pop() if len(found) == 1 else (None, None)


def _place(
    viewer: ViewerModel, layer: Image, vertices: Floats
) -> tuple[PlaneIndex, Floats] | None:
    """Return the plane of a layer that is shown, and the way from world to pixels.

    None where the sliders stand outside the layer.
    """
    offset = viewer.dims.ndim - layer.ndim  # layers align at their last axis
    axes = sorted(axis - offset for axis in viewer.dims.displayed[-2:])
    if axes[0] < 0:
        return None
    middle = np.array(viewer.dims.point, np.float64)
    middle[-2:] = (vertices.min(axis=0) + vertices.max(axis=0)) / 2
    origin = to_pixels(viewer, layer, middle)
    columns = []
    for axis in (-2, -1):
        step = middle.copy()
        step[axis] += 1
        columns.append(to_pixels(viewer, layer, step) - origin)
    hidden: list[int | None] = [None] * layer.ndim
    for axis, size in enumerate(level_shape(layer)):
        if axis not in axes:
            hidden[axis] = round(float(origin[axis]))
            if not 0 <= round(float(origin[axis])) < size:
                return None
    matrix = np.stack(columns, axis=1)[axes]
    shift = origin[axes] - matrix @ middle[-2:]
    return PlaneIndex(tuple(hidden)), np.column_stack([matrix, shift])
