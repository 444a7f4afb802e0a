"""From tifffile's axis letters to ours.

tifffile names axes that a file does not explain (I, Q), sample axes that are no color
(S in grey images), and rarer ones (M, P, H, ...). A Micrograph knows T, C, Z, Y, X
and S.
"""

from __future__ import annotations

from dataclasses import dataclass

from napari_gan_enhance.errors import FileFormatError
from napari_gan_enhance.micrograph.micrograph import AXES


@dataclass(frozen=True, slots=True)
class AxisPlan:
    """How the axes of a file become those of a Micrograph.

    Parameters
    ----------
    axes : str
        Letters of the axes that are kept, in the file's order.
    taken : tuple of int or slice
        For each axis of the file: the part that is kept; an int drops the axis.
    """

    axes: str
    taken: tuple[int | slice, ...]


def plan_axes(
    axes: str, shape: tuple[int, ...], *, color: bool, alpha: int, position: int = 0
) -> AxisPlan:
    """Give every axis of a file a meaning that Micrograph has.

    Axes of length 1 other than Y and X are dropped, and positions of a stage: each is
    an image of its own. Alpha samples are dropped: they
    say how to show a pixel, not how much light came from it. Samples that are no
    color are channels. An axis longer than 1 that has no meaning for us becomes Z, or
    else T, or else C, whichever is free: most unexplained stacks are focus series, and
    without a voxel size along Z every plane is worked on alone, as a frame would be.

    Parameters
    ----------
    axes : str
        tifffile's letters.
    shape : tuple of int
    color : bool
        Whether samples are red, green and blue.
    alpha : int, >= 0
        How many of the last samples are alpha.
    position : int, >= 0
        Which one along R is the image.

    Returns
    -------
    AxisPlan

    Raises
    ------
    FileFormatError
        If there are more unexplained axes than free letters.
    """
    taken: list[int | slice] = [slice(0, n) for n in shape]
    letters = list(axes)
    has_channels = dict(zip(axes, shape, strict=True)).get("C", 1) > 1
    for i, (letter, size) in enumerate(zip(axes, shape, strict=True)):
        kept = max(size - alpha, 1) if letter == "S" else size
        taken[i] = slice(0, kept)
        if letter == "R":
            taken[i] = position
        elif kept == 1 and letter not in "YX":
            taken[i] = 0
        elif letter == "S" and not (color and kept == 3):
            letters[i] = "?" if has_channels else "C"
    kept_letters = [
        x for x, part in zip(letters, taken, strict=True) if isinstance(part, slice)
    ]
    return AxisPlan(_name_unexplained(kept_letters, axes), tuple(taken))


def _name_unexplained(letters: list[str], axes: str) -> str:
    free = [x for x in "ZTC" if x not in letters]
    named = []
    for letter in letters:
        if letter in AXES and letter not in named:
            named.append(letter)
        elif free:
            named.append(free.pop(0))
        else:
            raise FileFormatError(
                f"Axes {axes!r} hold more dimensions than can be told apart - time, "
                "channel, Z, Y and X are used - split the file by its other axes."
            )
    return "".join(named)
