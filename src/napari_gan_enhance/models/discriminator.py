"""Discriminators of the cross-system GAN (Panek et al., arXiv 2403.18026).

Both follow one plan; they differ in where the image gets smaller and how the signal is
kept alive:

image -> stem -> 10 blocks of 4 convolutions -> pool -> dense -> dense -> one logit
          |            |
        stride 2     working:   stride 2 in the first block of each of five groups
                     reference: stride 2 in every one of the 40 convolutions
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn

SLOPE = 0.1
"""Slope of every LeakyReLU, as in the authors' code."""

CONVOLUTIONS = 4
"""Convolutions in each block, as in the paper."""

GROUPS = (1, 2, 4, 8, 8)
"""Channels of the five groups of two blocks, in units of the width."""

BIAS = 0.1
"""Standard deviation of the first biases of the working discriminator. With biases of
zero a patch of zeros, as stitched and background-subtracted images have, stays zero up
to each normalization, which then multiplies the gradient by 316: after 40 of them it is
no number."""

DENSE = 1024
"""Width of the first dense layer, as in the authors' code."""

SMALLEST_IMAGE = 64
"""Pixels on each side that leave one pixel after six strides. In half precision oneDNN
3.11 (torch 2.13) gives NaN gradients for a stride on a map of a single pixel."""

NORMALIZED_TOGETHER = 8
"""Groups of channels of the normalization; divides every width that is allowed."""


class DiscriminatorConfig(BaseModel):
    """Shape of a discriminator.

    Parameters
    ----------
    kind : "working" or "reference"
        The plan as it can work, or as it was released: there 33 of the 41 strided
        convolutions act on a map of one pixel, activations underflow to zero, and the
        output says nothing about any image, before and after training.
    in_channels : int
    width : int
        Channels of the first group of blocks; published 64, a multiple of 16. The
        reference always has 64.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["working", "reference"] = "working"
    in_channels: int = Field(1, ge=1, le=64)
    width: int = Field(16, ge=16, le=256, multiple_of=16)


def build_discriminator(config: DiscriminatorConfig) -> nn.Module:
    """Return an initialized discriminator on the CPU."""
    if config.kind == "reference":
        return ReferenceDiscriminator(config.in_channels)
    return Discriminator(config)


class Discriminator(nn.Module):
    """A discriminator that learns: Kaiming weights and group normalization.

    Without normalization the signal dies on the way, or, with Kaiming weights, logits
    explode; a stride in the first convolution of each group only leaves a map of four
    pixels for an image of 256.

    Input (N, in_channels, Y, X) float, Y and X of 64 or more; output (N, 1), a logit.

    Parameters
    ----------
    config : DiscriminatorConfig
    """

    def __init__(self, config: DiscriminatorConfig) -> None:
        super().__init__()
        width = config.width
        stem = nn.Conv2d(config.in_channels, width // 2, 3, stride=2, padding=1)
        layers: list[nn.Module] = [stem]
        channels = width // 2
        for group in GROUPS:
            for position in range(2 * CONVOLUTIONS):
                stride = 2 if position == 0 else 1
                layers += _convolution(channels, group * width, stride)
                channels = group * width
        self.features = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten())
        self.head = nn.Sequential(
            nn.Linear(channels, DENSE), nn.LeakyReLU(SLOPE), nn.Linear(DENSE, 1)
        )
        for module in _with_bias(self):
            nn.init.kaiming_normal_(module.weight, a=SLOPE)
        for layer in self.features:
            if isinstance(layer, nn.Conv2d) and layer.bias is not None:
                nn.init.normal_(layer.bias, std=BIAS)

    def forward(self, image: Tensor) -> Tensor:
        """Return how real each image looks, as a logit."""
        logit: Tensor = self.head(self.features(image))
        return logit


class ReferenceDiscriminator(nn.Module):
    """The released layout, for reproduction only: it is dead at initialization.

    Kept with the release's Glorot weights, zero biases and "same" padding. The
    probability that the release puts out is the sigmoid of the logit given here: 0.5
    for any image.

    Input (N, in_channels, Y, X) float; output (N, 1), a logit.

    Parameters
    ----------
    in_channels : int
    """

    def __init__(self, in_channels: int) -> None:
        super().__init__()
        layers: list[nn.Module] = [
            _SamePadding(3),
            nn.Conv2d(in_channels, 32, 3, stride=2),
        ]
        channels = 32
        for group in GROUPS:
            for _ in range(2 * CONVOLUTIONS):
                layers += [
                    _SamePadding(4),
                    nn.Conv2d(channels, 64 * group, 4, stride=2),
                    nn.LeakyReLU(SLOPE),
                ]
                channels = 64 * group
        # The release pools 4x4 with "same" padding, which on one pixel does nothing.
        self.features = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten())
        self.head = nn.Sequential(
            nn.Linear(channels, DENSE), nn.ReLU(), nn.Linear(DENSE, 1)
        )
        for module in _with_bias(self):
            nn.init.xavier_uniform_(module.weight)

    def forward(self, image: Tensor) -> Tensor:
        """Return how real each image looks, as a logit."""
        logit: Tensor = self.head(self.features(image))
        return logit


class _SamePadding(nn.Module):
    """Pad with zeros so that a stride of 2 gives half the size, rounded up."""

    def __init__(self, kernel: int) -> None:
        super().__init__()
        self._kernel = kernel

    def forward(self, image: Tensor) -> Tensor:
        height, width = image.shape[-2:]
        (top, bottom), (left, right) = map(self._sides, (height, width))
        return nn.functional.pad(image, (left, right, top, bottom))

    def _sides(self, size: int) -> tuple[int, int]:
        # Keras puts the odd pixel at the end.
        total = max(0, self._kernel - (2 if size % 2 == 0 else 1))
        return total // 2, total - total // 2


def _with_bias(network: nn.Module) -> list[nn.Conv2d | nn.Linear]:
    """Return what has weights, its biases set to zero."""
    found = [m for m in network.modules() if isinstance(m, nn.Conv2d | nn.Linear)]
    for module in found:
        if module.bias is not None:
            nn.init.zeros_(module.bias)
    return found


def _convolution(inputs: int, outputs: int, stride: int) -> list[nn.Module]:
    # 3x3 where the release has 4x4: an even kernel shifts a map by half a pixel.
    return [
        nn.Conv2d(inputs, outputs, 3, stride=stride, padding=1),
        nn.GroupNorm(NORMALIZED_TOGETHER, outputs),
        nn.LeakyReLU(SLOPE, inplace=True),
    ]
