"""What a camera makes of light: shot noise, read noise, gain, offset, gray levels."""

from __future__ import annotations

from typing import Literal, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, model_validator

Bits: TypeAlias = Literal[8, 12, 16]

Recorded: TypeAlias = NDArray[np.uint8] | NDArray[np.uint16] | NDArray[np.float32]


class Camera(BaseModel):
    """How a camera turns photoelectrons into pixel values.

    Parameters
    ----------
    gain : float, > 0
        Gray levels for one photoelectron.
    offset : float, >= 0
        Gray levels of a pixel without light.
    read_noise : float, >= 0
        Standard deviation of the electronics, in electrons.
    bits : 8, 12, 16 or None
        Pixels are rounded and clipped to so many bits; None keeps them real, and
        negative where noise makes them so.

    Raises
    ------
    ValueError
        If a value is out of range, or the offset beyond the brightest gray level.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    gain: float = Field(1.0, gt=0)
    offset: float = Field(0.0, ge=0)
    read_noise: float = Field(0.0, ge=0)
    bits: Bits | None = None

    @model_validator(mode="after")
    def _check_offset(self) -> Self:
        if self.bits is not None and self.offset >= 2**self.bits - 1:
            raise ValueError(
                f"Offset {self.offset:g} lies beyond {self.bits} bits - it must be "
                f"below {2**self.bits - 1} gray levels - lower it or take more bits."
            )
        return self

    def levels(self, photons: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the gray levels to expect: offset + gain * photons, unrounded."""
        return np.asarray(self.offset + self.gain * photons, np.float32)

    def record(
        self, photons: NDArray[np.float32], rng: np.random.Generator
    ) -> Recorded:
        """Take one exposure.

        Parameters
        ----------
        photons : ndarray, any shape, float32, >= 0
            Expected number of photoelectrons in each pixel.
        rng : numpy.random.Generator

        Returns
        -------
        ndarray, same shape
            uint8 for 8 bits, uint16 for 12 and 16, float32 without.
        """
        electrons = rng.poisson(photons).astype(np.float32)
        if self.read_noise:
            noise = rng.standard_normal(photons.shape, np.float32)
            electrons += np.float32(self.read_noise) * noise
        levels = self.levels(electrons)
        if self.bits is None:
            return levels
        rounded = np.clip(np.rint(levels), 0, 2**self.bits - 1)
        return rounded.astype(np.uint8) if self.bits == 8 else rounded.astype(np.uint16)
