"""Options that hold several numbers."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TypeVar

import typer

Number = TypeVar("Number", int, float)


def parse_voxel_size(text: str) -> tuple[float | None, float, float]:
    """Return (z, y, x) in µm from "Z,Y,X", or from "Y,X" with z unknown.

    Raises
    ------
    typer.BadParameter
        If the text is anything else.
    """
    values = _split(text, float, "--voxel-size-um", (2, 3))
    if not all(0 < v < float("inf") for v in values):
        raise typer.BadParameter(f"{text!r}: --voxel-size-um takes positive numbers.")
    return (values[0] if len(values) == 3 else None, values[-2], values[-1])


def parse_shape(text: str) -> tuple[int, ...]:
    """Return (Z, Y, X) or (Y, X) from numbers with commas between them.

    Raises
    ------
    typer.BadParameter
        If the text is anything else.
    """
    return tuple(_split(text, int, "--shape", (2, 3)))


def parse_wavelengths(texts: list[str]) -> tuple[float, ...]:
    """Return wavelengths from repeated options or from numbers with commas.

    Raises
    ------
    typer.BadParameter
        If something is no number.
    """
    return tuple(
        value for text in texts for value in _split(text, float, "--emission-nm")
    )


def parse_offset(text: str) -> tuple[float, float, float]:
    """Return (z, y, x) in µm from "Z,Y,X".

    Raises
    ------
    typer.BadParameter
        If the text is anything else.
    """
    z, y, x = _split(text, float, "--offset-um", (3,))
    if not all(map(math.isfinite, (z, y, x))):
        raise typer.BadParameter(f"{text!r}: --offset-um takes finite numbers.")
    return z, y, x


def parse_range(text: str, option: str) -> tuple[float, float]:
    """Return (low, high) from "LOW,HIGH", or one number twice.

    Raises
    ------
    typer.BadParameter
        If the text is anything else, not positive, or in the wrong order.
    """
    values = _split(text, float, option, (1, 2))
    if not 0 < values[0] <= values[-1] < float("inf"):
        raise typer.BadParameter(
            f"{text!r}: {option} takes one or two positive numbers, the smaller first."
        )
    return values[0], values[-1]


def is_number(text: str) -> bool:
    """Return whether a text is a number."""
    try:
        float(text)
    except ValueError:
        return False
    return True


def _split(
    text: str,
    convert: Callable[[str], Number],
    option: str,
    counts: tuple[int, ...] = (),
) -> list[Number]:
    try:
        values = [convert(part) for part in text.split(",")]
    except ValueError:
        values = []
    if not values or (counts and len(values) not in counts):
        kind = "whole numbers" if convert is int else "numbers"
        count = " or ".join(map(str, counts)) or "one or more"
        raise typer.BadParameter(
            f"{text!r}: {option} takes {count} {kind} with commas between them."
        )
    return values
