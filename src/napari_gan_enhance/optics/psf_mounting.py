"""What lies between the objective and a point in the sample."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import numpy as np

from napari_gan_enhance.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Mounting:
    """Cover slip and immersion as they are, and as the objective was made for.

    What is None is as designed. Lengths in µm.

    Parameters
    ----------
    cover_um : float, > 0
        Thickness of the cover slip that the objective was made for.
    cover_index : float, 1 to 3
        Its refractive index.
    actual_cover_um, actual_cover_index : float or None
        Of the cover slip in use.
    design_immersion_index : float or None, 1 to 3
        Index of the immersion medium that the objective was made for.
    working_distance_um : float, > 0
        Thickness of the immersion medium that the objective was made for. It matters
        only where the index of the medium is not the designed one.

    Raises
    ------
    InputError
        If a value is out of range.
    """

    cover_um: float = 170.0
    cover_index: float = 1.515
    actual_cover_um: float | None = None
    actual_cover_index: float | None = None
    design_immersion_index: float | None = None
    working_distance_um: float = 150.0

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if value is None:
                continue
            is_index = field.name.endswith("_index")
            if not (1 <= value < 3 if is_index else 0 < value < math.inf):
                raise InputError(
                    f"{field.name} {value!r} cannot be - it "
                    f"{'lies between 1 and 3' if is_index else 'is positive, in µm'} "
                    "- correct it."
                )


@dataclass(frozen=True, slots=True)
class OpticalPath:
    """Difference of the optical path from that in the design; lengths in µm.

    Parameters
    ----------
    immersion_index : float
    sample_index : float
    depth_um : float, >= 0
        Distance of the point from the cover slip.
    mounting : Mounting

    References
    ----------
    Gibson and Lanni (1992), doi:10.1364/JOSAA.9.000154, eq. (2): a path through sample,
    cover slip and immersion, less that of the design. The immersion layer is as thick
    as in the design, and what the stage moves is added as defocus.
    """

    immersion_index: float
    sample_index: float
    depth_um: float
    mounting: Mounting

    @property
    def lowest_index(self) -> float:
        """Index of the medium that first reflects a ray totally."""
        return min(index for _, index in self.layers)

    @property
    def layers(self) -> tuple[tuple[float, float], ...]:
        """Thickness and index of all layers; what the design has counts negative."""
        made = self.mounting
        designed = made.design_immersion_index or self.immersion_index
        layers = (
            (self.depth_um, self.sample_index),
            (made.actual_cover_um or made.cover_um, self._cover_index),
            (-made.cover_um, made.cover_index),
            (made.working_distance_um, self.immersion_index),
            (-made.working_distance_um, designed),
        )
        # Layers of one index are one layer: what equals the design cancels exactly.
        thickness: dict[float, float] = {}
        for length, index in layers:
            thickness[index] = thickness.get(index, 0.0) + length
        return tuple((t, n) for n, t in thickness.items() if t != 0)

    @property
    def _cover_index(self) -> float:
        return self.mounting.actual_cover_index or self.mounting.cover_index

    def length(self, sine: NDArray[np.float64]) -> NDArray[np.complex128]:
        """Return the path less that of the design, for rays of n sin(theta) = `sine`.

        Beyond total reflection the root is imaginary: light of a point so near to the
        cover slip passes, damped with its depth.
        """
        total = np.zeros(sine.shape, np.complex128)
        for thickness, index in self.layers:
            total += thickness * np.sqrt((index**2 - sine**2).astype(np.complex128))
        return total

    def focus(self, sine: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the defocus, as thickness of immersion, that brings rays to focus.

        Only for rays below total reflection.
        """
        slope = sum(t / np.sqrt(n**2 - sine**2) for t, n in self.layers)
        return np.asarray(-slope * np.sqrt(self.immersion_index**2 - sine**2))
