"""Choose a tile that fits into memory."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import psutil

from napari_gan_enhance.errors import InputError
from napari_gan_enhance.tiling.grid import halved, round_up

if TYPE_CHECKING:
    from napari_gan_enhance.tiling.operator import TileOperator

FREE_SHARE = 0.25
"""Share of the free memory that one window may take: the user has other programs."""

MOST_BYTES = 320 * 2**20
"""Larger windows gain nothing on a processor and would break the memory budget."""


def free_bytes() -> int:
    """Return the main memory that can be taken without swapping."""
    return int(psutil.virtual_memory().available)


def fitting_tile(
    operator: TileOperator, shape: tuple[int, ...], budget_bytes: int | None = None
) -> tuple[int, ...]:
    """Return the largest tile, by repeated halving, whose window fits the budget.

    Parameters
    ----------
    operator : TileOperator
    shape : tuple of int
        Spatial shape of the image.
    budget_bytes : int, optional
        Memory for one window; by default a share of what is free, at most 320 MiB.

    Returns
    -------
    tuple of int
        A multiple of the operator's size multiple on each axis.
    """
    if budget_bytes is None:
        budget_bytes = min(int(free_bytes() * FREE_SHARE), MOST_BYTES)
    multiple = operator.size_multiple
    tile = tuple(round_up(n, m) for n, m in zip(shape, multiple, strict=True))
    while _window_bytes(operator, tile, shape) > budget_bytes:
        smaller = halved(tile, multiple)
        if smaller is None:
            break
        tile = smaller
    return tile


def checked_tile(
    operator: TileOperator, tile: int, shape: tuple[int, ...]
) -> tuple[int, ...]:
    """Return a user's lateral tile size as a full tile shape; Z is never cut.

    Raises
    ------
    InputError
        If the size is not a positive multiple of what the operator needs.
    """
    need = math.lcm(*operator.size_multiple[-2:])
    if tile < 1 or tile % need:
        legal = max(need, tile // need * need)
        raise InputError(
            f"Tile size {tile} cannot be used - it must be a positive multiple of "
            f"{need} - use {legal} or {legal + need}."
        )
    depth = tuple(
        round_up(n, m)
        for n, m in zip(shape[:-2], operator.size_multiple[:-2], strict=True)
    )
    return (*depth, tile, tile)


def _window_bytes(
    operator: TileOperator, tile: tuple[int, ...], shape: tuple[int, ...]
) -> float:
    """Return the memory of the largest window that this tile leads to."""
    sizes = zip(tile, shape, operator.halo, operator.size_multiple, strict=True)
    pixels = math.prod(min(t + 2 * h, round_up(n, m)) for t, n, h, m in sizes)
    return pixels * operator.bytes_per_pixel
