"""Micrograph: pixels and everything the file said about them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np

from napari_gan_enhance.errors import InputError
from napari_gan_enhance.micrograph.microscope import Channel, Microscope

if TYPE_CHECKING:
    from collections.abc import Mapping

AXES = "TCZYXS"


class PixelArray(Protocol):
    """What a numpy, dask or zarr array has in common."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Length of each axis."""

    @property
    def dtype(self) -> Any:
        """Type of one pixel."""

    def __getitem__(self, index: Any, /) -> Any:
        """Read a region."""


class VoxelSize(NamedTuple):
    """Sample-space size of one voxel in µm; None where the file does not say."""

    z: float | None = None
    y: float | None = None
    x: float | None = None


UNKNOWN_SIZE = VoxelSize()
UNKNOWN_MICROSCOPE = Microscope()


@dataclass(frozen=True, slots=True, eq=False)
class Micrograph:
    """An image with its axes, voxel size, channels and microscope.

    Every result keeps all of it; what a file does not say stays None.

    Parameters
    ----------
    pixels : numpy, dask or zarr array
        Any shape and any integer, boolean or floating dtype; never copied.
    axes : str
        One letter of "TCZYXS" for each array axis, each at most once and in any
        order, Y and X always among them; S are RGB(A) samples.
    voxel_size_um : VoxelSize
        (z, y, x), each positive or None.
    time_step_s : float or None, seconds
        Time between two frames.
    channels : tuple of Channel
        One for each index along C (one in all without C); filled up with empty
        ones when none are given.
    microscope : Microscope
    name : str
        Shown to the user; usually the file's name without suffix.
    provenance : mapping
        How the pixels came to be: empty for raw data, model, settings and versions
        for a result. JSON values only.

    Raises
    ------
    InputError
        If axes, shape, voxel size and channels do not fit together.
    """

    pixels: PixelArray
    axes: str
    voxel_size_um: VoxelSize = UNKNOWN_SIZE
    time_step_s: float | None = None
    channels: tuple[Channel, ...] = ()
    microscope: Microscope = UNKNOWN_MICROSCOPE
    name: str = ""
    provenance: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _check_axes(self.axes, self.pixels.shape)
        _check_dtype(self.pixels.dtype)
        for letter, size in zip("ZYX", self.voxel_size_um, strict=True):
            if size is not None and not (np.isfinite(size) and size > 0):
                raise InputError(
                    f"Voxel size {letter} is {size!r} µm - it must be a positive "
                    "number or None - leave it out if it is unknown."
                )
        if not self.channels:
            empty = (Channel(),) * self.size("C")
            object.__setattr__(self, "channels", empty)
        if len(self.channels) != self.size("C"):
            raise InputError(
                f"{len(self.channels)} channels are described but axis C has "
                f"{self.size('C')} - the two must agree - describe each channel once."
            )

    @property
    def shape(self) -> tuple[int, ...]:
        """Length of each axis, in the order of `axes`."""
        return tuple(self.pixels.shape)

    @property
    def is_rgb(self) -> bool:
        """Whether the last kind of axis is RGB(A) samples."""
        return "S" in self.axes

    @property
    def sample_axis(self) -> str:
        """The axis that a generator takes as its channels: S for RGB, else C."""
        return "S" if self.is_rgb else "C"

    def size(self, axis: str) -> int:
        """Return the length of an axis, 1 if the micrograph does not have it."""
        index = self.axes.find(axis)
        return 1 if index < 0 else int(self.pixels.shape[index])

    def with_pixels(self, pixels: PixelArray, **changes: Any) -> Micrograph:
        """Return the same micrograph with other pixels; axes stay unless changed."""
        return replace(self, pixels=pixels, **changes)


def _check_axes(axes: str, shape: tuple[int, ...]) -> None:
    unknown = sorted(set(axes) - set(AXES))
    if unknown or len(set(axes)) != len(axes) or not {"Y", "X"} <= set(axes):
        raise InputError(
            f"Axes {axes!r} cannot be used - they are letters of {AXES!r}, each at "
            "most once, with Y and X - name the axes of the array in order."
        )
    if len(axes) != len(shape):
        raise InputError(
            f"Axes {axes!r} name {len(axes)} axes but the array has shape "
            f"{tuple(shape)} - one letter for each axis is needed - correct the axes."
        )


def _check_dtype(dtype: Any) -> None:
    if np.dtype(dtype).kind not in "buif":
        raise InputError(
            f"Pixels of type {dtype} cannot be used - images hold booleans, integers "
            "or floating-point numbers - convert the image first (for complex data, "
            "take the magnitude)."
        )
