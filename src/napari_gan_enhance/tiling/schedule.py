"""In which order tiles are computed: what the user looks at comes first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from napari_gan_enhance.tiling.grid import Tile


@dataclass(frozen=True, slots=True)
class Focus:
    """What is on screen.

    Parameters
    ----------
    part : int
        Which plane or volume of the job.
    start, stop : tuple of float
        Visible box in input pixels, one entry for each spatial axis.
    """

    part: int
    start: tuple[float, ...]
    stop: tuple[float, ...]

    def distance(self, tile: Tile) -> tuple[bool, bool, float]:
        """Return a sort key: this part first, visible first, then by distance."""
        box = list(zip(tile.start, tile.stop, self.start, self.stop, strict=True))
        visible = all(a < d and b > c for a, b, c, d in box)
        squared = sum(((a + b) - (c + d)) ** 2 for a, b, c, d in box)
        return tile.part != self.part, not visible, squared


class Schedule:
    """Hand out tiles, row by row or nearest to the focus.

    The focus may be moved from another thread while the job runs; it takes effect at
    the next tile.
    """

    def __init__(self, focus: Focus | None = None) -> None:
        self.focus = focus
        self._sorted_for: Focus | None = None
        self._pending: list[Tile] = []

    def __len__(self) -> int:
        """Return how many tiles are left."""
        return len(self._pending)

    def replace(self, tiles: list[Tile]) -> None:
        """Take a new list of tiles, in the order they are wanted without a focus."""
        self._pending = tiles[::-1]  # handed out from the end
        self._sorted_for = None

    def take(self) -> Tile:
        """Return the next tile and forget it."""
        focus = self.focus
        if focus is not None and focus != self._sorted_for:
            self._pending.sort(key=focus.distance, reverse=True)
            self._sorted_for = focus
        return self._pending.pop()

    def rest(self) -> list[Tile]:
        """Return the tiles that are left, in the order they would be handed out."""
        return self._pending[::-1]
