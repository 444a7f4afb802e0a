"""The architectures a checkpoint may name. To add one: one file, and one line here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from pydantic import BaseModel, ValidationError

from napari_gan_enhance.errors import CheckpointError
from napari_gan_enhance.models.residual_unet import ResidualUNet, ResidualUNetConfig
from napari_gan_enhance.models.spec import ModelSpec

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import nn


class ArchitectureConfig(Protocol):
    """What the configuration of every architecture can tell."""

    in_channels: int
    out_channels: int
    takes_psf_width: bool
    takes_pixel_size: bool

    @property
    def upscale(self) -> int:
        """Output pixels per input pixel."""

    @property
    def size_multiple(self) -> int:
        """Image sides must be a multiple of this."""

    @property
    def halo(self) -> int:
        """Context that makes tiles seamless."""

    @property
    def bytes_per_pixel(self) -> float:
        """Peak activation memory per pixel of the window at float32."""


@dataclass(frozen=True, slots=True)
class Architecture:
    """A network and its configuration."""

    config: type[BaseModel]
    network: Callable[[Any], nn.Module]


ARCHITECTURES: dict[str, Architecture] = {
    "residual-unet": Architecture(ResidualUNetConfig, ResidualUNet),
}


def parse_config(architecture: str, config: dict[str, Any]) -> Any:
    """Return the validated configuration of an architecture.

    Raises
    ------
    CheckpointError
        If the architecture is unknown or the configuration does not fit it.
    """
    if architecture not in ARCHITECTURES:
        raise CheckpointError(
            f"Architecture {architecture!r} is not known - known are "
            f"{', '.join(map(repr, ARCHITECTURES))} - use such a checkpoint, or a "
            "newer version of napari-gan-enhance."
        )
    try:
        return ARCHITECTURES[architecture].config.model_validate(config)
    except ValidationError as error:
        reason = error.errors()[0]
        place = ".".join(map(str, reason["loc"]))
        raise CheckpointError(
            f"The configuration of {architecture!r} cannot be used ({place}: "
            f"{reason['msg']}) - every value must be legal - the file is damaged or "
            "from another version."
        ) from error


def build_network(architecture: str, config: dict[str, Any]) -> nn.Module:
    """Return an initialized network on the CPU.

    Raises
    ------
    CheckpointError
        If the architecture is unknown or the configuration does not fit it.
    """
    parsed = parse_config(architecture, config)
    return ARCHITECTURES[architecture].network(parsed)


def spec_of(architecture: str, config: dict[str, Any], **scaling: float) -> ModelSpec:
    """Return the spec of a new network; `scaling` may set the percentiles."""
    parsed: ArchitectureConfig = parse_config(architecture, config)
    return ModelSpec(
        architecture=architecture,
        config=config,
        in_channels=parsed.in_channels,
        out_channels=parsed.out_channels,
        takes_psf_width=parsed.takes_psf_width,
        takes_pixel_size=parsed.takes_pixel_size,
        upscale=parsed.upscale,
        halo=parsed.halo,
        size_multiple=parsed.size_multiple,
        **scaling,
    )
