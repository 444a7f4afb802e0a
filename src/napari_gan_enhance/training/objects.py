"""Drawn specimens: sharp objects in three dimensions to train on where no pairs exist.

Everything is drawn in µm, finer than any microscope resolves, and rendered onto a grid
of the caller's choice; so one kind of object looks right under every objective.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np
from scipy.ndimage import gaussian_filter

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

Volume: TypeAlias = "NDArray[np.float32]"

Kind = Literal["filaments", "tubes", "puncta", "membranes", "nuclei"]

SHARES: dict[Kind, float] = {
    "filaments": 0.5,
    "tubes": 0.1,
    "puncta": 0.1,
    "membranes": 0.1,
    "nuclei": 0.2,
}
"""How often a kind is drawn: filaments crowd most, and are hardest to tell apart."""

STEPS_PER_VOXEL = 2
"""Points along a curve for each voxel, so that it has no gaps."""

RIM = 0.12
"""Height of a cell at its rim relative to its middle."""

FOURIER_ORDERS = 6
"""Waves around the outline of a cell or nucleus."""


@dataclass(frozen=True, slots=True)
class Grid:
    """The voxels to draw on.

    Parameters
    ----------
    shape : (Z, Y, X)
    voxel_um : (z, y, x), µm
    """

    shape: tuple[int, int, int]
    voxel_um: tuple[float, float, float]

    @property
    def size_um(self) -> NDArray[np.float64]:
        """Extent along Z, Y, X in µm."""
        return np.multiply(self.shape, self.voxel_um)

    @property
    def area_um2(self) -> float:
        """Lateral area in µm²."""
        return float(self.size_um[1] * self.size_um[2])


def draw(kind: Kind, grid: Grid, rng: np.random.Generator) -> Volume:
    """Draw a specimen.

    Parameters
    ----------
    kind : str
        Filaments (microtubules, actin bundles), tubes (mitochondria), puncta
        (vesicles), membranes (cell outlines) or nuclei with chromatin.
    grid : Grid
    rng : numpy.random.Generator

    Returns
    -------
    ndarray, shape (Z, Y, X), float32
        Light, >= 0, brightest voxel 1; zero where nothing was hit.
    """
    volume = _DRAWN[kind](grid, rng)
    peak = float(volume.max())
    return np.asarray(volume / peak if peak > 0 else volume, np.float32)


def draw_mixture(grid: Grid, rng: np.random.Generator) -> Volume:
    """Draw one or two kinds together, as `draw`, in varying strength."""
    count = 1 + int(rng.random() < 0.25)
    kinds = rng.choice(list(SHARES), count, replace=False, p=list(SHARES.values()))
    volume = sum(rng.uniform(0.3, 1) * draw(kind, grid, rng) for kind in kinds)
    return np.asarray(volume / max(float(np.max(volume)), 1e-9), np.float32)


def _filaments(grid: Grid, rng: np.random.Generator) -> Volume:
    volume = np.zeros(grid.shape, np.float32)
    start = _Start.drawn(grid, rng)
    bundled = rng.random() < 0.4
    labels_per_um = between(rng, 30, 1000)
    for _ in range(_count(rng, 0.04, 0.5, grid)):
        curve = _curve(
            grid,
            rng,
            length_um=rng.uniform(5, 40),
            stiffness=rng.random(),
            origin=start.place(grid, rng),
            direction=start.direction(rng),
        )
        curve = start.settled(curve)
        labels = labels_per_um * _step_um(grid)
        beads = np.asarray(
            rng.uniform(0.7, 1.3) * rng.poisson(labels, len(curve)) / labels, np.float64
        )
        strands = rng.integers(1, 8) if bundled else 1
        spread = rng.normal(0, 0.06, (strands, 1, 3)) * (strands > 1)
        for offset in spread:
            _splat(volume, grid, curve + offset, beads)
    return volume


def _tubes(grid: Grid, rng: np.random.Generator) -> Volume:
    volume = np.zeros(grid.shape, np.float32)
    for _ in range(_count(rng, 0.02, 0.12, grid)):
        curve = _curve(grid, rng, length_um=rng.uniform(1, 8), stiffness=rng.random())
        _splat(volume, grid, curve, np.full(len(curve), rng.uniform(0.6, 1.2)))
    return _thickened(volume, grid, rng.uniform(0.08, 0.25))


def _puncta(grid: Grid, rng: np.random.Generator) -> Volume:
    volume = np.zeros(grid.shape, np.float32)
    for radius_um in (0.0, rng.uniform(0.05, 0.15), rng.uniform(0.15, 0.4)):
        part = np.zeros(grid.shape, np.float32)
        count = _count(rng, 0.02, 0.4, grid)
        points = rng.random((count, 3)) * grid.size_um
        _splat(part, grid, points, rng.lognormal(0, 0.6, count))
        part = _thickened(part, grid, radius_um)
        volume += part / max(float(part.max()), 1e-9) * np.float32(rng.uniform(0.3, 1))
    return volume


def _membranes(grid: Grid, rng: np.random.Generator) -> Volume:
    volume = np.zeros(grid.shape, np.float32)
    for _ in range(_count(rng, 0.002, 0.01, grid)):
        points = _shell(grid, rng, radius_um=rng.uniform(3, 12))
        patches = 1 + 0.4 * _waves(len(points), rng)
        _splat(volume, grid, points, patches)
    return volume


def _nuclei(grid: Grid, rng: np.random.Generator) -> Volume:
    z, y, x = (
        (np.arange(n) + 0.5) * step
        for n, step in zip(grid.shape, grid.voxel_um, strict=True)
    )
    fine, coarse = (_texture(grid, rng, um) for um in (0.15, rng.uniform(0.3, 0.9)))
    weights = rng.uniform(0.2, 0.6, 2)
    chromatin = np.clip(1 + weights[0] * fine + weights[1] * coarse, 0.1, None)
    chromatin += rng.uniform(0, 3) * _spots(grid, rng)
    volume = np.zeros(grid.shape, np.float32)
    for _ in range(_count(rng, 0.0006, 0.004, grid)):
        center = rng.random(3) * grid.size_um
        radius = rng.uniform(3, 8) * rng.uniform(0.7, 1.3, 2)
        height = rng.uniform(1.5, 5)
        outline = _outline(rng)
        dy, dx = (y - center[1])[:, None] / radius[0], (x - center[2]) / radius[1]
        edge = outline(np.arctan2(dy, dx))
        inside = np.hypot(dy, dx) / edge
        depth = ((z - center[0]) / height)[:, None, None]
        softness = 0.05
        shape = np.clip((1 - np.sqrt(inside**2 + depth**2)) / softness, 0, 1)
        volume += shape.astype(np.float32) * np.float32(rng.uniform(0.5, 1))
    return np.asarray(volume * chromatin, np.float32)


def _spots(grid: Grid, rng: np.random.Generator) -> Volume:
    """Return dense spots, brightest 1: the chromocenters of nuclei."""
    spots = np.zeros(grid.shape, np.float32)
    count = _count(rng, 0.05, 0.2, grid)
    _splat(spots, grid, rng.random((count, 3)) * grid.size_um, np.ones(count))
    spots = _thickened(spots, grid, rng.uniform(0.2, 0.5))
    return np.asarray(spots / max(float(spots.max()), 1e-9), np.float32)


_DRAWN: dict[Kind, Callable[[Grid, np.random.Generator], Volume]] = {
    "filaments": _filaments,
    "tubes": _tubes,
    "puncta": _puncta,
    "membranes": _membranes,
    "nuclei": _nuclei,
}


def _count(
    rng: np.random.Generator, low_per_um2: float, high_per_um2: float, grid: Grid
) -> int:
    """Draw how many objects there are, from sparse to crowded; at least one."""
    density = between(rng, low_per_um2, high_per_um2)
    return 1 + int(rng.poisson(density * grid.area_um2))


def between(rng: np.random.Generator, low: float, high: float) -> float:
    """Draw evenly on a log scale."""
    return low * float((high / low) ** rng.random())


def _step_um(grid: Grid) -> float:
    """Return the distance of points along a curve."""
    return min(grid.voxel_um) / STEPS_PER_VOXEL


@dataclass(frozen=True, slots=True)
class _Start:
    """Where filaments begin and which way they run.

    At random, from organizing centers (microtubules), or nearly in parallel (stress
    fibers).

    Parameters
    ----------
    centers : ndarray, shape (N, 3), µm
        None of them for filaments that begin anywhere.
    angle, spread : float, radians
        Direction in the plane and how far one filament departs from it.
    layer : float, 0 to 1
        Share of the depth that they fill, from the glass up.
    dome_um : float, µm
        How far from a center a cell is that thick; towards its rim it is flat.
    """

    centers: NDArray[np.float64]
    angle: float
    spread: float
    layer: float
    dome_um: float

    @classmethod
    def drawn(cls, grid: Grid, rng: np.random.Generator) -> _Start:
        order = rng.choice(["random", "centers", "parallel"], p=[0.35, 0.35, 0.3])
        count = _count(rng, 0.0005, 0.003, grid) if order == "centers" else 0
        return cls(
            rng.random((count, 3)) * grid.size_um,
            rng.uniform(0, math.pi),
            rng.uniform(0.03, 0.4) if order == "parallel" else 2 * math.pi,
            rng.uniform(0.1, 1) if order == "parallel" else 1.0,
            rng.uniform(5, 15),
        )

    def place(self, grid: Grid, rng: np.random.Generator) -> NDArray[np.float64]:
        if len(self.centers) == 0:
            return rng.random(3) * grid.size_um
        return np.asarray(rng.choice(self.centers) + rng.normal(0, 0.6, 3))

    def settled(self, curve: NDArray[np.float64]) -> NDArray[np.float64]:
        """Press a curve (N, 3) into the cell."""
        share = np.full(len(curve), self.layer)
        if len(self.centers):
            away = curve[:, np.newaxis, 1:] - self.centers[np.newaxis, :, 1:]
            nearest = np.hypot(*away.T).min(axis=0)
            share *= RIM + (1 - RIM) * np.exp(-((nearest / self.dome_um) ** 2))
        pressed = curve.copy()
        pressed[:, 0] *= share
        return pressed

    def direction(self, rng: np.random.Generator) -> float:
        return self.angle + self.spread * rng.uniform(-1, 1)


def _curve(
    grid: Grid,
    rng: np.random.Generator,
    *,
    length_um: float,
    stiffness: float,
    origin: NDArray[np.float64] | None = None,
    direction: float | None = None,
) -> NDArray[np.float64]:
    """Return points (N, 3) in µm along a smooth random curve, nearly in the plane."""
    if origin is None:
        origin = rng.random(3) * grid.size_um
    if direction is None:
        direction = rng.uniform(0, 2 * math.pi)
    step = _step_um(grid)
    count = max(2, int(length_um / step))
    # Persistence lengths from 5 µm (soft) to 100 µm (stiff): <turn²> = step / length.
    turn = math.sqrt(step / (5 * 20**stiffness))
    angle = direction + np.cumsum(rng.normal(0, turn, count))
    tilt = rng.normal(0, 0.15) + np.cumsum(rng.normal(0, 0.2 * turn, count))
    moves = np.stack([np.sin(tilt), np.sin(angle), np.cos(angle)], axis=1) * step
    return np.asarray(origin + np.cumsum(moves, axis=0))


def _shell(
    grid: Grid, rng: np.random.Generator, *, radius_um: float
) -> NDArray[np.float64]:
    """Return points (N, 3) in µm on the wall of a cell that narrows upwards."""
    step = min(grid.voxel_um[1:]) / STEPS_PER_VOXEL
    around = max(8, int(2 * math.pi * radius_um / step))
    heights = (np.arange(grid.shape[0]) + 0.5) * grid.voxel_um[0]
    angle = np.linspace(0, 2 * math.pi, around, endpoint=False)
    outline = _outline(rng)(angle) * radius_um
    narrowing = 1 - rng.uniform(0, 0.3) * heights / max(heights.max(), 1e-9)
    center = rng.random(2) * grid.size_um[1:]
    radius = narrowing[:, None] * outline  # (Z, around)
    points = np.stack(
        [
            np.broadcast_to(heights[:, None], radius.shape),
            center[0] + radius * np.sin(angle),
            center[1] + radius * np.cos(angle),
        ],
        axis=-1,
    )
    return points.reshape(-1, 3)


def _outline(
    rng: np.random.Generator,
) -> Callable[[NDArray[np.float64]], NDArray[np.float64]]:
    """Return a relative radius over the angle: a circle with a few waves."""
    orders = np.arange(2, 2 + FOURIER_ORDERS)
    sizes = rng.normal(0, 0.08, FOURIER_ORDERS) / (orders - 1)
    phases = rng.uniform(0, 2 * math.pi, FOURIER_ORDERS)

    def radius(angle: NDArray[np.float64]) -> NDArray[np.float64]:
        waves = (
            size * np.cos(order * angle + phase)
            for size, order, phase in zip(sizes, orders, phases, strict=True)
        )
        return np.asarray(1 + sum(waves))

    return radius


def _waves(count: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Return slow variation around zero along a curve."""
    place = np.linspace(0, 1, count)
    return np.sin(2 * math.pi * (rng.uniform(1, 12) * place + rng.random()))


def _texture(grid: Grid, rng: np.random.Generator, size_um: float) -> Volume:
    """Return smooth noise of unit deviation with grains of a size."""
    sigma = [size_um / step for step in grid.voxel_um]
    noise = gaussian_filter(rng.standard_normal(grid.shape, np.float32), sigma)
    return np.asarray(noise / noise.std(), np.float32)


def _thickened(volume: Volume, grid: Grid, radius_um: float) -> Volume:
    if radius_um == 0:
        return volume
    sigma = [radius_um / step for step in grid.voxel_um]
    return np.asarray(gaussian_filter(volume, sigma, mode="constant"), np.float32)


def _splat(
    volume: Volume,
    grid: Grid,
    points_um: NDArray[np.float64],
    weights: NDArray[np.float64],
) -> None:
    """Add points to the volume, each shared among its eight nearest voxels."""
    at = points_um / grid.voxel_um - 0.5
    low = np.floor(at).astype(np.int64)
    share = at - low
    for corner in np.ndindex(2, 2, 2):
        index = low + corner
        inside = np.all((index >= 0) & (index < volume.shape), axis=1)
        part = np.prod(np.where(corner, share, 1 - share), axis=1) * weights
        np.add.at(volume, tuple(index[inside].T), part[inside].astype(np.float32))
