"""Split one field of view into regions that share no light.

    0                             Y (or X, the longer axis)                       n
    |---------- train ----------|-- guard --|- validation -|-- guard --|- test ---|

A network sees as far as its receptive field: without the guard bands, pixels of the
training region would help to predict the first rows of the validation region.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from napari_gan_enhance.errors import InputError

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
) -> RegionSplit:
    """Cut a plane across its longer axis, with guard bands between the parts.

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
    shares = [s for s in (validation, test) if s > 0]
    axis = 0 if shape[0] > shape[1] else 1
    length = shape[axis] - guard * len(shares)
    if length < smallest * (1 + len(shares)):
        raise InputError(
            f"A plane of {shape[0]} x {shape[1]} pixels cannot be split - along its "
            f"longer axis {1 + len(shares)} regions of {smallest} pixels and a guard "
            f"band of {guard} between them must fit - add another pair, or a smaller "
            "network."
        )
    sizes = [max(smallest, round(share * length)) for share in (validation, test)]
    kept = [n if s > 0 else 0 for n, s in zip(sizes, (validation, test), strict=True)]
    stops = [length - sum(kept)]
    if stops[0] < smallest:
        raise InputError(
            f"Shares {validation:g} and {test:g} leave {stops[0]} pixels for training "
            f"- at least {smallest} are needed - hold out less."
        )
    bands = [slice(0, stops[0])]
    for size in kept:
        start = min(bands[-1].stop + guard, shape[axis]) if size else bands[-1].stop
        bands.append(slice(start, start + size))
    return RegionSplit(*(_across(band, axis, shape) for band in bands))


def _across(band: slice, axis: int, shape: tuple[int, int]) -> Box:
    whole = slice(0, shape[1 - axis])
    return (band, whole) if axis == 0 else (whole, band)
