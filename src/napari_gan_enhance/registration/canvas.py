"""Bring planes of any pixel size and placement onto grids that can be compared.

Everything that is measured in this package is measured between two canvases of the
same pixel size, whose axes are those of the world:

    index of a pixel --to_world--> world (µm) <--origin + pixel x index-- canvas
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import ndimage

from napari_gan_enhance.errors import InputError
from napari_gan_enhance.registration.borders import within_border

if TYPE_CHECKING:
    from numpy.typing import NDArray

SMALLEST_SIDE = 16
"""Pixels; below there is nothing to correlate."""

SAME_PLACE = 0.01
"""Pixels, or planes, by which the farthest one may lie off a grid along the axes of the
world for the image to be taken as it is: far less than an alignment leaves."""

WITHIN = 0.99
"""Share of an interpolated pixel that must come from within an empty border."""


@dataclass(frozen=True, slots=True, eq=False)
class PlacedImage:
    """Pixels and where they lie in the world.

    Parameters
    ----------
    pixels : ndarray, shape (Y, X) or (Z, Y, X), any integer, boolean or float dtype
    to_world : ndarray, shape (n + 1, n + 1), float64
        From indices to µm, homogeneous; n is the number of axes. Planes of a stack lie
        parallel: Z is not mixed with Y and X.

    Raises
    ------
    InputError
        If the numbers of axes do not fit, the planes are tilted, or the sides are too
        short.
    """

    pixels: NDArray[Any]
    to_world: NDArray[np.float64]

    def __post_init__(self) -> None:
        n = self.pixels.ndim
        if n not in (2, 3) or self.to_world.shape != (n + 1, n + 1):
            raise InputError(
                f"An image of shape {self.pixels.shape} with a matrix of shape "
                f"{self.to_world.shape} cannot be aligned - planes (Y, X) and stacks "
                "(Z, Y, X) can, each with its own matrix - reduce it."
            )
        if n == 3 and self._is_tilted():
            raise InputError(
                "The planes of a stack are tilted, or shifted against each other as Z "
                "grows - they must lie above each other to be aligned or paired - "
                "resample the stack first."
            )
        if min(self.pixels.shape[-2:]) < SMALLEST_SIDE:
            raise InputError(
                f"An image of shape {self.pixels.shape} is too small to be aligned - "
                f"at least {SMALLEST_SIDE} pixels are needed on each side - use a "
                "larger part of the field."
            )

    def _is_tilted(self) -> bool:
        """Return whether Z is mixed with Y and X; a single plane may lie anywhere."""
        planes, *sides = (n - 1 for n in self.pixels.shape)
        shifted = np.abs(self.to_world[1:3, 0]).max() * planes
        lifted = np.abs(self.to_world[0, 1:3]) @ sides * min(planes, 1)
        step = abs(float(self.to_world[0, 0]))
        return bool(shifted > SAME_PLACE * self.pixel_um or lifted > SAME_PLACE * step)

    @property
    def lateral(self) -> NDArray[np.float64]:
        """The part of `to_world` that places a plane, shape (3, 3)."""
        kept = [-3, -2, -1]
        return np.asarray(self.to_world[np.ix_(kept, kept)])

    @property
    def pixel_um(self) -> float:
        """The longer side of one pixel in µm."""
        sides: NDArray[np.float64] = np.linalg.norm(self.lateral[:2, :2], axis=0)
        return float(sides.max())

    def z_um(self) -> NDArray[np.float64]:
        """Return the world position of each plane in µm; 0 for a plane."""
        if self.pixels.ndim == 2:
            return np.zeros(1)
        indices = np.arange(len(self.pixels))
        return np.asarray(self.to_world[0, 0] * indices + self.to_world[0, 3])

    def plane(self, index: int) -> PlacedImage:
        """Return one plane of a stack; of a plane, itself."""
        pixels = self.pixels[index] if self.pixels.ndim == 3 else self.pixels
        return PlacedImage(pixels, self.lateral)

    def projection(self, planes: slice = slice(None)) -> PlacedImage:
        """Return the brightest pixel of each column of a stack."""
        if self.pixels.ndim == 2:
            return self
        return PlacedImage(self.pixels[planes].max(axis=0), self.lateral)


@dataclass(frozen=True, slots=True, eq=False)
class Canvas:
    """A plane on a grid along the axes of the world.

    Parameters
    ----------
    values : ndarray, shape (Y, X), float32
    inside : ndarray, shape (Y, X), bool
        Where the image reaches, without empty borders: they look alike in any two
        images, and would be aligned instead of what is in them.
    pixel_um : float, µm
    origin_um : ndarray, shape (2,), µm
        World position of the first pixel's center.
    """

    values: NDArray[np.float32]
    inside: NDArray[np.bool_]
    pixel_um: float
    origin_um: NDArray[np.float64]

    @property
    def to_world(self) -> NDArray[np.float64]:
        """From indices to µm, shape (3, 3)."""
        matrix = np.diag([self.pixel_um, self.pixel_um, 1.0])
        matrix[:2, 2] = self.origin_um
        return matrix

    def with_values(self, values: NDArray[np.float32]) -> Canvas:
        """Return the same grid with other values."""
        return Canvas(values, self.inside, self.pixel_um, self.origin_um)


def canvas_of(plane: PlacedImage, pixel_um: float) -> Canvas:
    """Return a plane on a grid of a given pixel size that covers it.

    Finer pixels are averaged first; where pixels are that size already and lie along
    the axes, they are taken as they are.

    Parameters
    ----------
    plane : PlacedImage, shape (Y, X)
    pixel_um : float, µm

    Raises
    ------
    InputError
        If pixels are NaN or infinite.
    """
    pixels, held = _finite(plane.pixels), within_border(plane.pixels)
    linear, origin = plane.lateral[:2, :2], plane.lateral[:2, 2]
    steps = np.linalg.norm(linear, axis=0)
    grain = pixel_um / steps
    # A pixel f times as wide is the mean over f pixels, whose variance is f² / 12.
    sigmas = np.sqrt(np.maximum(grain**2 - 1, 0) / 12)
    off = np.abs(linear / pixel_um - np.eye(2)) @ np.array(pixels.shape)
    if off.max() < SAME_PLACE:
        return Canvas(pixels, held, pixel_um, origin.copy())
    ends = np.array(pixels.shape) - 1.0
    corners = np.array([[y, x] for y in (0, ends[0]) for x in (0, ends[1])])
    world = corners @ linear.T + origin
    low = world.min(axis=0)
    shape = tuple(np.floor((world.max(axis=0) - low) / pixel_um).astype(int) + 1)
    back = np.linalg.inv(linear)
    to = back * pixel_um, back @ (low - origin), shape
    values = warped(_smooth(pixels, sigmas), *to, cubic=True)
    inside = np.isfinite(values)
    if not held.all():
        share = warped(_smooth(held.astype(np.float32), sigmas), *to, cubic=True)
        inside &= share > WITHIN
    return Canvas(np.where(inside, values, 0), inside, pixel_um, low)


def seen_by(
    fixed: Canvas, moving: Canvas, matrix: NDArray[np.float64]
) -> NDArray[np.float32]:
    """Return the moving image on the grid of the fixed one; NaN where it is not.

    Parameters
    ----------
    fixed, moving : Canvas
    matrix : ndarray, shape (3, 3)
        World to world in µm, moving to fixed.
    """
    into = np.linalg.inv(moving.to_world) @ np.linalg.inv(matrix) @ fixed.to_world
    held = np.where(moving.inside, moving.values, np.nan)
    return warped(held, into[:2, :2], into[:2, 2], fixed.values.shape)


def warped(
    image: NDArray[np.float32],
    linear: NDArray[Any],
    offset: NDArray[Any],
    shape: tuple[int, ...],
    *,
    cubic: bool = False,
) -> NDArray[np.float32]:
    """Sample an image at linear @ index + offset; NaN outside of it.

    Parameters
    ----------
    image : ndarray, shape (Y, X), float32
    linear : ndarray, shape (2, 2)
    offset : ndarray, shape (2,), pixels
    shape : (int, int)
        Of the result.
    cubic : bool
        Cubic splines instead of straight lines between pixels.
    """
    out = np.empty(shape, np.float32)
    return np.asarray(
        ndimage.affine_transform(
            image,
            linear,
            offset,
            output_shape=shape,
            output=out,
            order=3 if cubic else 1,
            mode="constant",
            cval=np.nan,
        )
    )


def _smooth(
    image: NDArray[np.float32], sigmas: NDArray[np.float64]
) -> NDArray[np.float32]:
    return ndimage.gaussian_filter(image, sigmas) if sigmas.any() else image


def _finite(pixels: NDArray[Any]) -> NDArray[np.float32]:
    values = np.asarray(pixels, np.float32)
    if not np.isfinite(values).all():
        raise InputError(
            "An image to be aligned holds NaN or infinite pixels - all pixels must be "
            "finite - replace them, for instance by the background."
        )
    return values
