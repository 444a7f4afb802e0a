"""How much a model disagrees with itself when its input is turned, mirrored and moved.

The optics do not care which side of an image is up, nor at which pixel a tile begins. A
network does: where it has learned what to draw, its passes agree, and where it guesses,
each guesses differently. Any checkpoint can be asked, without training.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_gan_enhance.tiling.operator import result_of, steps_of

if TYPE_CHECKING:
    from collections.abc import Generator

    from numpy.typing import NDArray

    from napari_gan_enhance.tiling.operator import TileOperator


@dataclass(frozen=True, slots=True)
class Turn:
    """One of the eight ways to lay a square on itself, and where its tiles begin.

    Parameters
    ----------
    quarters : int, 0 to 3
        Turns by 90 degrees.
    mirrored : bool
        Mirrored along X before.
    offset : (float, float), 0 to 1
        Shift along Y and X in size multiples.
    """

    quarters: int
    mirrored: bool
    offset: tuple[float, float] = (0.0, 0.0)

    def shift(self, multiple: tuple[int, ...]) -> tuple[int, int]:
        """Return the shift in pixels."""
        y, x = (int(share * m) for share, m in zip(self.offset, multiple, strict=True))
        return y, x

    def forward(self, window: NDArray[Any], multiple: tuple[int, ...]) -> NDArray[Any]:
        """Return a window (C, Y, X) as this turn shows it to the model."""
        pads = [
            (before, m - before if before else 0)
            for before, m in zip(self.shift(multiple), multiple, strict=True)
        ]
        moved = np.pad(window, [(0, 0), *pads], mode="symmetric")
        moved = moved[:, :, ::-1] if self.mirrored else moved
        return np.ascontiguousarray(np.rot90(moved, self.quarters, (1, 2)))

    def backward(
        self, result: NDArray[Any], size: tuple[int, ...], multiple: tuple[int, ...]
    ) -> NDArray[Any]:
        """Return the model's answer (C, Y, X) as it lies on the window of a size."""
        back = np.rot90(result, -self.quarters, (1, 2))
        back = back[:, :, ::-1] if self.mirrored else back
        y, x = self.shift(multiple)
        return back[:, y : y + size[0], x : x + size[1]]


TURNS = (
    Turn(0, mirrored=False, offset=(0.5, 0.5)),
    Turn(1, mirrored=True),
    Turn(2, mirrored=False, offset=(0.25, 0.75)),
    Turn(3, mirrored=True),
    Turn(0, mirrored=True),
    Turn(1, mirrored=False, offset=(0.75, 0.25)),
    Turn(2, mirrored=True, offset=(0.3, 0.6)),
    Turn(3, mirrored=False),
)
"""All eight; the first four are as different as four can be. Half of them are moved, as
that takes a margin; unmoved and unturned would be the result itself."""


class Spread:
    """The standard deviation of an operator's result over several turns.

    Parameters
    ----------
    operator : TileOperator
        Of two spatial axes; does not change the number of pixels.
    passes : int, 2 to 8
    """

    def __init__(self, operator: TileOperator, passes: int) -> None:
        self._operator = operator
        self._turns = TURNS[:passes]
        self.halo = operator.halo
        self.size_multiple = operator.size_multiple
        self.upscale = operator.upscale
        # One result of each pass is kept beside the working memory of the model.
        self.bytes_per_pixel = operator.bytes_per_pixel + 4.0 * (passes + 2)

    def __call__(self, window: NDArray[Any]) -> NDArray[np.float32]:
        """Compute one window (C, Y, X)."""
        return result_of(self.steps(window))

    def steps(
        self, window: NDArray[Any]
    ) -> Generator[float, None, NDArray[np.float32]]:
        """Compute one window pass by pass."""
        size, multiple, count = window.shape[1:], self.size_multiple, len(self._turns)
        results = []
        for index, turn in enumerate(self._turns):
            steps = steps_of(self._operator, turn.forward(window, multiple))
            try:
                while True:
                    yield (index + float(next(steps))) / count
            except StopIteration as end:
                results.append(turn.backward(end.value, size, multiple))
            finally:
                steps.close()
            yield (index + 1) / count
        return np.asarray(np.std(results, axis=0, ddof=1), np.float32)
