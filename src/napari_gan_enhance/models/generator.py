"""A loaded generator as a tile operator."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import torch
from torch import nn

from napari_gan_enhance.device import device_faults, free_device_bytes
from napari_gan_enhance.models.registry import parse_config
from napari_gan_enhance.models.spec import ModelCard, ModelSpec

if TYPE_CHECKING:
    from numpy.typing import NDArray

Precision = Literal["exact", "fast"]

FAST_HALO = 64
"""Context in fast precision: what lies further changes a pixel by about 3e-6 of the
range, far below the rounding of half precision (4e-3)."""


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
        float32, or half precision: bfloat16 on a processor, float16 elsewhere.
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
        with device_faults(self.device.type):
            self._network = network.eval().to(self.device)
            # Known to torch, not to its type stubs.
            self._network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        halo = min(spec.halo, FAST_HALO) if precision == "fast" else spec.halo
        self.halo = (halo, halo)
        self.size_multiple = (spec.size_multiple, spec.size_multiple)
        self.upscale = (spec.upscale, spec.upscale)
        full: float = parse_config(spec.architecture, spec.config).bytes_per_pixel
        self.bytes_per_pixel = full / 2 if precision == "fast" else full

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

    def free_bytes(self) -> int | None:
        """Return the free memory of the device; None where main memory counts."""
        return free_device_bytes(self.device)

    def __call__(self, window: NDArray[Any]) -> NDArray[np.float32]:
        """Run the network on one window."""
        with torch.inference_mode(), device_faults(self.device.type):
            # (C, Y, X) -> (1, C, Y, X)
            image = torch.from_numpy(np.ascontiguousarray(window, np.float32))[None]
            image = image.to(self.device, memory_format=torch.channels_last)
            with torch.autocast(
                self.device.type, self._half(), enabled=self.precision == "fast"
            ):
                result = self._network(image)
            array: NDArray[np.float32] = result[0].float().cpu().numpy()
            return array

    def _half(self) -> torch.dtype:
        return torch.bfloat16 if self.device.type == "cpu" else torch.float16
