"""TileOperator: what the engine can run over an image."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Generator

    from numpy.typing import NDArray


class TileOperator(Protocol):
    """Anything that turns a window of an image into a window of the result.

    The engine asks for what it needs to know; a network, Richardson-Lucy and a test's
    identity look alike to it. All tuples have one entry for each spatial axis, (Y, X)
    or (Z, Y, X).
    """

    @property
    def halo(self) -> tuple[int, ...]:
        """Pixels of context needed on each side of a tile; discarded afterwards."""

    @property
    def size_multiple(self) -> tuple[int, ...]:
        """What the window's origin and size must be a multiple of."""

    @property
    def upscale(self) -> tuple[int, ...]:
        """Output pixels per input pixel."""

    @property
    def bytes_per_pixel(self) -> float:
        """Working memory for one pixel of the window, the result included."""

    def __call__(self, window: NDArray[Any], /) -> NDArray[Any]:
        """Compute one window.

        Parameters
        ----------
        window : ndarray, shape (C, Y, X) or (C, Z, Y, X), any dtype
            Never changed.

        Returns
        -------
        ndarray, shape (C', upscale * spatial shape)

        Raises
        ------
        MemoryError
            If the device has no room for the window; the engine tries smaller ones.
        """


@runtime_checkable
class SteppedOperator(Protocol):
    """A slow operator that may be stopped inside one window, between its steps."""

    def steps(self, window: NDArray[Any], /) -> Generator[float, None, NDArray[Any]]:
        """Yield the finished fraction (0 to 1) of a window; return its result."""
