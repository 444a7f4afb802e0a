"""Split one field of view into regions that share no light.

    0                             Y (or X, the longer axis)                       n
    |---------- train ----------|-- guard --|- validation -|-- guard --|- test ---|

A network sees as far as its receptive field: without the guard bands, pixels of the
training region would help to predict the first rows of the validation region.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from napari_gan_enhance.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

EVEN = 0.05
"""Share of the content that counts as spread evenly: background is learned too."""

CLEARLY = 0.02
"""By how much another cut must leave more to learn from than the usual one."""

ROUNDING = 1e-9

Box: TypeAlias = tuple[slice, slice]
"""Rows and columns, start and stop given, in pixels of the plane."""


@dataclass(frozen=True, slots=True)
class RegionSplit:
    """Regions of one plane for training, for choosing the best step, for the score.

    Parameters
    ----------
    train, validation, test : (slice, slice)
        (Y, X); an empty slice where a share of 0 was asked for.
    """

    train: Box
    validation: Box
    test: Box


def split_regions(
    shape: tuple[int, int],
    guard: int,
    *,
    validation: float = 0.2,
    test: float = 0.0,
    smallest: int = 1,
    content: NDArray[np.floating[Any]] | None = None,
) -> RegionSplit:
    """Cut a plane across one axis, with guard bands between the parts.

    A strip holds its share of the content, not of the pixels: the edge of a field is
    often empty, and nothing can be told from background. Of the four edges the strips
    may begin at, that one is taken which leaves most to learn from.

    Parameters
    ----------
    shape : (int, int)
        (Y, X) of the plane in pixels.
    guard : int, >= 0
        Width of the unused band between two regions in pixels: the receptive field of
        the network (twice its halo) keeps the regions apart; the halo alone keeps the
        pixels that are learned from out of what is scored.
    validation, test : float, 0 <= validation + test < 1
        Shares of what is left after the guard bands; a share above 0 gives at least
        `smallest` pixels.
    smallest : int, >= 1
        Length of the shortest region that is of use along the cut axis, in pixels,
        such as the side of a training patch.
    content : ndarray, shape (Y, X), >= 0, optional
        How much there is to see at each pixel; everywhere the same without it.

    Returns
    -------
    RegionSplit
        No pixel is in two regions, and two pixels of different regions lie more than
        `guard` pixels apart.

    Raises
    ------
    InputError
        If the plane is too small for the regions and guard bands.
    """
    shares = validation, test
    count = 1 + sum(share > 0 for share in shares)
    room = max(shape) - guard * (count - 1)
    if room < smallest * count:
        raise InputError(
            f"A plane of {shape[0]} x {shape[1]} pixels cannot be split - along its "
            f"longer axis {count} regions of {smallest} pixels and a guard "
            f"band of {guard} between them must fit - add another pair, or a smaller "
            "network."
        )
    best: tuple[float, RegionSplit] | None = None
    for axis in (0, 1) if shape[0] > shape[1] else (1, 0):  # the first of equals
        profile = _profile(shape, axis, content)
        for step in (1, -1):
            bands = _bands(profile[::step], guard, shares, smallest)
            if bands is None:
                continue
            left = float(profile[::step][bands[0]].sum())
            if best is None or left > best[0] * (1 + CLEARLY):
                sides = (_turned(band, shape[axis], step) for band in bands)
                best = left, RegionSplit(*(_across(s, axis, shape) for s in sides))
    if best is None:
        raise InputError(
            f"Shares {validation:g} and {test:g} leave fewer than {smallest} pixels "
            "for training - at least so many are needed - hold out less."
        )
    return best[1]


def _profile(
    shape: tuple[int, int], axis: int, content: NDArray[np.floating[Any]] | None
) -> NDArray[np.float64]:
    """Return the content of each row or column; a little even where nothing is."""
    even = np.full(shape[axis], 1 / shape[axis])
    if content is None or not content.any():
        return even
    along = content.sum(axis=1 - axis, dtype=np.float64)
    return np.asarray((1 - EVEN) * along / along.sum() + EVEN * even)


def _bands(
    profile: NDArray[np.float64],
    guard: int,
    shares: tuple[float, float],
    smallest: int,
) -> list[slice] | None:
    """Return what to train, to validate and to test on, that at the end; or None."""
    length = len(profile)
    left = 1 - guard * sum(share > 0 for share in shares) / length
    stop = length
    strips: list[slice] = []
    for share in reversed(shares):
        sums = np.cumsum(profile[:stop][::-1])
        size = int(np.searchsorted(sums, share * left - ROUNDING)) + 1
        size = max(smallest, size) if share > 0 else 0
        strips.insert(0, slice(max(stop - size, 0), stop))
        stop -= size + (guard if size else 0)
    return None if stop < smallest else [slice(0, stop), *strips]


def _turned(band: slice, length: int, step: int) -> slice:
    """Return a band where it lies in the plane; step -1 counted from its far edge."""
    return band if step > 0 else slice(length - band.stop, length - band.start)


def _across(band: slice, axis: int, shape: tuple[int, int]) -> Box:
    whole = slice(0, shape[1 - axis])
    return (band, whole) if axis == 0 else (whole, band)
