"""Residual U-Net generator of the cross-system GAN (Panek et al., arXiv 2403.18026).

x ---> down 1 ---> down 2 ---> ... ---> down n
         |skip       |skip                | (nothing at the bottom)
y <--- up n   <--- up n-1 <--- ... <--- up 1
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import torch
from pydantic import BaseModel, ConfigDict, Field, model_validator
from torch import Tensor, nn

from napari_gan_enhance.tiling.operator import result_of

if TYPE_CHECKING:
    from collections.abc import Generator

SLOPE = 0.1
"""Slope of every LeakyReLU, as in the authors' code."""

CONVOLUTIONS = 3
"""3x3 convolutions in each branch, as in the authors' code."""


class ResidualUNetConfig(BaseModel):
    """Shape of a residual U-Net; the defaults are the published network.

    Parameters
    ----------
    in_channels, out_channels : int
    width : int
        Channels of the first level; each deeper level has twice as many.
    depth : int
        Levels, each halving the size.
    upsampling : "transposed" or "resize"
        2x2 transposed convolution as published, or nearest-neighbor resizing followed
        by a 3x3 convolution, which cannot make checkerboards.
    head : "leaky" or "linear"
        LeakyReLU after the last convolution, as published, or nothing.
    residual : bool
        Add the input to the output: the network learns the correction only.
    takes_psf_width : bool
        One more input plane tells the width of the PSF; see `with_told_planes`.
    takes_pixel_size : bool
        Another one, beside that of the width, tells the pixel size.
    initialization : "glorot" or "kaiming"
        Uniform Glorot as in the authors' code, or Kaiming normal for LeakyReLU.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    in_channels: int = Field(3, ge=1, le=64)
    out_channels: int = Field(3, ge=1, le=64)
    width: int = Field(64, ge=1, le=512)
    depth: int = Field(4, ge=1, le=6)
    upsampling: Literal["transposed", "resize"] = "transposed"
    head: Literal["leaky", "linear"] = "leaky"
    residual: bool = False
    takes_psf_width: bool = False
    takes_pixel_size: bool = False
    initialization: Literal["glorot", "kaiming"] = "glorot"

    @model_validator(mode="after")
    def _residual_needs_equal_channels(self) -> ResidualUNetConfig:
        if self.residual and self.in_channels != self.out_channels:
            raise ValueError("a residual network needs as many outputs as inputs")
        return self

    @model_validator(mode="after")
    def _pixel_size_goes_with_width(self) -> ResidualUNetConfig:
        if self.takes_pixel_size and not self.takes_psf_width:
            raise ValueError("a network that takes the pixel size takes the PSF, too")
        return self

    @property
    def upscale(self) -> int:
        """Output pixels per input pixel."""
        return 1

    @property
    def size_multiple(self) -> int:
        """Image sides must be a multiple of this."""
        return int(2**self.depth)

    @property
    def halo(self) -> int:
        """Reach of a tile to one side, rounded up to the size multiple.

        Followed from the output back to the input: a convolution at level k reaches
        2**k pixels, and what is read from a pooled map is read by whole cells. A tile
        begins and ends with a cell of the deepest level. (93 pixels at depth 4; a
        single pixel in its cell may reach 105, as measured on the authors' network.)
        """
        reach = 0
        up = CONVOLUTIONS + (self.upsampling == "resize")
        for level in range(self.depth):
            cell = 2 ** (level + 1)
            reach = -(-(reach + up * 2**level) // cell) * cell
        reach += sum(CONVOLUTIONS * 2**level for level in range(self.depth))
        return int(-(-reach // self.size_multiple) * self.size_multiple)

    @property
    def bytes_per_pixel(self) -> float:
        """Peak activation memory per pixel of the window at float32.

        At the last level the skip, the upsampled map, their concatenation and the
        first convolution's result live at once: 5 maps of `width` channels; the rest
        of the process adds 2 (measured: 385 to 480 bytes at width 16).
        """
        return 4.0 * (7 * self.width + self.in_channels + 2 * self.out_channels)


class ResidualUNet(nn.Module):
    """The generator; see `ResidualUNetConfig` for its options.

    Input (N, in_channels, Y, X) float, and one plane more for each thing that it is
    told of the optics; Y and X multiples of 2**depth. Output (N, out_channels, Y, X),
    unbounded.

    Parameters
    ----------
    config : ResidualUNetConfig
    """

    def __init__(self, config: ResidualUNetConfig) -> None:
        super().__init__()
        self.config = config
        down = [config.width * 2**k for k in range(config.depth)]
        up = [*down[-2::-1], config.width]  # depth 4: 4w, 2w, w, w
        planes = config.in_channels
        planes += config.takes_psf_width + config.takes_pixel_size
        self.down = nn.ModuleList(
            _Down(a, b) for a, b in zip([planes, *down], down, strict=False)
        )
        self.up = nn.ModuleList(
            _Up(a, skip, b, config.upsampling)
            for a, skip, b in zip([down[-1], *up], down[::-1], up, strict=False)
        )
        self.head = nn.Conv2d(up[-1], config.out_channels, 1)
        self._initialize()

    def forward(self, image: Tensor) -> Tensor:
        """Run the network."""
        return result_of(self.steps(image))

    def steps(self, image: Tensor) -> Generator[float, None, Tensor]:
        """Run the network, yielding the finished fraction before each block."""
        x, skips, count = image, [], len(self.down) + len(self.up)
        for done, block in enumerate(self.down):
            yield done / count
            x, skip = block(x)
            skips.append(skip)
        for done, block in enumerate(self.up, start=len(self.down)):
            yield done / count
            x = block(x, skips.pop())
        x = self.head(x)
        if self.config.head == "leaky":
            x = nn.functional.leaky_relu(x, SLOPE)
        return image[:, : x.shape[1]] + x if self.config.residual else x

    def _initialize(self) -> None:
        if self.head.weight.is_meta:
            return  # shapes alone: to draw nothing there torch would load its compiler
        # torch's default leaves this deep plain network nearly dead (output std 8e-5).
        for module in self.modules():
            if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
                if self.config.initialization == "glorot":
                    nn.init.xavier_uniform_(module.weight)
                else:
                    nn.init.kaiming_normal_(module.weight, a=SLOPE)
                nn.init.zeros_(_bias(module))
        if self.config.residual:
            nn.init.zeros_(self.head.weight)  # start as the identity


class _Down(nn.Module):
    """One level down: (N, A, Y, X) -> (N, B, Y/2, X/2) and skip (N, B, Y, X)."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.branch = _convolutions(inputs, outputs)
        self.projection = nn.Conv2d(inputs, outputs, 1)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        # The skip is the branch before the addition, as in the authors' code; the
        # paper's text says after.
        skip = self.branch(x)
        x = nn.functional.leaky_relu(skip + self.projection(x), SLOPE)
        return nn.functional.avg_pool2d(x, 2), skip


class _Up(nn.Module):
    """One level up: (N, A, Y, X) and skip (N, S, 2Y, 2X) -> (N, B, 2Y, 2X)."""

    def __init__(self, inputs: int, skip: int, outputs: int, upsampling: str) -> None:
        super().__init__()
        self.upsample: nn.Module
        if upsampling == "transposed":
            self.upsample = nn.ConvTranspose2d(inputs, outputs, 2, stride=2)
        else:
            self.upsample = nn.Sequential(
                nn.Upsample(scale_factor=2, mode="nearest"),
                nn.Conv2d(inputs, outputs, 3, padding=1),
            )
        self.branch = _convolutions(outputs + skip, outputs)

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        result: Tensor = self.branch(torch.cat([self.upsample(x), skip], dim=1))
        return result


def _convolutions(inputs: int, outputs: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    for channels in [inputs, *[outputs] * (CONVOLUTIONS - 1)]:
        # In place: the convolution does not need its own output for the gradient.
        layers += [
            nn.Conv2d(channels, outputs, 3, padding=1),
            nn.LeakyReLU(SLOPE, inplace=True),
        ]
    return nn.Sequential(*layers)


def _bias(module: nn.Conv2d | nn.ConvTranspose2d) -> Tensor:
    if module.bias is None:
        raise TypeError("every convolution of the residual U-Net has a bias")
    return module.bias
