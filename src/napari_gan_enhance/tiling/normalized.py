"""A tile operator on normalized intensities, seen from outside in the image's own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from napari_gan_enhance.micrograph.intensity import IntensityScaling, check_finite
from napari_gan_enhance.tiling.operator import result_of, steps_of

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from numpy.typing import NDArray

    from napari_gan_enhance.tiling.operator import TileOperator


class NormalizedOperator:
    """Scale a window, run an operator on it, scale the result back.

    Parameters
    ----------
    operator : TileOperator
        Works on the model's scale.
    scalings : sequence of IntensityScaling
        One for each input channel; the result's channel c uses that of input channel
        c, or the first where there are more result channels than input channels.
    """

    def __init__(
        self, operator: TileOperator, scalings: Sequence[IntensityScaling]
    ) -> None:
        self._operator = operator
        self._scalings = tuple(scalings)
        self.halo = operator.halo
        self.size_multiple = operator.size_multiple
        self.upscale = operator.upscale
        self.bytes_per_pixel = operator.bytes_per_pixel

    def __call__(self, window: NDArray[Any]) -> NDArray[np.float32]:
        """Compute one window in the image's own units; float32."""
        return result_of(self.steps(window))

    def steps(
        self, window: NDArray[Any]
    ) -> Generator[float, None, NDArray[np.float32]]:
        """Compute one window in the steps of the operator."""
        check_finite(window)
        pairs = zip(self._scalings, window, strict=True)
        scaled = np.stack([s.forward(c) for s, c in pairs])
        result = yield from steps_of(self._operator, scaled)
        return np.stack([self._scaling(c).inverse(r) for c, r in enumerate(result)])

    def _scaling(self, channel: int) -> IntensityScaling:
        return self._scalings[channel if channel < len(self._scalings) else 0]
