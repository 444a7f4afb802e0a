"""In which order tiles are computed: what the user looks at comes first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from napari_gan_enhance.tiling.grid import halved, split

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

    def sees(self, tile: Tile) -> bool:
        """Whether any of a tile is on screen."""
        box = zip(tile.start, tile.stop, self.start, self.stop, strict=True)
        return tile.part == self.part and all(a < d and b > c for a, b, c, d in box)

    def distance(self, tile: Tile) -> tuple[bool, bool, float]:
        """Return a sort key: this part first, visible first, then by distance."""
        box = list(zip(tile.start, tile.stop, self.start, self.stop, strict=True))
        visible = all(a < d and b > c for a, b, c, d in box)
        squared = sum(((a + b) - (c + d)) ** 2 for a, b, c, d in box)
        return tile.part != self.part, not visible, squared


class Schedule:
    """Hand out tiles, row by row or nearest to the focus.

    The focus may be moved from another thread while the job runs; it takes effect at
    the next tile, or at the next step of one that can be given back.
    """

    def __init__(self, focus: Focus | None = None) -> None:
        self.focus = focus
        self._followed: Focus | None = None
        self._has_moved = False
        # Both are handed out from the end. A stack has too many tiles to be sorted
        # while somebody waits: those of other parts are, once they are needed.
        self._near: list[Tile] = []
        self._far: list[Tile] = []

    def __len__(self) -> int:
        """Return how many tiles are left."""
        return len(self._near) + len(self._far)

    def replace(self, tiles: list[Tile]) -> None:
        """Take a new list of tiles, in the order they are wanted without a focus."""
        self._near, self._far = tiles[::-1], []
        self._followed = None

    def take(self, quick: tuple[int, ...] | None = None) -> Tile:
        """Return the next tile and forget it.

        Parameters
        ----------
        quick : tuple of int, optional
            If the tile is the first on screen since the focus has moved, halve it
            again and again down to this shape; what is cut off comes next.
        """
        focus = self._follow()
        if not self._near:
            self._near, self._far = self._far, []
            if focus is not None:
                self._near.sort(key=focus.distance, reverse=True)
        tile, is_first = self._near.pop(), self._has_moved
        self._has_moved = False
        if focus is None or quick is None or not (is_first and focus.sees(tile)):
            return tile
        while half := halved(tile.shape, quick):
            tile, other = sorted(split(tile, half), key=focus.distance)
            self._near.append(other)
        return tile

    def give_back(self, tile: Tile) -> bool:
        """Return an unfinished tile if the focus has moved away from it, to others.

        Returns
        -------
        bool
            Whether the tile was taken back, and another one should be taken.
        """
        if self.focus == self._followed:
            return False
        focus = self._follow()
        if focus is None or focus.sees(tile):
            return False
        if not self._near or not focus.sees(self._near[-1]):
            return False
        self._far.append(tile)
        return True

    def rest(self) -> list[Tile]:
        """Return the tiles that are left, the nearest first."""
        return [*self._near[::-1], *self._far[::-1]]

    def _follow(self) -> Focus | None:
        """Return the focus; bring the tiles of its part to the end if it has moved."""
        focus = self.focus
        if focus is not None and focus != self._followed:
            tiles = self._far + self._near
            near = [tile for tile in tiles if tile.part == focus.part]
            self._near = sorted(near, key=focus.distance, reverse=True)
            self._far = [tile for tile in tiles if tile.part != focus.part]
            self._followed, self._has_moved = focus, True
        return focus
