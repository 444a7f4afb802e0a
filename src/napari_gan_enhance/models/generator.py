"""A loaded generator as a tile operator."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import torch
from torch import nn

from napari_gan_enhance.device import (
    device_faults,
    free_device_bytes,
    half_precision,
)
from napari_gan_enhance.errors import CheckpointError
from napari_gan_enhance.models.registry import parse_config
from napari_gan_enhance.models.spec import ModelCard, ModelSpec
from napari_gan_enhance.models.told_optics import UNKNOWN, ToldOptics, with_told_planes
from napari_gan_enhance.tiling.operator import result_of, steps_of

if TYPE_CHECKING:
    from collections.abc import Generator as Steps

    from numpy.typing import NDArray

Precision = Literal["exact", "fast"]

FAST_HALO = 64
"""Context in fast precision: on the three samples what lies further changes a pixel by
at most 2e-4, 4e-4 and 3e-3 of the range (root mean square up to 1e-4), ten times less
than half precision does (6e-3, 6e-3 and 3e-2). At 48 both would be alike."""


class Generator:
    """A network as a tile operator on normalized intensities.

    Windows are (C, Y, X) float32 with 0 and 1 at the percentiles of the spec; results
    the same with the output's channels.

    Parameters
    ----------
    network : Module
        Moved to the device.
    spec, card : ModelSpec, ModelCard
    sha256 : str
        Of the checkpoint, for the provenance of results.
    device : torch.device
    precision : "exact" or "fast"
        float32, or less context and the half precision of the device if that is faster
        there, see `half_precision`.
    """

    def __init__(
        self,
        network: nn.Module,
        spec: ModelSpec,
        card: ModelCard | None = None,
        *,
        sha256: str = "",
        device: torch.device | None = None,
        precision: Precision = "exact",
    ) -> None:
        self.spec = spec
        self.card = card or ModelCard()
        self.sha256 = sha256
        self.device = device or torch.device("cpu")
        self.precision: Precision = precision
        self._optics = UNKNOWN
        with device_faults(self.device.type):
            self._network = network.eval().to(self.device)
            # Known to torch, not to its type stubs.
            self._network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        halo = min(spec.halo, FAST_HALO) if precision == "fast" else spec.halo
        self.halo = (halo, halo)
        self.size_multiple = (spec.size_multiple, spec.size_multiple)
        self.upscale = (spec.upscale, spec.upscale)
        self._half = half_precision(self.device) if precision == "fast" else None
        full: float = parse_config(spec.architecture, spec.config).bytes_per_pixel
        self.bytes_per_pixel = full / 2 if self._half else full

    @property
    def name(self) -> str:
        """Name for layers and messages."""
        return self.card.name or self.spec.architecture

    @property
    def identity(self) -> dict[str, str]:
        """What says in a result which generator made it."""
        return {
            "name": self.name,
            "architecture": self.spec.architecture,
            "sha256": self.sha256,
        }

    def for_optics(self, optics: ToldOptics) -> Generator:
        """Return this generator, told of the optics what it wants to know."""
        told = copy.copy(self)  # the network is shared
        told._optics = optics
        return told

    def free_bytes(self) -> int | None:
        """Return the free memory of the device; None where main memory counts."""
        return free_device_bytes(self.device)

    def __call__(self, window: NDArray[Any]) -> NDArray[np.float32]:
        """Run the network on one window."""
        return result_of(self.steps(window))

    def steps(self, window: NDArray[Any]) -> Steps[float, None, NDArray[np.float32]]:
        """Run the network on one window, block by block where it can be stopped."""
        run = self._run(window)
        while True:
            # Entered for each block: torch's modes belong to the thread, not to us.
            with (
                torch.inference_mode(),
                torch.autocast(
                    self.device.type, self._half, enabled=self._half is not None
                ),
                device_faults(self.device.type),
            ):
                try:
                    fraction = next(run)
                except StopIteration as end:
                    result: NDArray[np.float32] = end.value
                    return result
            yield fraction

    def _run(self, window: NDArray[Any]) -> Steps[float, None, NDArray[np.float32]]:
        # (C, Y, X) -> (1, C, Y, X)
        image = torch.from_numpy(np.ascontiguousarray(window, np.float32))[None]
        image = image.to(self.device, memory_format=torch.channels_last)
        image = with_told_planes(image, [self._optics], self.spec.told)
        result = yield from steps_of(self._network, image)
        array: NDArray[np.float32] = result[0].float().cpu().numpy()
        if not np.isfinite(array).all():
            raise CheckpointError(
                f"Model {self.name!r} gave NaN or infinite pixels in {self.precision} "
                "precision - results must be finite - choose exact precision or "
                "another checkpoint."
            )
        return array
