"""TileOperator: what the engine can run over an image."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, TypeVar, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from numpy.typing import NDArray

Array = TypeVar("Array")


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


class Snapshot(float):
    """The finished fraction of a window, together with its result so far.

    Parameters
    ----------
    fraction : float, 0 to 1
    index : int
        Which of the snapshots of its window it is, counted from 0.
    result : ndarray, as the operator's result
        Not changed later.
    """

    __slots__ = ("index", "result")

    def __new__(cls, fraction: float, index: int, result: NDArray[Any]) -> Snapshot:
        """Make a float with two attributes."""
        snapshot = super().__new__(cls, fraction)
        snapshot.index, snapshot.result = index, result
        return snapshot

    index: int
    result: NDArray[Any]


@runtime_checkable
class SteppedOperator(Protocol[Array]):
    """A slow operator that may be stopped inside one window, between its steps.

    Its windows are arrays, or the tensors of a network.
    """

    def steps(self, window: Array, /) -> Generator[float, None, Array]:
        """Yield the finished fraction (0 to 1) of a window; return its result.

        A fraction that is a Snapshot carries an intermediate result.
        """


def steps_of(
    operator: Callable[[Array], Array], window: Array
) -> Generator[float, None, Array]:
    """Run an operator step by step; one that has no steps runs at a stretch."""
    if isinstance(operator, SteppedOperator):
        result: Array = yield from operator.steps(window)
        return result
    return operator(window)


def result_of(steps: Generator[object, None, Array]) -> Array:
    """Do all steps and return the result."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            result: Array = end.value
            return result
