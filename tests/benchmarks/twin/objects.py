"""Cells of the simulated twin: nuclei with chromatin, actin bundles, microtubules.

Flat, spread cells as fibroblasts on glass: a nucleus in the thick middle, stress fibers
near the glass, microtubules from beside the nucleus to the rim. Everything is laid out
in µm and only then put on a grid. This is on purpose not the code that draws objects to
train on: what a network learned there must also hold here.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.ndimage import gaussian_filter

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

HEIGHT_UM = 5.0
"""Of a cell above its nucleus."""

RIM_UM = 0.5
"""Height of a cell at its rim."""

STEP = 0.5
"""Distance of points along a line, in lateral voxels."""


@dataclass(frozen=True, slots=True)
class Field:
    """The voxels of a field of view, the first plane on the glass.

    Parameters
    ----------
    shape : (Z, Y, X)
    voxel_um : (z, y, x), µm
    """

    shape: tuple[int, int, int]
    voxel_um: tuple[float, float, float]

    @property
    def extent_um(self) -> NDArray[np.float64]:
        return np.multiply(self.shape, self.voxel_um)


@dataclass(frozen=True, slots=True)
class Cell:
    """Where a cell lies: center and half axes (y, x) in µm, direction in radians."""

    center: NDArray[np.float64]
    half_axes: tuple[float, float]
    nucleus: tuple[float, float, float]  # half axes (z, along, across)
    direction: float

    def height(self, yx: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the height in µm over points (..., 2); 0 outside the cell."""
        radius = self.relative(yx)
        dome = RIM_UM + (HEIGHT_UM - RIM_UM) * np.exp(-((radius / 0.45) ** 2))
        return np.where(radius < 1, dome, 0.0)

    def relative(self, yx: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return distances from the center, 1 on the rim."""
        along, across = self.turned(yx - self.center)
        return np.hypot(along / self.half_axes[0], across / self.half_axes[1])

    def turned(
        self, yx: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return components along and across the cell."""
        sine, cosine = math.sin(self.direction), math.cos(self.direction)
        y, x = yx[..., 0], yx[..., 1]
        return x * cosine + y * sine, y * cosine - x * sine


def lay_out(field: Field, rng: np.random.Generator) -> list[Cell]:
    """Place cells over a field so that it is nearly covered; at least one is inside."""
    height, width = field.extent_um[1:]
    pitch = 38.0
    rows, columns = (max(1, round(size / pitch)) for size in (height, width))
    spots = [
        (
            (i + rng.uniform(0.25, 0.75)) * height / rows,
            (j + rng.uniform(0.25, 0.75)) * width / columns,
        )
        for i in range(rows)
        for j in range(columns)
    ]
    return [
        Cell(
            np.array(spot),
            (rng.uniform(18, 28), rng.uniform(12, 19)),
            (rng.uniform(1.7, 2.3), rng.uniform(6, 9), rng.uniform(4.5, 6.5)),
            rng.uniform(0, math.pi),
        )
        for spot in spots
    ]


def draw(
    structure: str, field: Field, cells: list[Cell], rng: np.random.Generator
) -> NDArray[np.float32]:
    """Draw one structure of all cells.

    Parameters
    ----------
    structure : "nuclei", "actin" or "tubulin"
    field : Field
    cells : list of Cell
    rng : numpy.random.Generator

    Returns
    -------
    ndarray, shape (Z, Y, X), float32, >= 0
        Fluorophores in each voxel, in any unit.
    """
    volume = np.zeros(field.shape, np.float32)
    for cell in cells:
        STRUCTURES[structure](volume, field, cell, rng)
    return volume


def nucleus(
    volume: NDArray[np.float32], field: Field, cell: Cell, rng: np.random.Generator
) -> None:
    """Fill an ellipsoid with chromatin: mottled, with bright chromocenters."""
    reach = max(cell.nucleus[1:]) * 1.1
    box = _box(field, cell.center, reach)
    if box is None:
        return
    z, y, x = _places(field, box)
    yx = np.stack(np.broadcast_arrays(y[:, None], x[None, :]), axis=-1)
    along, across = cell.turned(yx - cell.center)
    wobble = 1 + 0.05 * np.sin(3 * np.arctan2(across, along) + rng.uniform(0, 6))
    flat = np.hypot(along / cell.nucleus[1], across / cell.nucleus[2]) / wobble
    middle = cell.nucleus[0] + 0.6  # above the glass
    inside = 1 - np.hypot(flat, ((z - middle) / cell.nucleus[0])[:, None, None])
    envelope = np.clip(inside / 0.04, 0, 1)
    texture = np.ones(inside.shape, np.float32)
    for size, strength in ((0.9, 0.25), (0.25, 0.35)):
        texture += strength * _grains(inside.shape, field, size, rng)
    bright = rng.uniform(0.7, 1.3) * envelope * np.clip(texture, 0.15, None)
    for _ in range(rng.integers(8, 22)):
        spot = _inside_nucleus(cell, middle, rng)
        radius = rng.uniform(0.25, 0.6)
        squared = (
            ((z - spot[0]) ** 2)[:, None, None]
            + ((y - spot[1]) ** 2)[None, :, None]
            + ((x - spot[2]) ** 2)[None, None, :]
        )
        bright += envelope * rng.uniform(1.0, 2.5) * np.exp(-squared / radius**2)
    volume[(slice(None), *box)] += bright.astype(np.float32)


def actin(
    volume: NDArray[np.float32], field: Field, cell: Cell, rng: np.random.Generator
) -> None:
    """Draw stress fibers near the glass, cortical bundles at the rim, a fine mesh."""
    for _ in range(rng.integers(25, 50)):  # stress fibers, along the cell
        angle = cell.direction + rng.normal(0, 0.12)
        along, across = rng.uniform(-0.5, 0.5), rng.uniform(-0.85, 0.85)
        start = _from_cell(cell, along * cell.half_axes[0], across * cell.half_axes[1])
        line = _arc(field, start, angle, rng.uniform(8, 30), rng.normal(0, 0.01))
        height = rng.uniform(0.1, 0.6) * np.ones(len(line))
        _bundle(
            volume,
            field,
            cell,
            line,
            height,
            rng.uniform(0.05, 0.2),
            rng.uniform(1, 4),
            rng,
        )
    turn = np.linspace(0, 2 * math.pi, int(2 * math.pi * 28 / field.voxel_um[1] / STEP))
    for _ in range(3):  # along the rim
        size = rng.uniform(0.9, 0.98) + 0.02 * np.sin(
            rng.integers(3, 9) * turn + rng.uniform(0, 6)
        )
        rim = _from_cell(
            cell,
            size * cell.half_axes[0] * np.cos(turn),
            size * cell.half_axes[1] * np.sin(turn),
        )
        _bundle(
            volume,
            field,
            cell,
            rim,
            np.full(len(rim), 0.3),
            0.12,
            rng.uniform(1, 3),
            rng,
        )
    for _ in range(400):  # mesh under the upper and lower membrane
        start = _random_inside(cell, rng)
        line = _arc(
            field,
            start,
            rng.uniform(0, 2 * math.pi),
            rng.uniform(1, 5),
            rng.normal(0, 0.1),
        )
        top = cell.height(line) if rng.random() < 0.5 else np.full(len(line), 0.15)
        _bundle(volume, field, cell, line, top, 0.03, 0.15, rng)


def tubulin(
    volume: NDArray[np.float32], field: Field, cell: Cell, rng: np.random.Generator
) -> None:
    """Draw microtubules from a center beside the nucleus, bending along the rim."""
    away = cell.direction + rng.uniform(-0.4, 0.4)
    center = cell.center + cell.nucleus[1] * 0.8 * np.array(
        [math.sin(away), math.cos(away)]
    )
    for _ in range(rng.integers(90, 150)):
        angle = rng.uniform(0, 2 * math.pi)
        start = center + rng.normal(0, 0.8, 2)
        curvature = rng.normal(0, 0.03) + np.cumsum(rng.normal(0, 0.004, 4000))
        line = _arc(field, start, angle, rng.uniform(10, 35), curvature)
        place = rng.uniform(0.1, 0.9)  # share of the height, kept along the line
        sway = 0.1 * np.sin(np.linspace(0, rng.uniform(2, 9), len(line)))
        height = np.clip(place + sway, 0.03, 0.97) * cell.height(line)
        _bundle(volume, field, cell, line, height, 0.0, 1.0, rng)


STRUCTURES: dict[str, Callable[..., None]] = {
    "nuclei": nucleus,
    "actin": actin,
    "tubulin": tubulin,
}


def _bundle(
    volume: NDArray[np.float32],
    field: Field,
    cell: Cell,
    line: NDArray[np.float64],
    height: NDArray[np.float64],
    width_um: float,
    strength: float,
    rng: np.random.Generator,
) -> None:
    """Put fluorophores around a line (N, 2), as far as it runs inside the cell."""
    strands = 1 if width_um == 0 else max(2, math.ceil(width_um / field.voxel_um[1]))
    inside = cell.relative(line) < 1
    for _ in range(strands):
        zyx = np.column_stack([height, line])[inside]
        zyx = zyx + rng.normal(0, width_um / 2, 3) * (1, 1, 1)
        labels = rng.poisson(6, len(zyx)) / 6  # uneven labeling
        _put(volume, field, zyx, strength / strands * labels)


def _put(
    volume: NDArray[np.float32],
    field: Field,
    zyx: NDArray[np.float64],
    weights: NDArray[np.float64],
) -> None:
    """Add points to the nearest voxel of a plane, shared among two planes."""
    at = zyx / field.voxel_um - 0.5
    plane = np.floor(at[:, 0]).astype(np.int64)
    share = at[:, 0] - plane
    row, column = np.rint(at[:, 1:]).astype(np.int64).T
    for index, part in ((plane, 1 - share), (plane + 1, share)):
        index = np.maximum(index, 0)  # nothing reaches into the glass
        fits = (index < field.shape[0]) & (row >= 0) & (column >= 0)
        fits &= (row < field.shape[1]) & (column < field.shape[2])
        where = (index[fits], row[fits], column[fits])
        np.add.at(volume, where, (part * weights)[fits].astype(np.float32))


def _arc(
    field: Field,
    start: NDArray[np.float64],
    angle: float,
    length_um: float,
    curvature: float | NDArray[np.float64],
) -> NDArray[np.float64]:
    """Return points (N, 2) in µm along a line; curvature in 1/µm, resampled to it."""
    step = STEP * field.voxel_um[1]
    count = max(2, int(length_um / step))
    bend = np.atleast_1d(curvature)
    place = np.linspace(0, len(bend) - 1, count)
    turns = np.interp(place, np.arange(len(bend)), bend) * step
    angles = angle + np.cumsum(turns)
    moves = step * np.stack([np.sin(angles), np.cos(angles)], axis=1)
    return start + np.cumsum(moves, axis=0)


def _from_cell(
    cell: Cell, along: NDArray[np.float64] | float, across: NDArray[np.float64] | float
) -> NDArray[np.float64]:
    """Return the place (y, x) in the field of a place in the cell."""
    sine, cosine = math.sin(cell.direction), math.cos(cell.direction)
    offset = [along * sine + across * cosine, along * cosine - across * sine]
    return cell.center + np.stack(offset, axis=-1)


def _random_inside(cell: Cell, rng: np.random.Generator) -> NDArray[np.float64]:
    radius, angle = math.sqrt(rng.random()), rng.uniform(0, 2 * math.pi)
    along, across = radius * math.cos(angle), radius * math.sin(angle)
    return _from_cell(cell, along * cell.half_axes[0], across * cell.half_axes[1])


def _inside_nucleus(
    cell: Cell, middle: float, rng: np.random.Generator
) -> NDArray[np.float64]:
    z, along, across = rng.normal(0, 0.4, 3).clip(-0.8, 0.8) * cell.nucleus
    return np.array([middle + z, *_from_cell(cell, along, across)])


def _box(
    field: Field, center: NDArray[np.float64], reach: float
) -> tuple[slice, slice] | None:
    """Return the part of the field around a place, in voxels."""
    low = np.maximum(((center - reach) / field.voxel_um[1:]).astype(int), 0)
    high = np.minimum(
        np.ceil((center + reach) / field.voxel_um[1:]).astype(int), field.shape[1:]
    )
    if (high - low < 2).any():
        return None
    return slice(low[0], high[0]), slice(low[1], high[1])


def _places(field: Field, box: tuple[slice, slice]) -> list[NDArray[np.float64]]:
    """Return the centers of voxels along each axis in µm."""
    ranges = (range(field.shape[0]), *(range(s.start, s.stop) for s in box))
    return [
        (np.array(r) + 0.5) * step
        for r, step in zip(ranges, field.voxel_um, strict=True)
    ]


def _grains(
    shape: tuple[int, ...], field: Field, size_um: float, rng: np.random.Generator
) -> NDArray[np.float32]:
    """Return smooth noise of unit deviation."""
    sigma = [size_um / step for step in field.voxel_um]
    noise = gaussian_filter(rng.standard_normal(shape, np.float32), sigma, truncate=3)
    return np.asarray(noise / noise.std(), np.float32)
