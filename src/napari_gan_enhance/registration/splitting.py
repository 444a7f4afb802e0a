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
    smallest_train: int | None = None,
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
        Length of the shortest region that is of use along the cut axis, in pixels.
    smallest_train : int, optional
        The same for the training region, such as the side of a training patch; strips
        are shorter than their share where they would leave less.
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
    learned = smallest if smallest_train is None else smallest_train
    strips = sum(share > 0 for share in shares)
    needed = learned + strips * (smallest + guard)
    if max(shape) < needed:
        raise InputError(
            f"A plane of {shape[0]} x {shape[1]} pixels cannot be split - along its "
            f"longer axis {learned} pixels for training, {strips} x {smallest} to look "
            f"at and a guard band of {guard} between them must fit - add another pair, "
            "or a smaller network."
        )
    most, regions = 0.0, []
    for axis in (0, 1) if shape[0] > shape[1] else (1, 0):  # the first of equals
        if shape[axis] < needed:
            continue
        profile = _profile(shape, axis, content)
        for step in (1, -1):
            bands = _bands(profile[::step], guard, shares, (learned, smallest))
            left = float(profile[::step][bands[0]].sum())
            if left > most * (1 + CLEARLY):
                turned = [_turned(band, shape[axis], step) for band in bands]
                most, regions = left, [_across(t, axis, shape) for t in turned]
    return RegionSplit(*regions)


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
    least: tuple[int, int],
) -> list[slice]:
    """Return what to train, to validate and to test on, that at the end.

    `least` pixels are trained on, and in each strip; they fit.
    """
    length = len(profile)
    count = sum(share > 0 for share in shares)
    spare = length - least[0] - count * (least[1] + guard)
    left = 1 - guard * count / length
    stop = length
    strips: list[slice] = []
    for share in reversed(shares):
        size = 0
        if share > 0:
            sums = np.cumsum(profile[:stop][::-1])
            asked = int(np.searchsorted(sums, share * left - ROUNDING)) + 1
            size = min(max(least[1], asked), least[1] + spare)
            spare -= size - least[1]
        strips.insert(0, slice(stop - size, stop))
        stop -= size + (guard if size else 0)
    return [slice(0, stop), *strips]


def _turned(band: slice, length: int, step: int) -> slice:
    """Return a band where it lies in the plane; step -1 counted from its far edge."""
    return band if step > 0 else slice(length - band.stop, length - band.start)


def _across(band: slice, axis: int, shape: tuple[int, int]) -> Box:
    whole = slice(0, shape[1 - axis])
    return (band, whole) if axis == 0 else (whole, band)
