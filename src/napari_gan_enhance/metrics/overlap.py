"""Where two micrographs show the same place, and their planes there on one grid.

world    0 µm ------------------------------------> x
reference     | 0 | 1 | 2 | 3 | 4 | 5 |
result                | 0| 1| 2| 3| 4| 5| 6| 7|
compared              | 2 | 3 | 4 | 5 |               (pixels of the reference)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_gan_enhance.errors import InputError
from napari_gan_enhance.micrograph.view import AxesView

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from napari_gan_enhance.micrograph.micrograph import Micrograph

SPATIAL = "ZYX"
SAME_GRID_PX = 1e-3
"""Pixels; grids that differ by less are one grid, and nothing is interpolated."""

Triple = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Extent:
    """Where the voxels of a micrograph lie, along (Z, Y, X).

    Parameters
    ----------
    pixel_um : tuple of float, µm, > 0
        Size of a voxel.
    corner_um : tuple of float, µm
        Where the first voxel begins (not its center): images of one field that differ
        only in pixel size begin at the same corner.
    """

    pixel_um: Triple
    corner_um: Triple = (0.0, 0.0, 0.0)


@dataclass(frozen=True, slots=True, eq=False)
class AxisMatch:
    """How the result is read along one axis.

    Parameters
    ----------
    reference : slice
        Pixels of the reference that are compared.
    result : slice
        Pixels of the result that they are made of.
    weights : ndarray or None, shape (reference pixels, result pixels), float64
        Rows sum to 1; None where pixels coincide.
    """

    reference: slice
    result: slice
    weights: Any = None


@dataclass(frozen=True, slots=True, eq=False)
class Overlap:
    """The part of a reference that a result shows as well.

    Parameters
    ----------
    axes : mapping of "Z", "Y" and "X" to AxisMatch
    """

    axes: Mapping[str, AxisMatch]

    @property
    def is_exact(self) -> bool:
        """Whether pixels of the result are taken as they are."""
        return all(match.weights is None for match in self.axes.values())

    @property
    def region(self) -> dict[str, slice]:
        """Which pixels of the reference are compared, by axis."""
        return {axis: match.reference for axis, match in self.axes.items()}

    def size(self, axis: str) -> int:
        """Return how many pixels of the reference are compared along an axis."""
        part = self.axes[axis].reference
        return int(part.stop - part.start)

    def reference_plane(
        self, reference: Micrograph, place: Mapping[str, int]
    ) -> NDArray[Any]:
        """Read a plane of the reference.

        Parameters
        ----------
        reference : Micrograph
        place : mapping of letter to int
            Position on T, C, Z and S; Z counts from the start of the overlap.

        Returns
        -------
        ndarray, shape (Y, X), dtype of the reference
        """
        z = self.axes["Z"].reference.start + place.get("Z", 0)
        view = AxesView(reference.pixels, reference.axes, "YX", {**place, "Z": z})
        return view[self.axes["Y"].reference, self.axes["X"].reference]

    def result_plane(
        self, result: Micrograph, place: Mapping[str, int]
    ) -> NDArray[Any]:
        """Read the same plane of the result, on the grid of the reference.

        Between pixels it is interpolated linearly; where pixels of the reference are
        larger, over all that lie in reach, as a coarser camera would.
        """
        y, x = (self.axes[a] for a in "YX")
        plane = self.slab(result, place)
        if y.weights is not None:
            plane = y.weights @ plane
        return np.asarray(plane if x.weights is None else plane @ x.weights.T)

    def slab(self, result: Micrograph, place: Mapping[str, int]) -> NDArray[Any]:
        """Read what the result shows at the depth of a plane, on its own pixels."""
        at = place.get("Z", 0)
        z, y, x = (self.axes[a] for a in SPATIAL)
        fixed = {a: n for a, n in place.items() if a != "Z"}
        view = AxesView(result.pixels, result.axes, SPATIAL, fixed)
        if z.weights is None:
            start = z.result.start + at
            block = view[slice(start, start + 1), y.result, x.result]
            return np.asarray(block[0])
        used = np.flatnonzero(z.weights[at])
        first, last = z.result.start + used[0], z.result.start + used[-1] + 1
        block = view[slice(first, last), y.result, x.result]
        mixed = np.tensordot(z.weights[at, used[0] : used[-1] + 1], block, 1)
        return np.asarray(mixed)


def extent_of(micrograph: Micrograph, corner_um: Triple = (0.0, 0.0, 0.0)) -> Extent:
    """Return where a micrograph lies by its own voxel size.

    Parameters
    ----------
    micrograph : Micrograph
        A micrograph of one plane needs no size along Z.
    corner_um : tuple of float, µm
        As for Extent.

    Raises
    ------
    InputError
        If a voxel size is not known.
    """
    z, y, x = micrograph.voxel_size_um
    if z is None and micrograph.size("Z") == 1:
        z = 1.0
    if z is None or y is None or x is None:
        raise InputError(
            f"{micrograph.name or 'An image'!r} does not say its voxel size - where "
            "two images overlap is known only from their sizes in µm - compare images "
            "of the same size, or give the voxel size."
        )
    return Extent((z, y, x), corner_um)


def find_overlap(
    result: Micrograph, reference: Micrograph, where: tuple[Extent, Extent]
) -> Overlap:
    """Return where two micrographs overlap in the world.

    Parameters
    ----------
    result, reference : Micrograph
        Axes T, C and S have the same length in both.
    where : (Extent, Extent)
        Of the result and of the reference; of single planes Z is not looked at.

    Raises
    ------
    InputError
        If they do not overlap, or another axis than Z, Y and X has another length.
    """
    check_others(result, reference)
    flat = result.size("Z") == reference.size("Z") == 1
    matches = {}
    for i, axis in enumerate(SPATIAL):
        if axis == "Z" and flat:
            matches[axis] = AxisMatch(slice(0, 1), slice(0, 1))
            continue
        # Both grids in pixels of the reference, its first pixel from 0 to 1.
        unit = where[1].pixel_um[i]
        start = (where[0].corner_um[i] - where[1].corner_um[i]) / unit
        step = where[0].pixel_um[i] / unit
        match = match_axis(start, step, result.size(axis), reference.size(axis))
        if match is None:
            ranges = [
                f"from {e.corner_um[i]:.4g} to "
                f"{e.corner_um[i] + m.size(axis) * e.pixel_um[i]:.4g} µm"
                for e, m in zip(where, (result, reference), strict=True)
            ]
            raise InputError(
                f"Result and reference do not overlap on axis {axis}: they lie "
                f"{ranges[0]} and {ranges[1]} - they must show a common place - check "
                "voxel sizes and positions."
            )
        matches[axis] = match
    return Overlap(matches)


def same_field(result: Micrograph, reference: Micrograph) -> Overlap:
    """Return the overlap of two micrographs that show the same field, edge to edge.

    Sizes along Y and X may differ, as those of an upscaled result do; voxel sizes need
    not be known.

    Raises
    ------
    InputError
        If another axis has another length.
    """
    check_others(result, reference, also="Z")
    extents = [
        Extent((1.0, 1 / m.size("Y"), 1 / m.size("X"))) for m in (result, reference)
    ]
    return find_overlap(result, reference, (extents[0], extents[1]))


def same_grid(result: Micrograph, reference: Micrograph) -> Overlap:
    """Return the overlap of two micrographs of the same size, pixel by pixel.

    Raises
    ------
    InputError
        If an axis has another length.
    """
    check_others(result, reference, also="ZYX")
    sizes = {axis: slice(0, reference.size(axis)) for axis in SPATIAL}
    return Overlap({axis: AxisMatch(part, part) for axis, part in sizes.items()})


def match_axis(start: float, step: float, n: int, n_reference: int) -> AxisMatch | None:
    """Match an axis of a result with that of a reference.

    Parameters
    ----------
    start, step : float, pixels of the reference
        Where the result begins, and the size of its pixels.
    n, n_reference : int
        Lengths in pixels.

    Returns
    -------
    AxisMatch or None
        None where they do not meet.
    """
    slack = SAME_GRID_PX
    first = max(0, int(np.ceil(start - 0.5 - slack)))
    stop = min(n_reference, int(np.floor(start + n * step - 0.5 + slack)) + 1)
    if stop <= first:
        return None
    whole = round(start)
    if abs(step - 1) * n < slack and abs(start - whole) < slack:
        used = slice(first - whole, stop - whole)
        return AxisMatch(slice(first, stop), used)
    centers = np.arange(first, stop) + 0.5
    where = (centers - start) / step - 0.5  # in pixels of the result
    reach = max(1.0, 1 / step)
    low = max(0, int(np.floor(where[0] - reach)))
    high = min(n, int(np.ceil(where[-1] + reach)) + 1)
    distance = np.abs(where[:, np.newaxis].clip(0, n - 1) - np.arange(low, high))
    weights = np.maximum(0, 1 - distance / reach)
    weights /= weights.sum(axis=1, keepdims=True)
    return AxisMatch(slice(first, stop), slice(low, high), weights)


def check_others(result: Micrograph, reference: Micrograph, also: str = "") -> None:
    """Refuse two micrographs of which T, C or S, or an axis of `also`, differ.

    Raises
    ------
    InputError
    """
    order = "TCS" + also
    if all(result.size(a) == reference.size(a) for a in order):
        return
    first, second = (
        " x ".join(f"{a} {m.size(a)}" for a in "TCZSYX" if m.size(a) > 1)
        for m in (result, reference)
    )
    which = "every axis" if also == SPATIAL else "the axes " + ", ".join(order)
    advice = (
        "crop or resample one of them, or compare where they overlap"
        if also == SPATIAL
        else "choose the same channels, times and planes of both"
    )
    raise InputError(
        f"The result has {first}, the reference {second} - both must have the same "
        f"size on {which} - {advice}."
    )
