"""An image on a larger grid, continued beyond its edges by reflection."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

if TYPE_CHECKING:
    from numpy.typing import NDArray


class ContinuedImage:
    """Working memory for one image at a time, its edges and what a transform adds.

        | margin | image | margin | rest |    along each axis

    Blurring reads no further than the margin, so inside the image it is exact, and what
    the Fourier transform wraps around stays in the margin and the rest.

    Parameters
    ----------
    shape : tuple of int
        Of the image.
    grid : tuple of int
        Of the whole.
    margins : tuple of (int, int)
        Before and after the image along each axis.
    device : str
    """

    def __init__(
        self,
        shape: tuple[int, ...],
        grid: tuple[int, ...],
        margins: tuple[tuple[int, int], ...],
        device: str,
    ) -> None:
        self.whole = torch.zeros(grid, device=device)
        sizes = list(zip(shape, margins, strict=True))
        self._slices = tuple(slice(before, before + n) for n, (before, _) in sizes)
        self._edges = [
            (axis, start, torch.from_numpy(before + index).to(device))
            for axis, (n, (before, after)) in enumerate(sizes)
            for start, index in (
                (0, _mirror(-before, 0, n)),
                (before + n, _mirror(n, n + after, n)),
            )
            if len(index)
        ]

    @property
    def inside(self) -> torch.Tensor:
        """The image: a view of `whole`."""
        return self.whole[self._slices]

    def load(self, image: torch.Tensor) -> None:
        """Write an image, which may be `inside` itself, and reflect it at its edges."""
        inside = self.inside
        if image.data_ptr() != inside.data_ptr():
            inside.copy_(image)
        for axis, start, index in self._edges:
            margin = self.whole.narrow(axis, start, len(index))
            margin.copy_(self.whole.index_select(axis, index))


def _mirror(start: int, stop: int, size: int) -> NDArray[np.int64]:
    """Return pixel indices from start to stop, reflected into 0 ... size - 1."""
    index = np.arange(start, stop) % (2 * size)
    return np.where(index < size, index, 2 * size - 1 - index)
